//! Rows of attachments: reserved before the bytes are stored, ready after.

use crate::attachments::model::{Attachment, Kind};
use crate::clock::TRASH;
use crate::db::Connection;
use crate::db::schema::attachments;
use crate::error::{Error, Result};
use crate::people::model::Agent;
use crate::tickets::history::{self, Kind as EventKind};
use crate::tickets::store as tickets;
use chrono::NaiveDateTime;
use diesel::Connection as _;
use diesel::prelude::*;
use diesel::result::{DatabaseErrorKind, Error as DieselError};
use std::collections::HashMap;

/// Files that come at the same moment look for a free millisecond this often.
const STAMP_TRIES: usize = 50;

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

/// Reserves a row with a key of its own and returns its stamp, the milliseconds
/// of the key. Nobody sees the row yet.
///
/// # Errors
/// *Not found* when the ticket is out of reach.
pub fn reserve(
    conn: &mut Connection,
    agent: &Agent,
    number: i64,
    new: &NewAttachment,
    now: NaiveDateTime,
) -> Result<i64> {
    let ticket = tickets::find(conn, agent.account_id, number)?;
    for _ in 0..STAMP_TRIES {
        let latest: Option<i64> = attachments::table
            .filter(attachments::account_id.eq(agent.account_id))
            .select(diesel::dsl::max(attachments::stamp))
            .first(conn)?;
        let stamp = now.and_utc().timestamp_millis().max(latest.map_or(0, |latest| latest + 1));
        // In a savepoint, because Postgres gives up a transaction after an error.
        let inserted = conn.transaction(|conn| {
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
                .execute(conn)
        });
        match inserted {
            Ok(_) => return Ok(stamp),
            Err(DieselError::DatabaseError(DatabaseErrorKind::UniqueViolation, _)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(Error::unavailable("no free millisecond for a file's key"))
}

/// Gives up a reservation whose key turned out to be taken in the storage.
///
/// # Errors
/// When the database fails.
pub fn move_stamp(conn: &mut Connection, account_id: i64, id: &str) -> Result<i64> {
    let latest: Option<i64> = attachments::table
        .filter(attachments::account_id.eq(account_id))
        .select(diesel::dsl::max(attachments::stamp))
        .first(conn)?;
    let row = attachments::table.filter(attachments::account_id.eq(account_id)).filter(attachments::id.eq(id));
    Ok(diesel::update(row)
        .set(attachments::stamp.eq(latest.unwrap_or(0) + 1))
        .returning(attachments::stamp)
        .get_result(conn)?)
}

/// Shows a file whose bytes are stored, together with its line of history.
///
/// # Errors
/// *Not found* when the ticket went out of reach meanwhile.
pub fn make_ready(
    conn: &mut Connection,
    agent: &Agent,
    number: i64,
    id: &str,
    thumbnail: Option<&str>,
    now: NaiveDateTime,
) -> Result<Attachment> {
    let ticket = tickets::lock(conn, agent.account_id, number)?;
    diesel::update(attachments::table.find(id))
        .set((attachments::state.eq("ready"), attachments::thumbnail.eq(thumbnail)))
        .execute(conn)?;
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
