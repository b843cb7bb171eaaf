//! Deletes and restores tickets.

use crate::clock::{EXPIRED, TRASH};
use crate::db::Connection;
use crate::db::schema::{events, note_revisions, ticket_tags, tickets};
use crate::error::Result;
use crate::events::actor::Actor;
use crate::events::event::Kind as EventKind;
use crate::events::record::{NewEvent, record};
use crate::tickets::counts::count;
use crate::tickets::ticket::{Ticket, find, lock};
use crate::tickets::{figures, search, source_copy};
use chrono::NaiveDateTime;
use diesel::prelude::*;

/// Moves a ticket to the trash, and returns the id of the event.
///
/// # Errors
/// *Not found* when the ticket is in another account or already in the trash.
pub fn delete(conn: &mut Connection, actor: &Actor, number: i64, now: NaiveDateTime) -> Result<i64> {
    let ticket = lock(conn, actor.account_id, number)?;
    diesel::update(tickets::table.find(ticket.id)).set(tickets::deleted_at.eq(now)).execute(conn)?;
    count(conn, actor.account_id, Some(ticket.status), None)?;
    figures::changed(conn, &ticket, &Ticket { deleted_at: Some(now), ..ticket.clone() }, now)?;
    search::forget(conn, ticket.id)?;
    record(conn, actor, ticket.event(EventKind::TicketDeleted), now)
}

/// Restores a ticket from the trash, and returns whether it was there.
pub fn restore(conn: &mut Connection, actor: &Actor, number: i64, now: NaiveDateTime) -> Result<bool> {
    let row = tickets::table
        .filter(tickets::account_id.eq(actor.account_id))
        .filter(tickets::number.eq(number))
        .filter(tickets::deleted_at.gt(now - TRASH));
    let restored = diesel::update(row).set(tickets::deleted_at.eq(None::<NaiveDateTime>)).execute(conn)?;
    let ticket = find(conn, actor.account_id, number)?;
    if restored == 0 {
        return Ok(false);
    }
    count(conn, actor.account_id, None, Some(ticket.status))?;
    figures::changed(conn, &Ticket { deleted_at: Some(now), ..ticket.clone() }, &ticket, now)?;
    record(conn, actor, ticket.event(EventKind::TicketRestored), now)?;
    search::reindex_all(conn, &ticket)?;
    Ok(true)
}

/// Ids of up to `limit` tickets whose request ids match a pattern, except those at the end of
/// their time in the trash.
pub fn matching(conn: &mut Connection, account_id: i64, request_ids: &str, limit: i64) -> Result<Vec<i64>> {
    Ok(tickets::table
        .filter(tickets::account_id.eq(account_id))
        .filter(tickets::request_id.like(request_ids))
        .filter(tickets::deleted_at.is_null().or(tickets::deleted_at.gt(EXPIRED)))
        .limit(limit)
        .select(tickets::id)
        .load(conn)?)
}

/// Puts tickets at the end of their time in the trash. Returns those that were not there.
pub fn expire(conn: &mut Connection, ids: &[i64]) -> Result<Vec<Ticket>> {
    let there = tickets::table
        .filter(tickets::id.eq_any(ids))
        .filter(tickets::deleted_at.is_null().or(tickets::deleted_at.gt(EXPIRED)));
    // Writing the rows locks them.
    let rows: Vec<Ticket> =
        diesel::update(there).set(tickets::id.eq(tickets::id)).returning(tickets::all_columns).get_results(conn)?;
    for ticket in rows.iter().filter(|ticket| ticket.deleted_at.is_none()) {
        count(conn, ticket.account_id, Some(ticket.status), None)?;
        figures::expired(conn, ticket)?;
        search::forget(conn, ticket.id)?;
    }
    let expired = tickets::table.filter(tickets::id.eq_any(rows.iter().map(|ticket| ticket.id)));
    diesel::update(expired).set(tickets::deleted_at.eq(EXPIRED)).execute(conn)?;
    Ok(rows)
}

/// Ids of up to `limit` tickets that were deleted before `old`.
pub fn expired(conn: &mut Connection, old: NaiveDateTime, limit: i64) -> Result<Vec<i64>> {
    Ok(tickets::table.filter(tickets::deleted_at.le(old)).limit(limit).select(tickets::id).load(conn)?)
}

/// Permanently deletes tickets with their history. Their files must be deleted first.
pub fn forget(conn: &mut Connection, ids: &[i64], now: NaiveDateTime) -> Result<()> {
    let rows: Vec<(i64, i64)> = tickets::table
        .filter(tickets::id.eq_any(ids))
        .order(tickets::id)
        .select((tickets::account_id, tickets::number))
        .load(conn)?;
    for (account_id, number) in rows {
        record(conn, &Actor::system(account_id), NewEvent::new(EventKind::TicketPurged, number), now)?;
    }
    for id in ids {
        // A message that came while the ticket was deleted may have added words.
        search::forget(conn, *id)?;
    }
    source_copy::forget(conn, ids)?;
    diesel::delete(note_revisions::table.filter(note_revisions::ticket_id.eq_any(ids))).execute(conn)?;
    diesel::delete(events::table.filter(events::ticket_id.eq_any(ids))).execute(conn)?;
    diesel::delete(ticket_tags::table.filter(ticket_tags::ticket_id.eq_any(ids))).execute(conn)?;
    diesel::delete(tickets::table.filter(tickets::id.eq_any(ids))).execute(conn)?;
    Ok(())
}
