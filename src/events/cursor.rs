//! How far each reader of events has read.

use crate::db::schema::event_readers;
use crate::db::{Connection, unless_taken};
use crate::error::Result;
use diesel::prelude::*;

/// The number of the last event that a reader has read; `None` before it has started.
pub fn position(conn: &mut Connection, reader: &str) -> Result<Option<i64>> {
    Ok(event_readers::table.find(reader).select(event_readers::seq).first(conn).optional()?)
}

/// The same. Until the transaction ends, nobody else reads under this name.
pub fn lock(conn: &mut Connection, reader: &str) -> Result<Option<i64>> {
    // Writing a row locks it on both database engines.
    Ok(diesel::update(event_readers::table.find(reader))
        .set(event_readers::seq.eq(event_readers::seq))
        .returning(event_readers::seq)
        .get_result(conn)
        .optional()?)
}

/// Starts a reader after that number, unless it has started already.
pub fn begin(conn: &mut Connection, reader: &str, seq: i64) -> Result<()> {
    unless_taken(conn, |conn| {
        diesel::insert_into(event_readers::table)
            .values((event_readers::name.eq(reader), event_readers::seq.eq(seq)))
            .execute(conn)
    })?;
    Ok(())
}

/// Moves a reader on, in the transaction of what it did with the events.
pub fn advance(conn: &mut Connection, reader: &str, seq: i64) -> Result<()> {
    diesel::update(event_readers::table.find(reader)).set(event_readers::seq.eq(seq)).execute(conn)?;
    Ok(())
}
