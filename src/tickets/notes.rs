//! The notes of a ticket. Saving detects concurrent edits; appending never conflicts.

use crate::db::Connection;
use crate::db::schema::tickets;
use crate::error::{Error, Kind as ErrorKind, Result};
use crate::events::actor::Actor;
use crate::events::event::Kind;
use crate::events::record::record;
use crate::tickets::ticket::Ticket;
use crate::tickets::{change, revisions, ticket};
use crate::values::text;
use chrono::NaiveDateTime;
use chrono_tz::Tz;
use diesel::prelude::*;
use serde_json::json;

/// The result of saving.
#[derive(Clone, Debug)]
pub enum Saved {
    /// The submitted notes are stored.
    Done,
    /// Somebody else saved first; nothing was changed.
    Stale(Box<Theirs>),
}

/// The notes that somebody else saved.
#[derive(Clone, Debug)]
pub struct Theirs {
    pub notes: String,
    /// The text that the submitted notes are based on.
    pub base: String,
    /// The version to send with the next save.
    pub version: i64,
    pub author: String,
}

/// Saves the notes if nobody else has saved since `version`.
pub fn save(
    conn: &mut Connection,
    actor: &Actor,
    number: i64,
    notes: &Notes,
    version: i64,
    now: NaiveDateTime,
) -> Result<Saved> {
    let ticket = ticket::lock(conn, actor.account_id, number)?;
    if ticket.notes == notes.as_str() {
        return Ok(Saved::Done);
    }
    if ticket.notes_version != version {
        let author = revisions::latest(conn, ticket.id)?.map_or_else(|| "Somebody".into(), |latest| latest.author_name);
        let base = match revisions::text(conn, ticket.id, version) {
            // The first version of a ticket without notes has no revision.
            Err(error) if error.kind == ErrorKind::NotFound => String::new(),
            base => base?,
        };
        let theirs = Theirs { notes: ticket.notes, base, version: ticket.notes_version, author };
        return Ok(Saved::Stale(Box::new(theirs)));
    }
    write(conn, actor, &ticket, notes.as_str(), now)?;
    Ok(Saved::Done)
}

/// Appends a paragraph to the current notes, with the actor's name and the time in `zone`.
///
/// # Errors
/// *Invalid* when the notes would become too long; *not found* when the ticket is in
/// another account or in the trash.
pub fn append(
    conn: &mut Connection,
    actor: &Actor,
    number: i64,
    line: &str,
    zone: Tz,
    now: NaiveDateTime,
) -> Result<()> {
    let ticket = ticket::lock(conn, actor.account_id, number)?;
    // Includes the zone, because readers may be in other zones.
    let at = now.and_utc().with_timezone(&zone).format("%-d %b %Y, %H:%M %Z");
    let signature = format!("{}, {at}:", actor.name);
    let gap = if ticket.notes.is_empty() { "" } else { "\n\n" };
    let notes = format!("{}{gap}{signature}\n{line}", ticket.notes.trim_end_matches('\n'));
    let notes = Notes::parse(&notes)
        .map_err(|_| Error::invalid(format!("The notes can’t be longer than {MAX_NOTES} characters.")))?;
    write(conn, actor, &ticket, notes.as_str(), now)
}

/// Saves an earlier version again, and returns the version that it replaces.
///
/// # Errors
/// *Not found* when the ticket or the version does not exist, or the ticket is in the
/// trash.
pub fn restore(conn: &mut Connection, actor: &Actor, number: i64, version: i64, now: NaiveDateTime) -> Result<i64> {
    let ticket = ticket::lock(conn, actor.account_id, number)?;
    let notes = revisions::text(conn, ticket.id, version)?;
    if notes != ticket.notes {
        write(conn, actor, &ticket, &notes, now)?;
    }
    Ok(ticket.notes_version)
}

fn write(conn: &mut Connection, actor: &Actor, ticket: &Ticket, notes: &str, now: NaiveDateTime) -> Result<()> {
    let version = ticket.notes_version + 1;
    diesel::update(tickets::table.find(ticket.id))
        .set((tickets::notes.eq(notes), tickets::notes_version.eq(version)))
        .execute(conn)?;
    let before = &ticket.notes;
    let ticket = Ticket { notes: notes.to_owned(), notes_version: version, ..ticket.clone() };
    revisions::keep(conn, &ticket, before, actor, now)?;
    let data = json!({ "version": version });
    record(conn, actor, ticket.event(Kind::TicketNotesChanged).data(data), now)?;
    change::touch(conn, &ticket, now)
}

/// Longest notes, in characters.
pub const MAX_NOTES: usize = 100_000;

/// Longest added note, in characters.
pub const MAX_LINE: usize = 10_000;

/// Internal notes: at most 100,000 characters, with LF line endings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notes(String);

impl Notes {
    /// Normalises line endings and checks the length.
    pub fn parse(text: &str) -> Result<Self> {
        text::block("The notes", text, MAX_NOTES).map(Self)
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}
