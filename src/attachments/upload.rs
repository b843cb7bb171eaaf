//! From received bytes to a ready attachment: validate, reserve, store, make ready.

use crate::accounts::role::Action;
use crate::app::App;
use crate::attachments::attachment::Attachment;
use crate::attachments::rejection::{Code, Rejection};
use crate::attachments::reserve::NewAttachment;
use crate::attachments::thumbnail::Thumbnail;
use crate::attachments::{key, kind, reserve, thumbnail, validation};
use crate::error::{Error, Kind, Result};
use crate::events::actor::Actor;
use crate::limits::uploads::Uploads;
use crate::storage::Put;
use crate::values::token;
use bytes::Bytes;
use std::time::Duration;
use tokio::time::timeout;

/// Pictures that take longer are rejected. Their decoding continues in the background, and
/// holds its share of memory until it ends.
const DECODING_TIME: Duration = Duration::from_secs(60);
/// A storage key that is taken but has no row is left over from an earlier database. There
/// are never many consecutive ones.
const PUT_TRIES: usize = 10;

/// Why a file was not stored.
#[derive(Debug)]
pub enum Failure {
    Rejected(Rejection),
    /// The database or the storage failed, or the ticket was not found.
    Failed(Error),
}

impl From<Rejection> for Failure {
    fn from(rejection: Rejection) -> Self {
        Self::Rejected(rejection)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

/// Stores one file on a ticket. On return, the row, content and thumbnail are durable.
pub async fn keep(app: &App, actor: &Actor, number: i64, name: &str, bytes: Vec<u8>) -> Result<Attachment, Failure> {
    let filename = validation::clean_name(name)?;
    let checked = judge(&app.uploads, filename.clone(), bytes).await?;
    let new = NewAttachment {
        id: token::id()?,
        filename,
        kind: checked.kind,
        size: i64::try_from(checked.bytes.len()).unwrap_or(i64::MAX),
        sha256: checked.sha256.clone(),
    };
    match store_and_show(app, actor, number, new, checked).await {
        Err(error) if error.kind == Kind::Full => {
            tracing::warn!(cause = error.cause(), "not enough space for a file");
            Err(Rejection::new(Code::NoRoom, error.message()).into())
        }
        outcome => Ok(outcome?),
    }
}

struct Checked {
    kind: kind::Kind,
    bytes: Bytes,
    sha256: String,
    thumbnail: Option<Thumbnail>,
}

/// Validates the file outside the web workers, once enough memory is free.
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
        check(&name, bytes)
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

fn check(name: &str, bytes: Vec<u8>) -> Result<Checked, Rejection> {
    let valid = validation::validate(name, &bytes)?;
    let thumbnail = valid
        .picture
        .and_then(|picture| thumbnail::make(picture).inspect_err(|error| tracing::warn!(%error, "no thumbnail")).ok());
    Ok(Checked { kind: valid.kind, sha256: token::sha256(&bytes), bytes: bytes.into(), thumbnail })
}

async fn store_and_show(
    app: &App,
    actor: &Actor,
    number: i64,
    new: NewAttachment,
    Checked { bytes, thumbnail, .. }: Checked,
) -> Result<Attachment> {
    let floor = app.config.free_disk_floor.as_u64();
    if app.storage.free_space().is_some_and(|free| free < floor.saturating_add(bytes.len() as u64)) {
        let message = "There is too little room left on the server's disk for more files. Everything else goes on.";
        return Err(Error::new(Kind::Full, message));
    }
    let stamp = put_under_own_key(app, actor, number, &new, bytes).await?;
    let thumbnail = put_thumbnail(app, actor.account_id, stamp, thumbnail).await;
    let now = app.clock.now();
    app.write_as(actor, Action::Work, move |conn, actor| {
        reserve::make_ready(conn, actor, number, &new.id, thumbnail, now)
    })
    .await
}

async fn put_under_own_key(app: &App, actor: &Actor, number: i64, new: &NewAttachment, bytes: Bytes) -> Result<i64> {
    let (row, now) = (new.clone(), app.clock.now());
    let quota = app.config.account_quota.map_or(i64::MAX, |quota| i64::try_from(quota.as_u64()).unwrap_or(i64::MAX));
    let mut stamp = app
        .write_as(actor, Action::Work, move |conn, actor| reserve::reserve(conn, actor, number, &row, quota, now))
        .await?;
    for _ in 0..PUT_TRIES {
        let key = key::key(actor.account_id, stamp, new.kind);
        if app.storage.put(&key, bytes.clone()).await? == Put::Stored {
            return Ok(stamp);
        }
        tracing::warn!(%key, "the storage has an object without a row");
        let (account_id, id) = (actor.account_id, new.id.clone());
        stamp = app.db.write(move |conn| reserve::move_stamp(conn, account_id, &id)).await?;
    }
    Err(Error::unavailable("no free key in the storage"))
}

/// Only logs errors, because a file without a thumbnail is shown with an icon.
async fn put_thumbnail(app: &App, account_id: i64, stamp: i64, thumbnail: Option<Thumbnail>) -> Option<&'static str> {
    let Thumbnail { extension, bytes } = thumbnail?;
    let key = key::thumbnail_key(account_id, stamp, extension);
    match app.storage.put(&key, bytes.into()).await {
        Ok(Put::Stored) => Some(extension),
        Ok(Put::Taken) => None,
        Err(error) => {
            tracing::warn!(cause = error.cause(), "the thumbnail was not stored");
            None
        }
    }
}
