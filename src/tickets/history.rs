//! The history of a ticket: its events.

use crate::db::Connection;
use crate::db::schema::events;
use crate::error::Result;
use crate::events::event::{Event, Kind};
use diesel::prelude::*;

/// The newest events of a ticket's history, newest first.
pub fn latest(conn: &mut Connection, ticket_id: i64, limit: i64) -> Result<Vec<Event>> {
    Ok(events::table.filter(events::ticket_id.eq(ticket_id)).order(events::id.desc()).limit(limit).load(conn)?)
}

/// The latest event of one kind.
pub fn last_of(conn: &mut Connection, ticket_id: i64, kind: Kind) -> Result<Option<Event>> {
    Ok(events::table
        .filter(events::ticket_id.eq(ticket_id))
        .filter(events::kind.eq(kind))
        .order(events::id.desc())
        .first(conn)
        .optional()?)
}
