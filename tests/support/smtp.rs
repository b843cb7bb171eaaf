//! A mail server: aiosmtpd, which stores mails in a folder.

use super::TestApp;
use super::certificate::Certificate;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Debian's own, which has aiosmtpd.
const PYTHON: &str = "/usr/bin/python3";
const PATIENCE: Duration = Duration::from_secs(20);

pub struct MailServer {
    pub port: u16,
    dir: TempDir,
    child: Child,
    /// Further arguments.
    args: Vec<String>,
}

impl MailServer {
    pub fn start() -> Self {
        Self::start_with(Vec::new())
    }

    /// One that speaks TLS from the first byte.
    pub fn start_with_tls(certificate: &Certificate) -> Self {
        let (path, key) = (certificate.path.display(), certificate.key.display());
        Self::start_with(vec![format!("--smtpscert={path}"), format!("--smtpskey={key}")])
    }

    fn start_with(args: Vec<String>) -> Self {
        let dir = TempDir::new().unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut server = Self { port, child: run(port, dir.path().join("mail"), &args), dir, args };
        server.wait();
        server
    }

    fn wait(&mut self) {
        let begun = Instant::now();
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            assert!(begun.elapsed() < PATIENCE, "aiosmtpd answers");
            assert!(self.child.try_wait().unwrap().is_none(), "aiosmtpd is installed and runs");
            std::thread::yield_now();
        }
    }

    /// Stops the server, so that nothing listens on its port.
    pub fn stop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub fn start_again(&mut self) {
        self.child = run(self.port, self.dir.path().join("mail"), &self.args);
        self.wait();
    }

    /// Does the jobs of an app until a mail arrives, and returns it decoded.
    pub async fn next(&self, app: &TestApp) -> String {
        let begun = Instant::now();
        loop {
            app.run_jobs().await;
            if let [mail] = self.take().as_slice() {
                return decode(mail);
            }
            assert!(begun.elapsed() < PATIENCE, "a mail arrives");
            tokio::task::yield_now().await;
        }
    }

    /// Returns all received mails and empties the folder.
    pub fn take(&self) -> Vec<String> {
        take(&self.dir.path().join("mail/new"))
    }
}

/// A mail server of our own, which does what `handler` says: the methods of a class of aiosmtpd.
struct Scripted {
    port: u16,
    child: Child,
}

impl Scripted {
    fn start(handler: &str, folder: &Path) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let script = format!(
            "import asyncio, sys, aiosmtpd.smtp
class Handler:
{handler}
async def main():
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: aiosmtpd.smtp.SMTP(Handler()), '127.0.0.1', int(sys.argv[1]))
    await server.serve_forever()
asyncio.run(main())"
        );
        let mut command = Command::new(PYTHON);
        let child = command.args(["-c", &script, &port.to_string()]).arg(folder).spawn().expect("python3 runs");
        let begun = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(begun.elapsed() < PATIENCE, "the server answers");
            std::thread::yield_now();
        }
        Self { port, child }
    }
}

impl Drop for Scripted {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A mail server with a fault. It stores what it takes.
pub struct FaultyServer {
    pub port: u16,
    dir: TempDir,
    _server: Scripted,
}

impl FaultyServer {
    /// One that knows no address of the host `nowhere.example`.
    pub fn refusing() -> Self {
        Self::start(
            "    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.endswith('nowhere.example'): return '550 5.1.1 No such user here'
        envelope.rcpt_tos.append(address)
        return '250 OK'",
            "",
        )
    }

    /// One that takes no mail of ours.
    pub fn closed() -> Self {
        Self::start("", "        return '550 5.7.1 Relaying denied'")
    }

    /// One that stores the first mail and hangs up before it says so.
    pub fn forgetful() -> Self {
        Self::start("", "        if Handler.count == 1: server.transport.abort()")
    }

    /// One that takes a second to take a mail.
    pub fn slow() -> Self {
        Self::start("", "        import asyncio; await asyncio.sleep(1)")
    }

    fn start(methods: &str, after_data: &str) -> Self {
        let handler = format!(
            "    count = 0
{methods}
    async def handle_DATA(self, server, session, envelope):
        Handler.count += 1
        with open(f'{{sys.argv[2]}}/{{Handler.count:03}}', 'wb') as file: file.write(envelope.content)
{after_data}
        return '250 OK'"
        );
        let dir = TempDir::new().unwrap();
        let server = Scripted::start(&handler, dir.path());
        Self { port: server.port, dir, _server: server }
    }

    /// Returns all stored mails and empties the folder.
    pub fn take(&self) -> Vec<String> {
        take(self.dir.path())
    }
}

/// Returns all files of a folder by name, and removes them.
fn take(folder: &Path) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let read = |path: &PathBuf| {
        let text = std::fs::read_to_string(path).unwrap();
        std::fs::remove_file(path).unwrap();
        text
    };
    paths.iter().map(read).collect()
}

fn run(port: u16, folder: PathBuf, args: &[String]) -> Child {
    let listen = format!("127.0.0.1:{port}");
    Command::new("aiosmtpd")
        .args(["-n", "-l", &listen])
        .args(args)
        .args(["-c", "aiosmtpd.handlers.Mailbox"])
        .arg(folder)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("aiosmtpd is installed")
}

impl Drop for MailServer {
    fn drop(&mut self) {
        // The server may have been stopped already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The local path of the link in a decoded mail that has a line of its own.
pub fn link(mail: &str) -> String {
    let path = mail.lines().find_map(|line| line.strip_prefix("http://desk.example"));
    path.unwrap_or_else(|| panic!("a link in {mail}")).to_owned()
}

/// Headers and texts as a mail program shows them.
pub fn decode(mail: &str) -> String {
    let script = "import email, email.policy, sys
m = email.message_from_string(sys.stdin.read(), policy=email.policy.default)
print('\\n'.join(f'{k}: {v}' for k, v in m.items()))
for part in m.walk():
    if part.get_content_maintype() == 'text': print(part.get_content())";
    let mut command = Command::new("python3");
    command.args(["-c", script]).env("PYTHONIOENCODING", "utf-8");
    String::from_utf8(crate::support::process::run(command, mail).stdout).unwrap()
}
