//! `docket health`: whether the running server is ready, for containers and scripts.

use crate::cli::{local_client, local_url};
use crate::config::Config;
use std::process::ExitCode;
use std::time::Duration;

/// How long the server may take. Checks of containers are often given 30 s.
const PATIENCE: Duration = Duration::from_secs(10);

/// Prints what the server says of itself.
///
/// # Errors
/// One line that says why it is not ready.
pub(super) async fn run(config: &Config) -> Result<ExitCode, String> {
    let url = local_url(config, "/readyz");
    let client = local_client(config, PATIENCE)?;
    let unreachable = |error: reqwest::Error| format!("{url} can’t be reached: {}", error.without_url());
    let response = client.get(&url).send().await.map_err(unreachable)?;
    let status = response.status();
    let body = response.text().await.map_err(unreachable)?;
    if status.is_success() {
        print!("{body}");
        return Ok(ExitCode::SUCCESS);
    }
    Err(format!("not ready: {url} answered {status}"))
}
