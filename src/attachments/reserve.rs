//! Reserves a row before the content is stored, and shows the file afterwards.

use crate::accounts::account;
use crate::attachments::attachment::{Attachment, FILES_OF_A_TICKET};
use crate::db::Connection;
use crate::db::schema::{accounts, attachments};
use crate::error::{Error, Kind as ErrorKind, Result};
use crate::events::actor::Actor;
use crate::events::event::Kind as EventKind;
use crate::events::record::record;
use crate::source_files::file::State;
use crate::tickets::{change, ticket};
use crate::validation::kind::Kind;
use chrono::NaiveDateTime;
use diesel::prelude::*;

#[derive(Clone, Debug)]
pub struct NewAttachment {
    /// Random: the part of the URL that nobody can guess.
    pub id: String,
    pub filename: String,
    pub kind: Kind,
    pub size: i64,
    pub sha256: String,
}

/// Reserves a row with a unique key, and space in the account's quota (in bytes). Returns
/// the row's stamp, the milliseconds in the key. The row is not visible yet.
///
/// # Errors
/// *Not found* when the ticket is in another account or in the trash; *full* when the quota
/// or the ticket is full.
pub fn reserve(
    conn: &mut Connection,
    actor: &Actor,
    number: i64,
    new: &NewAttachment,
    quota: i64,
    now: NaiveDateTime,
) -> Result<i64> {
    let ticket = ticket::find(conn, actor.account_id, number)?;
    // This also locks the account, so that no two uploads get the same stamp.
    let account = accounts::table.find(actor.account_id).filter(accounts::file_bytes.le(quota - new.size));
    let bytes = accounts::file_bytes.eq(accounts::file_bytes + new.size);
    if diesel::update(account).set(bytes).execute(conn)? == 0 {
        let message = "This account is out of file storage. Remove some files, or ask for more.";
        return Err(Error::new(ErrorKind::Full, message));
    }
    let held: i64 = attachments::table.filter(attachments::ticket_id.eq(ticket.id)).count().get_result(conn)?;
    if held >= FILES_OF_A_TICKET {
        let message = format!("A ticket holds at most {FILES_OF_A_TICKET} files, and this one does.");
        return Err(Error::new(ErrorKind::Full, message));
    }
    let stamp =
        now.and_utc().timestamp_millis().max(newest_stamp(conn, actor.account_id)?.map_or(0, |stamp| stamp + 1));
    diesel::insert_into(attachments::table)
        .values(Attachment {
            id: new.id.clone(),
            account_id: actor.account_id,
            ticket_id: ticket.id,
            state: State::Pending,
            filename: new.filename.clone(),
            kind: new.kind,
            size: new.size,
            sha256: new.sha256.clone(),
            stamp,
            thumbnail: None,
            uploaded_by: actor.name.clone(),
            created_at: now,
            deleted_at: None,
        })
        .execute(conn)?;
    Ok(stamp)
}

/// The stamp of the account's newest file.
pub fn newest_stamp(conn: &mut Connection, account_id: i64) -> Result<Option<i64>> {
    let stamps = attachments::table.filter(attachments::account_id.eq(account_id));
    Ok(stamps.select(diesel::dsl::max(attachments::stamp)).first(conn)?)
}

/// Moves a reservation to a new stamp, because its key is already taken in the storage.
pub fn move_stamp(conn: &mut Connection, account_id: i64, id: &str) -> Result<i64> {
    account::lock(conn, account_id)?;
    let stamp = newest_stamp(conn, account_id)?.unwrap_or(0) + 1;
    diesel::update(attachments::table.find(id)).set(attachments::stamp.eq(stamp)).execute(conn)?;
    Ok(stamp)
}

/// Whether there is no such row any more.
pub fn is_gone(conn: &mut Connection, id: &str) -> Result<bool> {
    Ok(attachments::table.find(id).select(attachments::id).first::<String>(conn).optional()?.is_none())
}

/// Makes a stored file visible, and records it in the history.
///
/// # Errors
/// *Not found* when the ticket was deleted in the meantime; *unavailable* when storing took
/// so long that the reservation was given up.
pub fn make_ready(
    conn: &mut Connection,
    actor: &Actor,
    number: i64,
    id: &str,
    thumbnail: Option<&str>,
    now: NaiveDateTime,
) -> Result<Attachment> {
    let ticket = ticket::lock(conn, actor.account_id, number)?;
    let ready = diesel::update(attachments::table.find(id).filter(attachments::state.eq(State::Pending)))
        .set((attachments::state.eq(State::Ready), attachments::thumbnail.eq(thumbnail)))
        .execute(conn)?;
    if ready == 0 {
        return Err(Error::unavailable("the reservation expired before the file was stored"));
    }
    let attachment: Attachment = attachments::table.find(id).first(conn)?;
    let event = attachment.event(EventKind::AttachmentAdded, number).text("", &attachment.filename);
    record(conn, actor, event, now)?;
    change::touch(conn, &ticket, now)?;
    Ok(attachment)
}
