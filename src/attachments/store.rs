//! Rows of attachments: reserved before the bytes are stored, ready after.

use crate::attachments::model::{Attachment, Kind};
use crate::attachments::validation::new_name;
use crate::clock::TRASH;
use crate::db::Connection;
use crate::db::schema::{accounts, attachments};
use crate::error::{Error, Kind as ErrorKind, Result};
use crate::people::model::Agent;
use crate::people::store as people;
use crate::tickets::history::{self, Kind as EventKind};
use crate::tickets::store as tickets;
use chrono::NaiveDateTime;
use diesel::prelude::*;
use std::collections::HashMap;

/// Most files of one ticket, removed ones included until they are gone for good.
const FILES_OF_A_TICKET: i64 = 500;

/// A file about to be stored.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub struct NewAttachment {
    /// Random: the part of its address that nobody can guess.
    pub id: String,
    pub filename: String,
    pub kind: Kind,
    pub size: i64,
    pub sha256: String,
}

/// Reserves a row with a key of its own, and room in the account's quota (in
/// bytes), and returns its stamp, the milliseconds of the key. Nobody sees the
/// row yet.
///
/// # Errors
/// *Not found* when the ticket is out of reach; *full* when quota or ticket are.
pub fn reserve(
    conn: &mut Connection,
    agent: &Agent,
    number: i64,
    new: &NewAttachment,
    quota: i64,
    now: NaiveDateTime,
) -> Result<i64> {
    let ticket = tickets::find(conn, agent.account_id, number)?;
    // This also makes others of the account wait, so that no two take the same stamp.
    let account = accounts::table.find(agent.account_id).filter(accounts::file_bytes.le(quota - new.size));
    let bytes = accounts::file_bytes.eq(accounts::file_bytes + new.size);
    if diesel::update(account).set(bytes).execute(conn)? == 0 {
        let message = "The account's files take all the room they may. Remove some, or ask for more room.";
        return Err(Error::new(ErrorKind::Full, message));
    }
    let held: i64 = attachments::table.filter(attachments::ticket_id.eq(ticket.id)).count().get_result(conn)?;
    if held >= FILES_OF_A_TICKET {
        let message = format!("A ticket holds at most {FILES_OF_A_TICKET} files, and this one does.");
        return Err(Error::new(ErrorKind::Full, message));
    }
    let stamp =
        now.and_utc().timestamp_millis().max(newest_stamp(conn, agent.account_id)?.map_or(0, |stamp| stamp + 1));
    diesel::insert_into(attachments::table)
        .values((
            attachments::id.eq(&new.id),
            attachments::account_id.eq(agent.account_id),
            attachments::ticket_id.eq(ticket.id),
            attachments::state.eq("pending"),
            attachments::filename.eq(&new.filename),
            attachments::kind.eq(new.kind.extension()),
            attachments::size.eq(new.size),
            attachments::sha256.eq(&new.sha256),
            attachments::stamp.eq(stamp),
            attachments::uploaded_by.eq(&agent.name),
            attachments::created_at.eq(now),
        ))
        .execute(conn)?;
    Ok(stamp)
}

/// The stamp of the account's newest file.
///
/// # Errors
/// When the database fails.
pub fn newest_stamp(conn: &mut Connection, account_id: i64) -> Result<Option<i64>> {
    let stamps = attachments::table.filter(attachments::account_id.eq(account_id));
    Ok(stamps.select(diesel::dsl::max(attachments::stamp)).first(conn)?)
}

/// Moves a reservation to another stamp, because the key of its own turned out to
/// be taken in the storage.
///
/// # Errors
/// When the database fails.
pub fn move_stamp(conn: &mut Connection, account_id: i64, id: &str) -> Result<i64> {
    people::lock_account(conn, account_id)?;
    let stamp = newest_stamp(conn, account_id)?.unwrap_or(0) + 1;
    diesel::update(attachments::table.find(id)).set(attachments::stamp.eq(stamp)).execute(conn)?;
    Ok(stamp)
}

/// Shows a file whose bytes are stored, together with its line of history.
///
/// # Errors
/// *Not found* when the ticket went out of reach meanwhile; *unavailable* when
/// storing took so long that the reservation was given up.
pub fn make_ready(
    conn: &mut Connection,
    agent: &Agent,
    number: i64,
    id: &str,
    thumbnail: Option<&str>,
    now: NaiveDateTime,
) -> Result<Attachment> {
    let ticket = tickets::lock(conn, agent.account_id, number)?;
    let ready = diesel::update(attachments::table.find(id).filter(attachments::state.eq("pending")))
        .set((attachments::state.eq("ready"), attachments::thumbnail.eq(thumbnail)))
        .execute(conn)?;
    if ready == 0 {
        return Err(Error::unavailable("the reservation was given up before the file was stored"));
    }
    let attachment: Attachment = attachments::table.find(id).first(conn)?;
    history::record(conn, ticket.id, agent, EventKind::File, ("", &attachment.filename), now)?;
    tickets::touch(conn, &ticket, now)?;
    Ok(attachment)
}

