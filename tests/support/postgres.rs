//! Postgres servers of a test's own, which it may stop, break and replace.

use super::certificate::Certificate;
use diesel::connection::SimpleConnection;
use diesel::{Connection, PgConnection};
use docket::db::DatabaseUrl;
use rustix::process::geteuid;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::net::TcpListener;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use tempfile::TempDir;

pub struct Postgres {
    dir: TempDir,
    pub port: u16,
}

/// The newest version's programs, as Debian installs them.
fn programs() -> PathBuf {
    let versions = fs::read_dir("/usr/lib/postgresql").expect("Postgres is installed");
    let version = |path: &PathBuf| path.file_name().unwrap().to_str().unwrap().parse::<u32>().unwrap_or(0);
    versions.map(|entry| entry.unwrap().path()).max_by_key(version).unwrap().join("bin")
}

/// The system user that runs the servers: Postgres refuses to run as root.
fn user() -> Option<u32> {
    let id = || Command::new("id").args(["-u", "postgres"]).output().unwrap().stdout;
    geteuid().is_root().then(|| String::from_utf8(id()).unwrap().trim().parse().unwrap())
}

fn run(program: &str, args: &[&str], dir: &Path) {
    let mut command = Command::new(programs().join(program));
    command.args(args).current_dir(dir).stdout(Stdio::null()).stderr(Stdio::null());
    if let Some(user) = user() {
        command.uid(user).gid(user);
    }
    assert!(command.status().unwrap().success(), "{program} {args:?}");
}

impl Postgres {
    fn new() -> Self {
        let dir = TempDir::new().unwrap();
        if let Some(user) = user() {
            chown(dir.path(), Some(user), Some(user)).unwrap();
        }
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        Self { dir, port }
    }

    fn data(&self) -> String {
        self.dir.path().join("data").to_str().unwrap().to_owned()
    }

    /// Starts an empty server with a user and a database of this name: `docket`.
    pub fn start() -> Self {
        Self::start_with("")
    }

    /// The same, with further lines in its configuration.
    pub fn start_with(settings: &str) -> Self {
        let server = Self::new();
        let args = ["-D", &server.data(), "-U", "docket", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "-N"];
        run("initdb", &args, server.dir.path());
        server.configure(&format!("listen_addresses = '127.0.0.1'\nfsync = off\n{settings}\n"));
        server.start_again();
        let mut conn = PgConnection::establish(&server.url_of("postgres")).unwrap();
        conn.batch_execute("CREATE DATABASE docket").unwrap();
        server
    }

    /// The same, with TLS and a folder for certificates.
    pub fn start_with_tls(certificate: &Certificate) -> Self {
        let owned = |from: &Path| {
            let to = from.with_added_extension("postgres");
            fs::copy(from, &to).unwrap();
            chown(&to, user(), user()).unwrap();
            to.display().to_string()
        };
        let dir = certificate.path.parent().unwrap();
        fs::set_permissions(dir, fs::Permissions::from_mode(0o755)).unwrap();
        let (cert, key) = (owned(&certificate.path), owned(&certificate.key));
        Self::start_with(&format!("ssl = on\nssl_cert_file = '{cert}'\nssl_key_file = '{key}'"))
    }

    /// Starts a second server that follows this one.
    pub fn standby(&self) -> Self {
        let standby = Self::new();
        let port = self.port.to_string();
        let args =
            ["-h", "127.0.0.1", "-p", &port, "-U", "docket", "-D", &standby.data(), "-R", "-X", "stream", "-c", "fast"];
        run("pg_basebackup", &args, standby.dir.path());
        standby.start_again();
        standby
    }

    fn configure(&self, lines: &str) {
        let file = self.dir.path().join("data/postgresql.conf");
        OpenOptions::new().append(true).open(file).unwrap().write_all(lines.as_bytes()).unwrap();
    }

    pub fn start_again(&self) {
        let dir = self.dir.path();
        let options = format!("-p {} -k {}", self.port, dir.display());
        let log = dir.join("log").to_str().unwrap().to_owned();
        run("pg_ctl", &["-D", &self.data(), "-w", "-l", &log, "-o", &options, "start"], dir);
    }

    /// Stops it without a word to its clients.
    pub fn crash(&self) {
        run("pg_ctl", &["-D", &self.data(), "-m", "immediate", "stop"], self.dir.path());
    }

    /// Makes a standby the server that takes changes.
    pub fn promote(&self) {
        run("pg_ctl", &["-D", &self.data(), "-w", "promote"], self.dir.path());
    }

    fn url_of(&self, database: &str) -> String {
        format!("postgres://docket@127.0.0.1:{}/{database}", self.port)
    }

    pub fn url(&self) -> DatabaseUrl {
        DatabaseUrl::Postgres(self.url_of("docket"))
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        let mut stop = Command::new(programs().join("pg_ctl"));
        stop.args(["-D", &self.data(), "-m", "immediate", "stop"]).stdout(Stdio::null()).stderr(Stdio::null());
        if let Some(user) = user() {
            stop.uid(user).gid(user);
        }
        // It may have stopped already.
        let _ = stop.status();
    }
}
