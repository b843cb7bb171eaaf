//! The database side: reservations of uploads that never finished, and files whose bytes
//! are missing or changed.

use super::Check;
use crate::attachments::attachment::Attachment;
use crate::attachments::inventory::RESERVED;
use crate::attachments::{inventory, thumbnail, validation};
use crate::clock::TRASH;
use crate::error::{Error, Kind, Result};
use crate::upkeep::janitor;
use crate::values::token;
use actix_web::web::Bytes;
use futures_util::TryStreamExt;

/// Rows that are loaded together.
const CHUNK: i64 = 200;

/// Checks for uploads that never finished.
pub(super) async fn reservations(check: &mut Check<'_>) -> Result<()> {
    let stale = check.app.clock.now() - RESERVED;
    let given_up = check.app.db.scan(move |conn| inventory::stale_reservations(conn, stale)).await?;
    for file in &given_up {
        check.repairable(&format!("the upload of {} was never finished", of(file)), "deleted");
    }
    if check.repair && !given_up.is_empty() {
        janitor::clear(check.app).await?;
    }
    Ok(())
}

/// Checks all files of tickets, including those that can still be restored.
pub(super) async fn files(check: &mut Check<'_>) -> Result<()> {
    let deleted_after = check.app.clock.now() - TRASH;
    let mut last = String::new();
    loop {
        let after = last.clone();
        let rows = check.app.db.scan(move |conn| inventory::ready_after(conn, &after, deleted_after, CHUNK)).await?;
        let Some(newest) = rows.last() else { return Ok(()) };
        last.clone_from(&newest.id);
        for file in &rows {
            check.outcome.files += 1;
            self::file(check, file).await?;
        }
    }
}

async fn file(check: &mut Check<'_>, file: &Attachment) -> Result<()> {
    let Some(bytes) = bytes(check, &file.key()).await? else {
        check.wrong(&format!("{} is missing from the storage ({})", of(file), file.key()));
        return Ok(());
    };
    if i64::try_from(bytes.len()).ok() != Some(file.size) {
        check.wrong(&format!("{} has {} bytes instead of {} ({})", of(file), bytes.len(), file.size, file.key()));
        return Ok(());
    }
    if token::sha256(&bytes) != file.sha256 {
        check.wrong(&format!("the content of {} has changed: its SHA-256 differs ({})", of(file), file.key()));
        return Ok(());
    }
    match file.thumbnail_key() {
        Some(key) if !check.app.storage.has(&key).await? => {
            if check.repair {
                make_thumbnail(check, file, bytes).await?;
            }
            check.repairable(&format!("the thumbnail of {} is missing ({key})", of(file)), "created again");
        }
        _ => {}
    }
    Ok(())
}

async fn bytes(check: &Check<'_>, key: &str) -> Result<Option<Bytes>> {
    match check.app.storage.get(key, None).await {
        Ok(pieces) => {
            let pieces: Vec<Bytes> = pieces.try_collect().await?;
            Ok(Some(pieces.concat().into()))
        }
        Err(error) if error.kind == Kind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

async fn make_thumbnail(check: &Check<'_>, file: &Attachment, bytes: Bytes) -> Result<()> {
    let name = file.filename.clone();
    let made = tokio::task::spawn_blocking(move || {
        let picture = validation::validate(&name, &bytes).ok()?.picture?;
        thumbnail::make(picture).ok()
    });
    let made = made.await.map_err(|source| Error::internal("a decoder panicked", source))?;
    let extension = made.as_ref().map(|made| made.extension);
    if let Some(made) = made {
        let key = crate::attachments::key::thumbnail_key(file.account_id, file.stamp, made.extension);
        check.app.storage.put(&key, made.bytes.into()).await?;
    }
    let id = file.id.clone();
    check.app.db.write(move |conn| inventory::set_thumbnail(conn, &id, extension)).await
}

fn of(file: &Attachment) -> String {
    format!("file {} “{}” of account {}", file.id, file.filename, file.account_id)
}
