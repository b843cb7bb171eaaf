//! From received bytes to a file of a message: validate, reserve, store, then make ready in the
//! transaction that stores the message.

use crate::app::App;
use crate::db::Connection;
use crate::db::schema::{accounts, source_files};
use crate::error::{Error, Kind, Result};
use crate::source_files::file::{MAX_FILES, SourceFile, State, thumbnail_key};
use crate::source_files::inventory;
use crate::storage::Put;
use crate::validation;
use crate::validation::check::{Checked, check};
use crate::validation::rejection::Failure;
use crate::values::token;
use diesel::prelude::*;

/// A stored file that belongs to nothing yet. It is removed if nothing claims it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    pub id: String,
    pub filename: String,
}

/// What a file is to be added to.
#[derive(Clone, Copy, Debug)]
pub enum Owner {
    /// A message of a conversation, by the conversation's row and the message's position.
    Message(i64, i64),
    /// A submission, by its row.
    Submission(i64),
}

/// Stores one file of a visitor or, unless `by_visitor`, of the team. On return, the content and
/// the thumbnail are durable.
pub async fn keep(app: &App, account_id: i64, by_visitor: bool, name: &str, bytes: Vec<u8>) -> Result<Stored, Failure> {
    let filename = validation::clean_name(name)?;
    let Checked { kind, bytes, sha256, thumbnail } = check(app, filename.clone(), bytes).await?;
    app.storage.expect_room(app.config.free_disk_floor.as_u64(), bytes.len())?;
    let row = SourceFile {
        id: token::id()?,
        account_id,
        state: State::Pending,
        filename,
        kind,
        size: i64::try_from(bytes.len()).unwrap_or(i64::MAX),
        sha256,
        thumbnail: None,
        by_visitor,
        conversation_seq: None,
        message_position: None,
        submission_seq: None,
        place: 0,
        created_at: app.clock.now(),
    };
    let quota = if by_visitor { Some(app.config.visitor_quota) } else { app.config.account_quota };
    let quota = quota.map_or(i64::MAX, |quota| i64::try_from(quota.as_u64()).unwrap_or(i64::MAX));
    let reserved = row.clone();
    app.db.write(move |conn| reserve(conn, &reserved, quota)).await?;
    if app.storage.put(&row.key(), bytes).await? == Put::Taken {
        return Err(Error::unavailable("a random key is taken in the storage").into());
    }
    if let Some(thumbnail) = thumbnail {
        let key = thumbnail_key(account_id, &row.id, thumbnail.extension);
        match app.storage.put(&key, thumbnail.bytes.into()).await {
            Ok(_) => {
                let (id, extension) = (row.id.clone(), Some(thumbnail.extension));
                app.db.write(move |conn| inventory::set_thumbnail(conn, &id, extension)).await?;
            }
            // A file without a thumbnail is shown with an icon.
            Err(error) => tracing::warn!(cause = error.cause(), "the thumbnail was not stored"),
        }
    }
    Ok(Stored { id: row.id, filename: row.filename })
}

/// Reserves a row, and space in the quota (in bytes) of its sender.
///
/// # Errors
/// *Full* when the quota is used up.
fn reserve(conn: &mut Connection, row: &SourceFile, quota: i64) -> Result<()> {
    let account = accounts::table.find(row.account_id);
    let taken = if row.by_visitor {
        let room = account.filter(accounts::visitor_file_bytes.le(quota - row.size));
        let bytes = accounts::visitor_file_bytes.eq(accounts::visitor_file_bytes + row.size);
        diesel::update(room).set(bytes).execute(conn)?
    } else {
        let room = account.filter(accounts::file_bytes.le(quota - row.size));
        diesel::update(room).set(accounts::file_bytes.eq(accounts::file_bytes + row.size)).execute(conn)?
    };
    if taken == 0 {
        let message = if row.by_visitor {
            "There is no room for more files here at the moment. Send your message without them."
        } else {
            "This account is out of file storage. Remove some files, or ask for more."
        };
        return Err(Error::new(Kind::Full, message));
    }
    diesel::insert_into(source_files::table).values(row).execute(conn)?;
    Ok(())
}

/// Adds stored files to a message or a submission, in the transaction that stores it.
///
/// # Errors
/// *Invalid* when there are too many; *unavailable* when storing took so long that a file was given
/// up.
pub fn claim(conn: &mut Connection, account_id: i64, files: &[Stored], owner: Owner) -> Result<()> {
    if files.len() > MAX_FILES {
        return Err(Error::invalid(format!("Send at most {MAX_FILES} files at once.")));
    }
    let (seq, position, submission) = match owner {
        Owner::Message(seq, position) => (Some(seq), Some(position), None),
        Owner::Submission(seq) => (None, None, Some(seq)),
    };
    for (place, file) in files.iter().enumerate() {
        let pending = source_files::table
            .find(&file.id)
            .filter(source_files::account_id.eq(account_id))
            .filter(source_files::state.eq(State::Pending));
        let claimed = diesel::update(pending)
            .set((
                source_files::state.eq(State::Ready),
                source_files::conversation_seq.eq(seq),
                source_files::message_position.eq(position),
                source_files::submission_seq.eq(submission),
                source_files::place.eq(i64::try_from(place).unwrap_or_default()),
            ))
            .execute(conn)?;
        if claimed == 0 {
            return Err(Error::unavailable("the reservation of a file expired before its message was stored"));
        }
    }
    Ok(())
}
