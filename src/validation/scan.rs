//! Scanning by clamd, the daemon of ClamAV.

use crate::error::Error;
use crate::validation::rejection::Failure;
use crate::validation::rejection::{Code, Rejection};
use crate::values::scanner::Scanner;
use clamav_client::tokio::{Socket, Tcp, scan_buffer};
use std::time::Duration;
use tokio::time::timeout;

/// How long a scan may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// Lets clamd scan a file. While it does not answer, no file is kept.
pub(super) async fn scan(scanner: &Scanner, bytes: &[u8]) -> Result<(), Failure> {
    let work = async {
        match scanner {
            Scanner::Socket(socket_path) => scan_buffer(bytes, Socket { socket_path }, None).await,
            Scanner::Tcp(host_address) => scan_buffer(bytes, Tcp { host_address }, None).await,
        }
    };
    let response = timeout(PATIENCE, work).await.map_err(Error::unavailable)?.map_err(Error::unavailable)?;
    let response = String::from_utf8_lossy(&response);
    let response = response.trim_end_matches('\0').trim();
    if response.ends_with(" FOUND") {
        tracing::warn!(response, "the scanner refused a file");
        return Err(Rejection::new(Code::Harmful, "The virus scanner refuses this file.").into());
    }
    if response.ends_with(" OK") { Ok(()) } else { Err(Error::unavailable(format!("clamd said: {response}")).into()) }
}
