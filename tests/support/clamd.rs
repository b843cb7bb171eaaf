//! The virus scanner: Debian's clamd, which knows only the standard test file.

use std::os::unix::net::UnixStream;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

const PATIENCE: Duration = Duration::from_secs(20);

pub struct Clamd {
    dir: TempDir,
    child: Child,
}

impl Clamd {
    pub fn start() -> Self {
        let dir = TempDir::new().unwrap();
        let path = dir.path().display();
        let test_file = ["X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR-STANDARD-", "ANTIVIRUS-TEST-FILE!$H+H*"].concat();
        let hex: String = test_file.bytes().map(|byte| format!("{byte:02x}")).collect();
        std::fs::create_dir(dir.path().join("db")).unwrap();
        std::fs::write(dir.path().join("db/test.ndb"), format!("Eicar-Test:0:*:{hex}\n")).unwrap();
        let config =
            format!("Foreground yes\nLocalSocket {path}/socket\nDatabaseDirectory {path}/db\nLogFile {path}/log\n");
        std::fs::write(dir.path().join("clamd.conf"), config).unwrap();
        let mut command = Command::new("/usr/sbin/clamd");
        command.arg("-c").arg(dir.path().join("clamd.conf")).stdout(Stdio::null());
        let mut child = command.spawn().expect("clamd is installed");
        let begun = Instant::now();
        while UnixStream::connect(dir.path().join("socket")).is_err() {
            let log = std::fs::read_to_string(dir.path().join("log")).unwrap_or_default();
            assert!(child.try_wait().unwrap().is_none() && begun.elapsed() < PATIENCE, "clamd answers: {log}");
            std::thread::yield_now();
        }
        Self { dir, child }
    }

    /// The value of `DOCKET_CLAMD`.
    pub fn setting(&self) -> String {
        format!("unix:{}/socket", self.dir.path().display())
    }

    /// Stops the scanner, so that nobody answers.
    pub fn stop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Clamd {
    fn drop(&mut self) {
        self.stop();
    }
}
