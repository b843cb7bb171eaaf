//! From bytes on the wire to a ready attachment: validate, reserve, put, ready.

use crate::app::App;
use crate::attachments::model::{self, Attachment, Rejection};
use crate::attachments::store::{self, NewAttachment};
use crate::attachments::thumbnail::{self, Thumbnail};
use crate::attachments::validation;
use crate::error::{Error, Result};
use crate::people::model::Agent;
use crate::storage::Put;
use crate::web::token;
use actix_web::web::Bytes;
use std::sync::Arc;
use tokio::sync::Semaphore;

/// How many files are in memory at once, each at most 5 MB.
const FILES_AT_ONCE: usize = 8;
/// How many are decoded at once; a decoded picture is much larger than its file.
const DECODED_AT_ONCE: usize = 2;
/// A key that is taken in the storage though no row knows it is an orphan of
/// another life; there are never many in a row.
const PUT_TRIES: usize = 10;

/// Bounds what all uploads together hold in memory. Cheap to clone.
#[derive(Clone)]
pub struct Slots {
    /// One for each file from its first byte to the end of its storing.
    pub files: Arc<Semaphore>,
    decoding: Arc<Semaphore>,
}

impl Default for Slots {
    fn default() -> Self {
        Self { files: Arc::new(Semaphore::new(FILES_AT_ONCE)), decoding: Arc::new(Semaphore::new(DECODED_AT_ONCE)) }
    }
}

/// Keeps one file on a ticket. When it returns, row, bytes and thumbnail are durable.
///
/// # Errors
/// The outer error when database or storage fail or the ticket is out of reach;
/// the inner one says why the file itself was not taken.
pub async fn keep(
    app: &App,
    slots: &Slots,
    agent: &Agent,
    number: i64,
    name: &str,
    bytes: Vec<u8>,
) -> Result<Result<Attachment, Rejection>> {
    let filename = match validation::clean_name(name) {
        Ok(filename) => filename,
        Err(rejection) => return Ok(Err(rejection)),
    };
    let place = slots.decoding.clone().acquire_owned().await.map_err(Error::unavailable)?;
    let named = filename.clone();
    let checked = tokio::task::spawn_blocking(move || {
        // Held by the work itself, which goes on when nobody waits for it any more.
        let _place = place;
        check(&named, bytes)
    })
    .await;
    let checked = match checked.map_err(|source| Error::internal("a decoder panicked", source))? {
        Ok(checked) => checked,
        Err(rejection) => return Ok(Err(rejection)),
    };
    let new = NewAttachment {
        id: token::id()?,
        filename,
        kind: checked.kind,
        size: i64::try_from(checked.bytes.len()).unwrap_or(i64::MAX),
        sha256: checked.sha256,
    };
    let stamp = put_under_own_key(app, agent, number, &new, checked.bytes).await?;
    let thumbnail = put_thumbnail(app, agent.account_id, stamp, checked.thumbnail).await;
    let (agent, now) = (agent.clone(), app.clock.now());
    let ready = move |conn: &mut _| store::make_ready(conn, &agent, number, &new.id, thumbnail, now);
    app.db.write(ready).await.map(Ok)
}

struct Checked {
    kind: model::Kind,
    bytes: Bytes,
    sha256: String,
    thumbnail: Option<Thumbnail>,
}

fn check(name: &str, bytes: Vec<u8>) -> Result<Checked, Rejection> {
    let valid = validation::validate(name, &bytes)?;
    let thumbnail = valid
        .picture
        .and_then(|picture| thumbnail::make(picture).inspect_err(|error| tracing::warn!(%error, "no thumbnail")).ok());
    Ok(Checked { kind: valid.kind, sha256: token::sha256(&bytes), bytes: bytes.into(), thumbnail })
}

async fn put_under_own_key(app: &App, agent: &Agent, number: i64, new: &NewAttachment, bytes: Bytes) -> Result<i64> {
    let (row, by, now) = (new.clone(), agent.clone(), app.clock.now());
    let mut stamp = app.db.write(move |conn| store::reserve(conn, &by, number, &row, now)).await?;
    for _ in 0..PUT_TRIES {
        let key = model::key(agent.account_id, stamp, new.kind);
        if app.storage.put(&key, bytes.clone()).await? == Put::Stored {
            return Ok(stamp);
        }
        tracing::warn!(%key, "the storage has an object that no row knows");
        let (account_id, id) = (agent.account_id, new.id.clone());
        stamp = app.db.write(move |conn| store::move_stamp(conn, account_id, &id)).await?;
    }
    Err(Error::unavailable("no free key in the storage"))
}

/// A file without a thumbnail is shown with an icon: no reason to refuse it.
async fn put_thumbnail(app: &App, account_id: i64, stamp: i64, thumbnail: Option<Thumbnail>) -> Option<&'static str> {
    let Thumbnail { extension, bytes } = thumbnail?;
    let key = model::thumbnail_key(account_id, stamp, extension);
    match app.storage.put(&key, bytes.into()).await {
        Ok(Put::Stored) => Some(extension),
        Ok(Put::Taken) => None,
        Err(error) => {
            tracing::warn!(%error, "the thumbnail was not stored");
            None
        }
    }
}
