//! The database side: reservations of uploads that never finished, and files whose bytes
//! are missing or changed.

use super::Check;
use crate::attachments::attachment::Attachment;
use crate::attachments::inventory::RESERVED;
use crate::attachments::{inventory, key};
use crate::clock::TRASH;
use crate::db::Connection;
use crate::error::{Error, Kind, Result};
use crate::source_files::file;
use crate::source_files::file::SourceFile;
use crate::source_files::inventory as source_files;
use crate::upkeep::janitor;
use crate::validation;
use crate::validation::thumbnail;
use crate::values::token;
use actix_web::web::Bytes;

/// Rows that are loaded together.
const CHUNK: i64 = 200;

/// A file of a ticket or of a message, as far as the check needs to know.
struct File {
    what: String,
    name: String,
    key: String,
    size: i64,
    sha256: String,
    thumbnail_key: Option<String>,
    owner: Owner,
}

enum Owner {
    Ticket(Attachment),
    Source(SourceFile),
}

impl From<Attachment> for File {
    fn from(file: Attachment) -> Self {
        Self {
            what: of(&file.id, &file.filename, file.account_id),
            name: file.filename.clone(),
            key: file.key(),
            size: file.size,
            sha256: file.sha256.clone(),
            thumbnail_key: file.thumbnail_key(),
            owner: Owner::Ticket(file),
        }
    }
}

impl From<SourceFile> for File {
    fn from(file: SourceFile) -> Self {
        Self {
            what: of(&file.id, &file.filename, file.account_id),
            name: file.filename.clone(),
            key: file.key(),
            size: file.size,
            sha256: file.sha256.clone(),
            thumbnail_key: file.thumbnail_key(),
            owner: Owner::Source(file),
        }
    }
}

/// Checks for uploads that never finished.
pub(super) async fn reservations(check: &mut Check<'_>) -> Result<()> {
    let stale = check.app.clock.now() - RESERVED;
    let look = move |conn: &mut Connection| {
        let of_tickets = inventory::stale_reservations(conn, stale)?.into_iter().map(File::from);
        let of_sources = source_files::stale_reservations(conn, stale)?.into_iter().map(File::from);
        Ok(of_tickets.chain(of_sources).map(|file| file.what).collect::<Vec<_>>())
    };
    let given_up = check.app.db.scan(look).await?;
    for what in &given_up {
        check.repairable(&format!("the upload of {what} was never finished"), "deleted");
    }
    if check.repair && !given_up.is_empty() {
        janitor::clear(check.app).await?;
    }
    Ok(())
}

/// Checks all files of tickets, including those that can still be restored, and of messages and
/// submissions.
pub(super) async fn files(check: &mut Check<'_>) -> Result<()> {
    let deleted_after = check.app.clock.now() - TRASH;
    let mut last = String::new();
    loop {
        let after = last.clone();
        let rows = check.app.db.scan(move |conn| inventory::ready_after(conn, &after, deleted_after, CHUNK)).await?;
        let Some(newest) = rows.last() else { break };
        last.clone_from(&newest.id);
        for row in rows {
            file(check, row.into()).await?;
        }
    }
    let mut last = String::new();
    loop {
        let after = last.clone();
        let rows = check.app.db.scan(move |conn| source_files::ready_after(conn, &after, CHUNK)).await?;
        let Some(newest) = rows.last() else { return Ok(()) };
        last.clone_from(&newest.id);
        for row in rows {
            file(check, row.into()).await?;
        }
    }
}

async fn file(check: &mut Check<'_>, file: File) -> Result<()> {
    check.outcome.files += 1;
    let File { what, key, size, .. } = &file;
    let Some(bytes) = bytes(check, key).await? else {
        check.wrong(&format!("{what} is missing from the storage ({key})"));
        return Ok(());
    };
    if i64::try_from(bytes.len()).ok() != Some(*size) {
        check.wrong(&format!("{what} has {} bytes instead of {size} ({key})", bytes.len()));
        return Ok(());
    }
    if token::sha256(&bytes) != file.sha256 {
        check.wrong(&format!("the content of {what} has changed: its SHA-256 differs ({key})"));
        return Ok(());
    }
    match &file.thumbnail_key {
        Some(key) if !check.app.storage.has(key).await? => {
            if check.repair {
                make_thumbnail(check, &file, bytes).await?;
            }
            check.repairable(&format!("the thumbnail of {what} is missing ({key})"), "created again");
        }
        _ => {}
    }
    Ok(())
}

async fn bytes(check: &Check<'_>, key: &str) -> Result<Option<Bytes>> {
    match check.app.storage.read(key).await {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind == Kind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

async fn make_thumbnail(check: &Check<'_>, file: &File, bytes: Bytes) -> Result<()> {
    let name = file.name.clone();
    let made = tokio::task::spawn_blocking(move || {
        let picture = validation::validate(&name, &bytes).ok()?.picture?;
        thumbnail::make(picture).ok()
    });
    let made = made.await.map_err(|source| Error::internal("a decoder panicked", source))?;
    let extension = made.as_ref().map(|made| made.extension);
    if let Some(made) = made {
        let key = match &file.owner {
            Owner::Ticket(file) => key::thumbnail_key(file.account_id, file.stamp, made.extension),
            Owner::Source(file) => file::thumbnail_key(file.account_id, &file.id, made.extension),
        };
        check.app.storage.put(&key, made.bytes.into()).await?;
    }
    match &file.owner {
        Owner::Ticket(file) => {
            let id = file.id.clone();
            check.app.db.write(move |conn| inventory::set_thumbnail(conn, &id, extension)).await
        }
        Owner::Source(file) => {
            let id = file.id.clone();
            check.app.db.write(move |conn| source_files::set_thumbnail(conn, &id, extension)).await
        }
    }
}

fn of(id: &str, filename: &str, account_id: i64) -> String {
    format!("file {id} “{filename}” of account {account_id}")
}