/// The files of a ticket, oldest first.
///
/// # Errors
/// When the database fails.
pub fn of_ticket(conn: &mut Connection, ticket_id: i64) -> Result<Vec<Attachment>> {
    Ok(of_tickets(conn, &[ticket_id])?.remove(&ticket_id).unwrap_or_default())
}

/// The files of a ticket and those taken off it since `since`, oldest first.
///
/// # Errors
/// When the database fails.
pub fn of_ticket_and_removed(
    conn: &mut Connection,
    ticket_id: i64,
    since: NaiveDateTime,
) -> Result<(Vec<Attachment>, Vec<Attachment>)> {
    let rows: Vec<Attachment> = attachments::table
        .filter(attachments::ticket_id.eq(ticket_id))
        .filter(attachments::state.eq("ready"))
        .filter(attachments::deleted_at.is_null().or(attachments::deleted_at.gt(since)))
        .order(attachments::stamp)
        .load(conn)?;
    Ok(rows.into_iter().partition(|row| row.deleted_at.is_none()))
}

/// The files of several tickets, by ticket, in one query.
///
/// # Errors
/// When the database fails.
pub fn of_tickets(conn: &mut Connection, ticket_ids: &[i64]) -> Result<HashMap<i64, Vec<Attachment>>> {
    let rows: Vec<Attachment> = attachments::table
        .filter(attachments::ticket_id.eq_any(ticket_ids))
        .filter(attachments::state.eq("ready"))
        .filter(attachments::deleted_at.is_null())
        .order(attachments::stamp)
        .load(conn)?;
    let mut by_ticket: HashMap<i64, Vec<Attachment>> = HashMap::new();
    for row in rows {
        by_ticket.entry(row.ticket_id).or_default().push(row);
    }
    Ok(by_ticket)
}

/// A file of a ticket of the account; the ticket may be in the trash.
///
/// # Errors
/// *Not found*, also for those of other accounts and deleted ones.
pub fn find(conn: &mut Connection, account_id: i64, number: i64, id: &str) -> Result<Attachment> {
    let ticket = tickets::find_anywhere(conn, account_id, number)?;
    Ok(attachments::table
        .filter(attachments::ticket_id.eq(ticket.id))
        .filter(attachments::id.eq(id))
        .filter(attachments::state.eq("ready"))
        .filter(attachments::deleted_at.is_null())
        .first(conn)?)
}

/// Gives a file another name of its type, and returns it.
///
/// # Errors
/// *Not found* when ticket or file are out of reach; *invalid* for a name that
/// cannot be one.
pub fn rename(
    conn: &mut Connection,
    agent: &Agent,
    number: i64,
    id: &str,
    typed: &str,
    now: NaiveDateTime,
) -> Result<String> {
    let ticket = tickets::lock(conn, agent.account_id, number)?;
    let old = find(conn, agent.account_id, number, id)?;
    let name = new_name(old.kind(), typed).map_err(|rejection| Error::invalid(rejection.message))?;
    if name != old.filename {
        diesel::update(attachments::table.find(id)).set(attachments::filename.eq(&name)).execute(conn)?;
        history::record(conn, ticket.id, agent, EventKind::File, (&old.filename, &name), now)?;
        tickets::touch(conn, &ticket, now)?;
    }
    Ok(name)
}

/// Takes a file off its ticket, or puts it back (`deleted` false), and returns
/// its name.
///
/// # Errors
/// *Not found* when ticket or file are out of reach.
pub fn set_deleted(
    conn: &mut Connection,
    agent: &Agent,
    number: i64,
    id: &str,
    deleted: bool,
    now: NaiveDateTime,
) -> Result<String> {
    let ticket = tickets::lock(conn, agent.account_id, number)?;
    let row = attachments::table
        .filter(attachments::ticket_id.eq(ticket.id))
        .filter(attachments::id.eq(id))
        .filter(attachments::state.eq("ready"));
    let attachment: Attachment = row.first(conn)?;
    if attachment.deleted_at.is_some() == deleted {
        return Ok(attachment.filename);
    }
    if attachment.deleted_at.is_some_and(|at| at <= now - TRASH) {
        return Err(Error::not_found());
    }
    diesel::update(attachments::table.find(id))
        .set(attachments::deleted_at.eq(deleted.then_some(now)))
        .execute(conn)?;
    let values = if deleted { (attachment.filename.as_str(), "") } else { ("", attachment.filename.as_str()) };
    history::record(conn, ticket.id, agent, EventKind::File, values, now)?;
    tickets::touch(conn, &ticket, now)?;
    Ok(attachment.filename)
}
