//! The history of a ticket: one event for each change, written in its transaction.

use crate::accounts::actor::Actor;
use crate::db::Connection;
use crate::db::schema::ticket_events;
use crate::error::{Error, Result};
use crate::words;
use chrono::NaiveDateTime;
use diesel::deserialize::FromSqlRow;
use diesel::expression::AsExpression;
use diesel::prelude::*;

/// The kind of an event.
#[derive(AsExpression, Clone, Copy, Debug, Eq, FromSqlRow, PartialEq)]
#[diesel(sql_type = diesel::sql_types::Text)]
pub enum Kind {
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
    /// The ticket was moved to the trash.
    Deleted,
    /// The ticket was restored from the trash.
    Restored,
    /// The visitor wrote again in a closed conversation.
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
        found.ok_or_else(|| Error::invalid("unknown kind of event"))
    }
}

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

/// The old and the new value of a change; empty where there is none.
#[derive(Clone, Copy, Debug, Default)]
pub struct Change<'a> {
    pub old: &'a str,
    pub new: &'a str,
}

impl<'a> Change<'a> {
    /// A change without values.
    pub const NONE: Self = Self { old: "", new: "" };

    pub fn added(new: &'a str) -> Self {
        Self { old: "", new }
    }

    pub fn removed(old: &'a str) -> Self {
        Self { old, new: "" }
    }
}

/// Records an event, in the transaction of the change itself.
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

/// The latest events of a ticket, newest first.
pub fn latest(conn: &mut Connection, ticket_id: i64, limit: i64) -> Result<Vec<Event>> {
    Ok(ticket_events::table
        .filter(ticket_events::ticket_id.eq(ticket_id))
        .order(ticket_events::id.desc())
        .limit(limit)
        .load(conn)?)
}

/// The latest event of one kind.
pub fn last_of(conn: &mut Connection, ticket_id: i64, kind: Kind) -> Result<Option<Event>> {
    Ok(ticket_events::table
        .filter(ticket_events::ticket_id.eq(ticket_id))
        .filter(ticket_events::kind.eq(kind))
        .order(ticket_events::id.desc())
        .first(conn)
        .optional()?)
}
