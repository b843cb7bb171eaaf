//! Removing old events. Those in the history of a ticket stay as long as the ticket.

use crate::db::Connection;
use crate::db::schema::events;
use crate::error::Result;
use crate::events::{cursor, feed};
use chrono::NaiveDateTime;
use diesel::prelude::*;

/// The name of this reader.
const READER: &str = "retention";

/// Removes old events among the next `limit`, in their order, and returns whether there may
/// be more.
pub fn forget_old(conn: &mut Connection, old: NaiveDateTime, limit: i64) -> Result<bool> {
    let Some(seq) = cursor::lock(conn, READER)? else {
        cursor::begin(conn, READER, 0)?;
        return Ok(true);
    };
    let next = feed::numbered_after(conn, seq, limit)?;
    let old: Vec<_> = next.iter().take_while(|event| event.at <= old).collect();
    let Some(last) = old.last().and_then(|event| event.seq) else { return Ok(false) };
    let ids = old.iter().filter(|event| event.ticket_id.is_none()).map(|event| event.id);
    diesel::delete(events::table.filter(events::id.eq_any(ids))).execute(conn)?;
    cursor::advance(conn, READER, last)?;
    Ok(old.len() == next.len())
}

/// The number up to which events may be missing; 0 if all are there.
pub fn forgotten(conn: &mut Connection) -> Result<i64> {
    Ok(cursor::position(conn, READER)?.unwrap_or(0))
}
