//! The history of a ticket: one line for each change, written with it.

use crate::accounts::agent::Agent;
use crate::db::Connection;
use crate::db::schema::ticket_events;
use crate::error::Result;
use chrono::NaiveDateTime;
use diesel::prelude::*;

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The ticket was made.
    Created,
    /// The title changed.
    Title,
    /// The status changed.
    Status,
    /// The assignee changed.
    Assignee,
    /// A tag was added (new value) or removed (old value).
    Tag,
    /// The notes changed; the values are versions.
    Notes,
    /// A file was added (new value), removed (old value) or renamed (both).
    File,
    /// It went to the trash.
    Deleted,
    /// It came back from the trash.
    Restored,
    /// The visitor wrote again in the conversation that had been closed.
    Returned,
}

impl Kind {
    fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Title => "title",
            Self::Status => "status",
            Self::Assignee => "assignee",
            Self::Tag => "tag",
            Self::Notes => "notes",
            Self::File => "file",
            Self::Deleted => "deleted",
            Self::Restored => "restored",
            Self::Returned => "returned",
        }
    }
}

/// An event's row.
#[derive(Clone, Debug, Queryable)]
pub struct Event {
    pub id: i64,
    pub account_id: i64,
    pub ticket_id: i64,
    pub actor_name: String,
    pub kind: String,
    pub old_value: String,
    pub new_value: String,
    pub created_at: NaiveDateTime,
}

/// Writes a line of history, in the transaction of the change itself.
pub fn record(
    conn: &mut Connection,
    ticket_id: i64,
    actor: &Agent,
    kind: Kind,
    change: (&str, &str),
    now: NaiveDateTime,
) -> Result<()> {
    record_of(conn, (actor.account_id, ticket_id), &actor.name, kind, change, now)
}

/// The same for somebody who is not of the team.
pub fn record_of(
    conn: &mut Connection,
    (account_id, ticket_id): (i64, i64),
    actor_name: &str,
    kind: Kind,
    (old, new): (&str, &str),
    now: NaiveDateTime,
) -> Result<()> {
    diesel::insert_into(ticket_events::table)
        .values((
            ticket_events::account_id.eq(account_id),
            ticket_events::ticket_id.eq(ticket_id),
            ticket_events::actor_name.eq(actor_name),
            ticket_events::kind.eq(kind.as_str()),
            ticket_events::old_value.eq(old),
            ticket_events::new_value.eq(new),
            ticket_events::created_at.eq(now),
        ))
        .execute(conn)?;
    Ok(())
}

/// The newest lines of a ticket's history, newest first.
pub fn latest(conn: &mut Connection, ticket_id: i64, limit: i64) -> Result<Vec<Event>> {
    Ok(ticket_events::table
        .filter(ticket_events::ticket_id.eq(ticket_id))
        .order(ticket_events::id.desc())
        .limit(limit)
        .load(conn)?)
}

/// The latest change of one kind.
pub fn last_of(conn: &mut Connection, ticket_id: i64, kind: Kind) -> Result<Option<Event>> {
    Ok(ticket_events::table
        .filter(ticket_events::ticket_id.eq(ticket_id))
        .filter(ticket_events::kind.eq(kind.as_str()))
        .order(ticket_events::id.desc())
        .first(conn)
        .optional()?)
}
