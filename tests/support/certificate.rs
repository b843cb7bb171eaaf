//! A certificate for this machine, for which no public authority vouches.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// As PEM.
pub struct Certificate {
    pub path: PathBuf,
    pub key: PathBuf,
}

impl Certificate {
    /// Writes one to a folder.
    pub fn make(dir: &Path) -> Self {
        let (path, key, settings) = (dir.join("server.pem"), dir.join("server.key"), dir.join("openssl.cnf"));
        let text = "[req]\ndistinguished_name = dn\nx509_extensions = ext\n[dn]\n[ext]\nbasicConstraints = CA:FALSE\n\
                    subjectAltName = DNS:localhost, IP:127.0.0.1\n";
        std::fs::write(&settings, text).unwrap();
        let mut command = Command::new("openssl");
        command.args([
            "req",
            "-x509",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-days",
            "2",
            "-subj",
            "/CN=localhost",
            "-config",
        ]);
        command.arg(settings).arg("-keyout").arg(&key).arg("-out").arg(&path).stderr(Stdio::null());
        assert!(command.status().expect("openssl is installed").success());
        Self { path, key }
    }
}
