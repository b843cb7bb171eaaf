//! Reading events in their order, on from a cursor.

use crate::db::schema::events;
use crate::db::{Connection, Numbering, number_events};
use crate::error::Result;
use crate::events::event::Event;
use chrono::NaiveDateTime;
use diesel::prelude::*;

/// The number of the newest event; 0 before the first.
pub fn newest(conn: &mut Connection) -> Result<i64> {
    number_events(conn)?;
    let newest: Option<i64> = events::table
        .filter(events::seq.is_not_null())
        .order(events::seq.desc())
        .select(events::seq)
        .first(conn)
        .optional()?
        .flatten();
    Ok(newest.unwrap_or(0))
}

/// Events in their order.
pub struct Batch {
    pub events: Vec<Event>,
    /// What reading has done to the order, and whether later events wait for their number.
    pub numbering: Numbering,
}

/// Up to `limit` events after that number, of all accounts, oldest first.
pub fn after(conn: &mut Connection, seq: i64, limit: i64) -> Result<Batch> {
    let numbering = number_events(conn)?;
    Ok(Batch { events: numbered_after(conn, seq, limit)?, numbering })
}

/// The same, as far as events have their numbers.
pub fn numbered_after(conn: &mut Connection, seq: i64, limit: i64) -> Result<Vec<Event>> {
    Ok(events::table.filter(events::seq.gt(seq)).order(events::seq).limit(limit).load(conn)?)
}

/// When the oldest committed event happened that has no number yet, and that readers do not
/// see.
pub fn oldest_without_number(conn: &mut Connection) -> Result<Option<NaiveDateTime>> {
    Ok(events::table.filter(events::seq.is_null()).select(diesel::dsl::min(events::at)).first(conn)?)
}

/// An event of an account.
///
/// # Errors
/// *Not found*, also for events of other accounts.
pub fn find(conn: &mut Connection, account_id: i64, id: i64) -> Result<Event> {
    Ok(events::table.filter(events::account_id.eq(account_id)).filter(events::id.eq(id)).first(conn)?)
}

/// Up to `limit` events of an account after that number, oldest first, except those that
/// are for the audit log only.
pub fn of_account(conn: &mut Connection, account_id: i64, seq: i64, limit: usize) -> Result<Vec<Event>> {
    Ok(events::table
        .filter(events::account_id.eq(account_id))
        .filter(events::for_audit.eq(false))
        .filter(events::seq.gt(seq))
        .order(events::seq)
        .limit(i64::try_from(limit).unwrap_or(i64::MAX))
        .load(conn)?)
}
