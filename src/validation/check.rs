//! Decides whether a file may be kept.

use crate::app::App;
use crate::limits::uploads::Uploads;
use crate::validation;
use crate::validation::kind::Kind as FileKind;
use crate::validation::rejection::{Code, Failure, Rejection};
use crate::validation::thumbnail::Thumbnail;
use crate::validation::{scan, thumbnail};
use crate::values::token;
use bytes::Bytes;
use std::time::Duration;
use tokio::time::timeout;

/// Pictures that take longer are rejected. Their decoding continues in the background, and
/// holds its share of memory until it ends.
const DECODING_TIME: Duration = Duration::from_secs(60);

/// A file that may be kept.
pub struct Checked {
    pub kind: FileKind,
    pub bytes: Bytes,
    pub sha256: String,
    pub thumbnail: Option<Thumbnail>,
}

/// Validates a file outside the web workers, once enough memory is free, and lets it be scanned.
/// `name` is as [`clean_name`](validation::clean_name) returns it.
pub async fn check(app: &App, name: String, bytes: Vec<u8>) -> Result<Checked, Failure> {
    let checked = judge(&app.uploads, name, bytes).await?;
    if let Some(scanner) = &app.config.clamd {
        scan::scan(scanner, &checked.bytes).await?;
    }
    Ok(checked)
}

async fn judge(uploads: &Uploads, name: String, bytes: Vec<u8>) -> Result<Checked, Failure> {
    let header = tokio::task::spawn_blocking(move || {
        let memory = validation::memory(&name, &bytes);
        (memory, name, bytes)
    });
    let (memory, name, bytes) = header.await.map_err(|panic| unreadable(&panic.to_string()))?;
    let part = uploads.memory(memory).await?;
    let work = tokio::task::spawn_blocking(move || {
        // Held by the work itself, which continues when nobody waits for it any more.
        let _part = part;
        examine(&name, bytes)
    });
    match timeout(DECODING_TIME, work).await {
        Ok(Ok(verdict)) => Ok(verdict?),
        Ok(Err(panic)) => Err(unreadable(&panic.to_string()).into()),
        Err(_) => Err(unreadable("it took too long").into()),
    }
}

fn unreadable(why: &str) -> Rejection {
    tracing::error!(why, "validating a file failed");
    Rejection::new(Code::Unreadable, "The file can’t be read. It may be damaged; save it again and retry.")
}

fn examine(name: &str, bytes: Vec<u8>) -> Result<Checked, Rejection> {
    let valid = validation::validate(name, &bytes)?;
    let thumbnail = valid
        .picture
        .and_then(|picture| thumbnail::make(picture).inspect_err(|error| tracing::warn!(%error, "no thumbnail")).ok());
    Ok(Checked { kind: valid.kind, sha256: token::sha256(&bytes), bytes: bytes.into(), thumbnail })
}
