//! The history of a ticket: one line for each change, written with it.

use crate::accounts::actor::Actor;
use crate::db::Connection;
use crate::db::schema::ticket_events;
use crate::error::{Error, Result};
use crate::words;
use chrono::NaiveDateTime;
use diesel::deserialize::FromSqlRow;
use diesel::expression::AsExpression;
use diesel::prelude::*;

/// What happened.
#[derive(AsExpression, Clone, Copy, Debug, Eq, FromSqlRow, PartialEq)]
#[diesel(sql_type = diesel::sql_types::Text)]
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

words!(Kind);

impl Kind {
    const ALL: [Self; 10] = [
        Self::Created,
        Self::Title,
        Self::Status,
        Self::Assignee,
        Self::Tag,
        Self::Notes,
        Self::File,
        Self::Deleted,
        Self::Restored,
        Self::Returned,
    ];

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

impl std::str::FromStr for Kind {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let found = Self::ALL.into_iter().find(|kind| kind.as_str() == text);
        found.ok_or_else(|| Error::invalid("An event is of an unknown kind."))
    }
}

/// An event's row.
#[derive(Clone, Debug, Queryable)]
pub struct Event {
    pub id: i64,
    pub account_id: i64,
    pub ticket_id: i64,
    pub actor_name: String,
    pub kind: Kind,
    pub old_value: String,
    pub new_value: String,
    pub created_at: NaiveDateTime,
}

#[derive(Insertable)]
#[diesel(table_name = ticket_events)]
struct NewEvent<'a> {
    account_id: i64,
    ticket_id: i64,
    actor_name: &'a str,
    kind: Kind,
    old_value: &'a str,
    new_value: &'a str,
    created_at: NaiveDateTime,
}

/// What a value was, and what it is now; empty where it was or is none.
#[derive(Clone, Copy, Debug, Default)]
pub struct Change<'a> {
    pub old: &'a str,
    pub new: &'a str,
}

impl<'a> Change<'a> {
    /// Nothing that has values.
    pub const NONE: Self = Self { old: "", new: "" };

    pub fn added(new: &'a str) -> Self {
        Self { old: "", new }
    }

    pub fn removed(old: &'a str) -> Self {
        Self { old, new: "" }
    }
}

/// Writes a line of history, in the transaction of the change itself.
pub fn record(
    conn: &mut Connection,
    ticket_id: i64,
    actor: &Actor,
    kind: Kind,
    change: Change<'_>,
    now: NaiveDateTime,
) -> Result<()> {
    diesel::insert_into(ticket_events::table)
        .values(NewEvent {
            account_id: actor.account_id,
            ticket_id,
            actor_name: &actor.name,
            kind,
            old_value: change.old,
            new_value: change.new,
            created_at: now,
        })
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
        .filter(ticket_events::kind.eq(kind))
        .order(ticket_events::id.desc())
        .first(conn)
        .optional()?)
}
