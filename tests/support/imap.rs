//! A mailbox: Debian's Dovecot, with a folder of its own.

use super::certificate::Certificate;
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::chown;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};
use tempfile::TempDir;

const PATIENCE: Duration = Duration::from_secs(20);
static NEXT: AtomicU32 = AtomicU32::new(0);

/// Any user and this password may sign in.
pub const PASSWORD: &str = "p@ss";

pub struct ImapServer {
    port: u16,
    dir: TempDir,
    child: Child,
    /// Dovecot serves no mail as root.
    owner: Option<u32>,
}

impl ImapServer {
    pub fn start() -> Self {
        Self::start_with("ssl = no")
    }

    /// One that speaks TLS alone.
    pub fn start_with_tls(certificate: &Certificate) -> Self {
        let (path, key) = (certificate.path.display(), certificate.key.display());
        Self::start_with(&format!("ssl = required\nssl_cert = <{path}\nssl_key = <{key}"))
    }

    fn start_with(tls: &str) -> Self {
        let dir = TempDir::new().unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let is_root = rustix::process::getuid().is_root();
        let owner = is_root.then_some(65_534);
        let (user, group) = (name_of(&["-un"], owner), name_of(&["-gn"], owner));
        let path = dir.path().display();
        let is_tls = if tls.contains("required") { "yes" } else { "no" };
        let config = format!(
            "protocols = imap\nlisten = 127.0.0.1\nbase_dir = {path}/run\nstate_dir = {path}/state\nlog_path = {path}/log\n\
             {tls}\ndisable_plaintext_auth = no\nmail_location = maildir:{path}/mail\nfirst_valid_uid = 1\n\
             default_internal_user = {user}\ndefault_internal_group = {group}\ndefault_login_user = {user}\n\
             passdb {{\n driver = static\n args = password={PASSWORD}\n}}\n\
             userdb {{\n driver = static\n args = uid={user} gid={group} home={path}/home\n}}\n\
             service imap-login {{\n chroot =\n inet_listener imap {{\n port = {port}\n ssl = {is_tls}\n }}\n inet_listener imaps {{\n port = 0\n }}\n}}\n\
             service anvil {{\n chroot =\n}}\n"
        );
        std::fs::write(dir.path().join("dovecot.conf"), config).unwrap();
        for folder in ["", "mail", "mail/new", "mail/cur", "mail/tmp", "home"] {
            let folder = dir.path().join(folder);
            std::fs::create_dir_all(&folder).unwrap();
            chown(&folder, owner, owner).unwrap();
        }
        let mut server = Self { port, child: run(dir.path()), dir, owner };
        let begun = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            let log = server.log();
            assert!(server.child.try_wait().unwrap().is_none(), "dovecot runs: {log}");
            assert!(begun.elapsed() < PATIENCE, "dovecot answers: {log}");
            std::thread::yield_now();
        }
        server
    }

    pub fn url(&self) -> String {
        format!("imap://desk%40in.desk.example:{}@127.0.0.1:{}", PASSWORD.replace('@', "%40"), self.port)
    }

    /// What the server has written to its log.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.dir.path().join("log")).unwrap_or_default()
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// Puts a message into the inbox.
    pub fn deliver(&self, raw: &str) {
        let name = format!("{:010}.{}.test", NEXT.fetch_add(1, Ordering::Relaxed), std::process::id());
        let (before, after) =
            (self.dir.path().join("mail/tmp").join(&name), self.dir.path().join("mail/new").join(&name));
        std::fs::write(&before, raw).unwrap();
        chown(&before, self.owner, self.owner).unwrap();
        std::fs::rename(before, after).unwrap();
    }

    /// How many messages there are, and how many of them are marked as read.
    pub fn count(&self) -> (usize, usize) {
        let names = |folder: &str| {
            let entries = std::fs::read_dir(self.dir.path().join("mail").join(folder)).unwrap();
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect::<Vec<_>>()
        };
        let all = [names("new"), names("cur")].concat();
        let is_read = |name: &&String| name.rsplit_once(":2,").is_some_and(|(_, flags)| flags.contains('S'));
        (all.len(), all.iter().filter(is_read).count())
    }

    /// Stops the server, so that nothing listens on its port.
    pub fn stop(&mut self) {
        // Its children end with it.
        let _ = Command::new("kill").arg(self.child.id().to_string()).status();
        let _ = self.child.wait();
    }

    pub fn start_again(&mut self) {
        self.child = run(self.dir.path());
        let begun = Instant::now();
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            assert!(begun.elapsed() < PATIENCE, "dovecot answers");
            std::thread::yield_now();
        }
    }
}

impl Drop for ImapServer {
    fn drop(&mut self) {
        self.stop();
    }
}

fn run(dir: &Path) -> Child {
    let mut command = Command::new("/usr/sbin/dovecot");
    command.arg("-F").arg("-c").arg(dir.join("dovecot.conf")).stdout(Stdio::null());
    command.spawn().expect("dovecot is installed")
}

/// What `id` says of a user; of this process's if there is none.
fn name_of(args: &[&str], user: Option<u32>) -> String {
    let mut command = Command::new("id");
    command.args(args).args(user.map(|user| user.to_string()));
    String::from_utf8(command.output().unwrap().stdout).unwrap().trim().to_owned()
}
