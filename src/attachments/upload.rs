//! From received bytes to a ready attachment: validate, reserve, store, make ready.

use crate::accounts::role::Action;
use crate::app::App;
use crate::attachments::attachment::Attachment;
use crate::attachments::reserve::NewAttachment;
use crate::attachments::{attachment, key, reserve};
use crate::error::{Error, Result};
use crate::events::actor::Actor;
use crate::source_files::file::SourceFile;
use crate::storage::Put;
use crate::tickets::ticket;
use crate::validation;
use crate::validation::check::{Checked, check};
use crate::validation::rejection::Failure;
use crate::validation::thumbnail::{THUMBNAILS, Thumbnail};
use crate::values::token;
use bytes::Bytes;

/// A storage key that is taken but has no row is left over from an earlier database. There
/// are never many consecutive ones.
const PUT_TRIES: usize = 10;

/// Stores one file on a ticket. On return, the row, content and thumbnail are durable.
pub async fn keep(app: &App, actor: &Actor, number: i64, name: &str, bytes: Vec<u8>) -> Result<Attachment, Failure> {
    let filename = validation::clean_name(name)?;
    let checked = check(app, filename.clone(), bytes).await?;
    let new = NewAttachment {
        id: token::id()?,
        filename,
        kind: checked.kind,
        size: i64::try_from(checked.bytes.len()).unwrap_or(i64::MAX),
        sha256: checked.sha256.clone(),
    };
    Ok(store_and_show(app, actor, number, new, checked).await?)
}

/// Copies a file of a message or a submission to a ticket, unless the ticket has the same one.
pub async fn copy(app: &App, actor: &Actor, number: i64, file: &SourceFile) -> Result<()> {
    let (account_id, sha256, filename) = (actor.account_id, file.sha256.clone(), file.filename.clone());
    let is_there = app.db.read(move |conn| {
        let ticket = ticket::find(conn, account_id, number)?;
        let files = attachment::of_ticket(conn, ticket.id)?;
        Ok(files.iter().any(|known| known.sha256 == sha256 && known.filename == filename))
    });
    if is_there.await? {
        return Ok(());
    }
    let _place = app.uploads.file(actor.holder()).await?;
    let bytes = app.storage.read(&file.key()).await?;
    let thumbnail = match (file.thumbnail_key(), &file.thumbnail) {
        // Without its thumbnail, the ticket shows an icon.
        (Some(key), Some(extension)) => app.storage.read(&key).await.ok().and_then(|bytes| {
            let extension = THUMBNAILS.into_iter().find(|known| known == extension)?;
            Some(Thumbnail { extension, bytes: bytes.to_vec() })
        }),
        _ => None,
    };
    let new = NewAttachment {
        id: token::id()?,
        filename: file.filename.clone(),
        kind: file.kind,
        size: file.size,
        sha256: file.sha256.clone(),
    };
    let checked = Checked { kind: file.kind, bytes, sha256: file.sha256.clone(), thumbnail };
    store_and_show(app, actor, number, new, checked).await?;
    Ok(())
}

async fn store_and_show(
    app: &App,
    actor: &Actor,
    number: i64,
    new: NewAttachment,
    Checked { bytes, thumbnail, .. }: Checked,
) -> Result<Attachment> {
    app.storage.expect_room(app.config.free_disk_floor.as_u64(), bytes.len())?;
    let stamp = put_under_own_key(app, actor, number, &new, bytes).await?;
    let thumbnail = put_thumbnail(app, actor.account_id, stamp, thumbnail).await;
    let (now, id, kind) = (app.clock.now(), new.id.clone(), new.kind);
    let shown = app
        .write_as(actor, Action::Work, move |conn, actor| {
            reserve::make_ready(conn, actor, number, &new.id, thumbnail, now)
        })
        .await;
    if shown.is_err() && app.db.read(move |conn| reserve::is_gone(conn, &id)).await.unwrap_or(false) {
        // The ticket was erased meanwhile, and nothing else would find the bytes.
        let keys = [
            Some(key::key(actor.account_id, stamp, kind)),
            thumbnail.map(|extension| key::thumbnail_key(actor.account_id, stamp, extension)),
        ];
        for key in keys.into_iter().flatten() {
            app.storage.delete(&key).await?;
        }
    }
    shown
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
