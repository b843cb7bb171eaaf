//! A ticket's row, title and requester, and functions that find and lock tickets.

use crate::db::Connection;
use crate::db::schema::tickets;
use crate::error::{Error, Kind, OfField, Result};
use crate::events::event::Kind as EventKind;
use crate::events::record::NewEvent;
use crate::tickets::source::{Source, SourceKind};
use crate::tickets::status::{Status, Times};
use crate::values::{email, text};
use chrono::NaiveDateTime;
use diesel::prelude::*;

/// Longest title, in characters.
pub const MAX_TITLE: usize = 200;

/// A title: 1 to 200 characters on one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Title(String);

impl Title {
    /// Trims and validates the text.
    pub fn parse(text: &str) -> Result<Self> {
        text::required_line("The title", text, MAX_TITLE).map(Self)
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Validates the name and email address of a requester; both may be empty.
///
/// # Errors
/// *Invalid* when one is too long or the email address is malformed.
pub fn parse_requester(name: &str, email: &str) -> Result<(String, String)> {
    let email = email::parse_optional(email).of_field("requesterEmail")?;
    Ok((text::line("The requester’s name", name, email::MAX).of_field("requesterName")?, email))
}

/// The same for each that is given.
pub fn parse_requester_parts(name: Option<&str>, email: Option<&str>) -> Result<(Option<String>, Option<String>)> {
    let (parsed_name, parsed_email) = parse_requester(name.unwrap_or_default(), email.unwrap_or_default())?;
    Ok((name.map(|_| parsed_name), email.map(|_| parsed_email)))
}

#[derive(Clone, Debug, diesel::Queryable)]
pub struct Ticket {
    pub id: i64,
    pub account_id: i64,
    pub number: i64,
    pub title: String,
    pub status: Status,
    pub notes: String,
    pub notes_version: i64,
    pub requester_name: String,
    pub requester_email: String,
    pub source_kind: Option<SourceKind>,
    pub source_id: Option<String>,
    pub source_was_here: bool,
    pub assignee_id: Option<i64>,
    pub request_id: String,
    pub request_digest: String,
    pub created_at: NaiveDateTime,
    pub updated_at: NaiveDateTime,
    pub closed_at: Option<NaiveDateTime>,
    pub first_closed_at: Option<NaiveDateTime>,
    pub reopen_count: i64,
    pub deleted_at: Option<NaiveDateTime>,
    /// The latest reopening.
    pub reopened_at: Option<NaiveDateTime>,
    /// How long the ticket was open up to its latest close, in seconds.
    pub open_seconds: i64,
    /// The requester, by address.
    pub contact_id: Option<i64>,
}

impl Ticket {
    pub fn source(&self) -> Option<Source> {
        Some(Source { kind: self.source_kind?, id: self.source_id.clone()? })
    }

    /// The id of the conversation that the ticket was created from, if any.
    pub fn conversation_id(&self) -> Option<&str> {
        self.source_id.as_deref().filter(|_| self.source_kind == Some(SourceKind::Chat))
    }

    /// An event of this ticket.
    pub fn event(&self, kind: EventKind) -> NewEvent<'_> {
        NewEvent::new(kind, self.number).in_history_of(self.id)
    }

    pub fn times(&self) -> Times {
        Times {
            closed_at: self.closed_at,
            first_closed_at: self.first_closed_at,
            reopen_count: self.reopen_count,
            reopened_at: self.reopened_at,
            open_seconds: self.open_seconds,
        }
    }

    /// The ticket in another status.
    pub fn in_status(&self, status: Status, times: Times) -> Self {
        let Times { closed_at, first_closed_at, reopen_count, reopened_at, open_seconds } = times;
        Self { status, closed_at, first_closed_at, reopen_count, reopened_at, open_seconds, ..self.clone() }
    }

    /// Seconds from creation to the latest close; empty while open.
    pub fn resolution_seconds(&self) -> Option<i64> {
        self.closed_at.map(|closed| (closed - self.created_at).num_seconds().max(0))
    }
}

/// A ticket of the account, unless it is in the trash.
pub fn find(conn: &mut Connection, account_id: i64, number: i64) -> Result<Ticket> {
    let ticket = find_anywhere(conn, account_id, number)?;
    if ticket.deleted_at.is_some() {
        return Err(Error::new(Kind::NotFound, "This ticket is in the trash. Restore it to open it."));
    }
    Ok(ticket)
}

/// A ticket of the account, in the trash or not.
pub fn find_anywhere(conn: &mut Connection, account_id: i64, number: i64) -> Result<Ticket> {
    Ok(tickets::table.filter(tickets::account_id.eq(account_id)).filter(tickets::number.eq(number)).first(conn)?)
}

/// Finds a ticket and locks it until the transaction ends.
///
/// # Errors
/// *Not found*, also for tickets of other accounts and in the trash.
pub fn lock(conn: &mut Connection, account_id: i64, number: i64) -> Result<Ticket> {
    // Writing a row locks it on both database engines.
    let row = tickets::table.filter(tickets::account_id.eq(account_id)).filter(tickets::number.eq(number));
    diesel::update(row).set(tickets::updated_at.eq(tickets::updated_at)).execute(conn)?;
    find(conn, account_id, number)
}

/// Locks those of some tickets that are not in the trash until the transaction ends, and returns them
/// in order of id.
pub fn lock_all(conn: &mut Connection, ids: &[i64]) -> Result<Vec<Ticket>> {
    let rows = tickets::table.filter(tickets::id.eq_any(ids)).filter(tickets::deleted_at.is_null());
    let mut locked: Vec<Ticket> = diesel::update(rows)
        .set(tickets::updated_at.eq(tickets::updated_at))
        .returning(tickets::all_columns)
        .get_results(conn)?;
    locked.sort_unstable_by_key(|ticket| ticket.id);
    Ok(locked)
}

pub fn by_id(conn: &mut Connection, id: i64) -> Result<Ticket> {
    Ok(tickets::table.find(id).first(conn)?)
}

/// The tickets with these ids, in no order.
pub fn by_ids(conn: &mut Connection, ids: &[i64]) -> Result<Vec<Ticket>> {
    Ok(tickets::table.filter(tickets::id.eq_any(ids)).load(conn)?)
}

/// Makes `None` of *not found*. For upkeep.
pub fn if_there<T>(found: Result<T>) -> Result<Option<T>> {
    match found {
        Ok(row) => Ok(Some(row)),
        Err(error) if error.kind == Kind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Tickets of all accounts with an id after `id`, in order of id, excluding the trash.
pub fn listed_after(conn: &mut Connection, id: i64, limit: i64) -> Result<Vec<Ticket>> {
    Ok(tickets::table
        .filter(tickets::id.gt(id))
        .filter(tickets::deleted_at.is_null())
        .order(tickets::id)
        .limit(limit)
        .load(conn)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_have_one_to_200_characters_after_trimming() {
        assert_eq!(Title::parse(&format!("  {}  ", "ü".repeat(200))).unwrap().as_str().chars().count(), 200);
        assert!(Title::parse(&"ü".repeat(201)).is_err());
        assert!(Title::parse(" \n ").is_err());
    }
}
