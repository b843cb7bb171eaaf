//! The real program as a separate process.

use super::database_url;
use docket::db::DatabaseUrl;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

/// A `docket` command with the settings of one installation.
pub fn command(dir: &Path, database: &DatabaseUrl) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_docket"));
    command
        .env("DOCKET_DATA_DIR", dir)
        .env("DATABASE_URL", database_url(database))
        .env("DOCKET_LISTEN", "127.0.0.1:0")
        .env("RUST_LOG", "error")
        .stdin(Stdio::null());
    command
}

/// Runs a command to its end, with this standard input.
pub fn run(mut command: Command, input: &str) -> Output {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

/// A running server.
pub struct Server {
    pub child: Child,
    pub base: String,
    pub printed: Vec<String>,
}

impl Server {
    /// Starts the server and waits until it prints its address and the location of its data.
    pub fn start(dir: &Path, database: &DatabaseUrl) -> Self {
        Self::start_as(command(dir, database))
    }

    pub fn start_as(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let printed: Vec<String> = lines.by_ref().take(2).map(Result::unwrap).collect();
        assert_eq!(printed.len(), 2, "the server said where it listens and stopped: {printed:?}");
        let base = printed[0].rsplit(' ').next().unwrap().to_owned();
        // Reads the remaining output, so that the server never blocks on it.
        std::thread::spawn(move || for _ in lines {});
        Self { child, base, printed }
    }

    /// The server's peak memory use so far.
    pub fn peak_megabytes(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        line.split_whitespace().next().unwrap().parse::<u64>().unwrap() / 1024
    }

    pub fn signal(&self, name: &str) {
        let status = Command::new("kill").arg(format!("-{name}")).arg(self.child.id().to_string()).status().unwrap();
        assert!(status.success());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // The process may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
