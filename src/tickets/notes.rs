//! The one notes field of a ticket: versions, revisions, and lines that never conflict.

use crate::db::Connection;
use crate::db::schema::{notes_revisions, tickets};
use crate::error::{Error, Result};
use crate::people::model::Agent;
use crate::tickets::history::{self, Kind};
use crate::tickets::model::{MAX_NOTES, Notes, Ticket};
use crate::tickets::store;
use crate::web::when::When;
use chrono::{NaiveDateTime, TimeDelta};
use diesel::prelude::*;

/// Saves of one author within this time are one revision.
const SAME_REVISION: TimeDelta = TimeDelta::minutes(10);
/// So many revisions are kept.
const KEPT_REVISIONS: i64 = 200;

/// What came of saving.
#[derive(Clone, Debug)]
pub enum Saved {
    /// The notes are what was sent.
    Done,
    /// Somebody else saved first; nothing was changed.
    Stale(Box<Theirs>),
}

/// What somebody else saved.
#[derive(Clone, Debug)]
pub struct Theirs {
    /// Their text.
    pub notes: String,
    /// Its version, which a choice must name.
    pub version: i64,
    /// Who saved it.
    pub author: String,
}

/// Saves the notes if nobody else has saved since `version`.
///
/// # Errors
/// *Not found* when the ticket is out of reach.
pub fn save(
    conn: &mut Connection,
    agent: &Agent,
    number: i64,
    notes: &Notes,
    version: i64,
    now: NaiveDateTime,
) -> Result<Saved> {
    let ticket = store::lock(conn, agent.account_id, number)?;
    if ticket.notes == notes.as_str() {
        return Ok(Saved::Done);
    }
    if ticket.notes_version != version {
        let author = latest(conn, ticket.id)?.map_or_else(|| "Somebody".into(), |latest| latest.author_name);
        let theirs = Theirs { notes: ticket.notes, version: ticket.notes_version, author };
        return Ok(Saved::Stale(Box::new(theirs)));
    }
    write(conn, agent, &ticket, notes.as_str(), now)?;
    Ok(Saved::Done)
}

/// Adds a dated, signed paragraph to whatever the notes are by now.
///
/// # Errors
/// *Invalid* when the notes would get too long; *not found* when the ticket is
/// out of reach.
pub fn append(conn: &mut Connection, agent: &Agent, number: i64, line: &str, now: NaiveDateTime) -> Result<()> {
    let ticket = store::lock(conn, agent.account_id, number)?;
    let signature = format!("{}, {}:", agent.name, When::new(now, agent.zone).text);
    let gap = if ticket.notes.is_empty() { "" } else { "\n\n" };
    let notes = format!("{}{gap}{signature}\n{line}", ticket.notes.trim_end_matches('\n'));
    let notes = Notes::parse(&notes).map_err(|_| {
        Error::invalid(format!("With this line the notes would be longer than {MAX_NOTES} characters."))
    })?;
    write(conn, agent, &ticket, notes.as_str(), now)
}

fn write(conn: &mut Connection, agent: &Agent, ticket: &Ticket, notes: &str, now: NaiveDateTime) -> Result<()> {
    let version = ticket.notes_version + 1;
    diesel::update(tickets::table.find(ticket.id))
        .set((tickets::notes.eq(notes), tickets::notes_version.eq(version)))
        .execute(conn)?;
    let before = ticket.notes_version.to_string();
    let ticket = Ticket { notes: notes.to_owned(), notes_version: version, ..ticket.clone() };
    keep_revision(conn, &ticket, agent, now)?;
    history::record(conn, ticket.id, agent, Kind::Notes, (&before, &version.to_string()), now)?;
    store::touch(conn, &ticket, now)
}

/// Keeps the ticket's notes as a revision, in place of the author's own of the
/// last minutes.
///
/// # Errors
/// When the database fails.
pub fn keep_revision(conn: &mut Connection, ticket: &Ticket, agent: &Agent, now: NaiveDateTime) -> Result<()> {
    let same = latest(conn, ticket.id)?
        .filter(|latest| latest.author_id == agent.id && now - latest.started_at < SAME_REVISION);
    if let Some(same) = &same {
        diesel::delete(notes_revisions::table.find((ticket.id, same.version))).execute(conn)?;
    }
    diesel::insert_into(notes_revisions::table)
        .values((
            notes_revisions::ticket_id.eq(ticket.id),
            notes_revisions::version.eq(ticket.notes_version),
            notes_revisions::author_id.eq(agent.id),
            notes_revisions::author_name.eq(&agent.name),
            notes_revisions::body.eq(&ticket.notes),
            notes_revisions::started_at.eq(same.map_or(now, |same| same.started_at)),
            notes_revisions::saved_at.eq(now),
        ))
        .execute(conn)?;
    let newest_dropped: Option<i64> = notes_revisions::table
        .filter(notes_revisions::ticket_id.eq(ticket.id))
        .order(notes_revisions::version.desc())
        .offset(KEPT_REVISIONS)
        .limit(1)
        .select(notes_revisions::version)
        .first(conn)
        .optional()?;
    if let Some(version) = newest_dropped {
        let too_old = notes_revisions::table
            .filter(notes_revisions::ticket_id.eq(ticket.id))
            .filter(notes_revisions::version.le(version));
        diesel::delete(too_old).execute(conn)?;
    }
    Ok(())
}

/// A revision without its text.
#[derive(Clone, Debug, Queryable)]
#[allow(missing_docs)]
pub struct Revision {
    pub version: i64,
    pub author_id: i64,
    pub author_name: String,
    pub started_at: NaiveDateTime,
    pub saved_at: NaiveDateTime,
}

fn latest(conn: &mut Connection, ticket_id: i64) -> Result<Option<Revision>> {
    Ok(list_query(conn, ticket_id, 1)?.pop())
}

/// The revisions of a ticket's notes, newest first, without their texts.
///
/// # Errors
/// When the database fails.
pub fn revisions(conn: &mut Connection, ticket_id: i64) -> Result<Vec<Revision>> {
    list_query(conn, ticket_id, KEPT_REVISIONS)
}

fn list_query(conn: &mut Connection, ticket_id: i64, limit: i64) -> Result<Vec<Revision>> {
    Ok(notes_revisions::table
        .filter(notes_revisions::ticket_id.eq(ticket_id))
        .order(notes_revisions::version.desc())
        .limit(limit)
        .select((
            notes_revisions::version,
            notes_revisions::author_id,
            notes_revisions::author_name,
            notes_revisions::started_at,
            notes_revisions::saved_at,
        ))
        .load(conn)?)
}

/// The text of one revision.
///
/// # Errors
/// *Not found* when it is not kept.
pub fn revision_text(conn: &mut Connection, ticket_id: i64, version: i64) -> Result<String> {
    Ok(notes_revisions::table.find((ticket_id, version)).select(notes_revisions::body).first(conn)?)
}
