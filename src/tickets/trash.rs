//! Deleting tickets, and restoring them.

use crate::accounts::actor::Actor;
use crate::clock::TRASH;
use crate::db::index::Index;
use crate::db::schema::tickets;
use crate::db::{Connection, index};
use crate::error::Result;
use crate::tickets::counts::count;
use crate::tickets::history::Kind as EventKind;
use crate::tickets::ticket::{find, lock};
use crate::tickets::{history, search};
use chrono::NaiveDateTime;
use diesel::prelude::*;

/// Puts a ticket into the trash.
///
/// # Errors
/// *Not found* when it is out of reach or there already.
pub fn delete(conn: &mut Connection, actor: &Actor, number: i64, now: NaiveDateTime) -> Result<()> {
    let ticket = lock(conn, actor.account_id, number)?;
    diesel::update(tickets::table.find(ticket.id)).set(tickets::deleted_at.eq(now)).execute(conn)?;
    count(conn, actor.account_id, Some(ticket.status), None)?;
    history::record(conn, ticket.id, actor, EventKind::Deleted, ("", ""), now)?;
    Ok(index::forget_terms(conn, Index::Tickets, ticket.id)?)
}

/// Takes a ticket out of the trash. One that is not there is left alone.
pub fn restore(conn: &mut Connection, actor: &Actor, number: i64, now: NaiveDateTime) -> Result<()> {
    let row = tickets::table
        .filter(tickets::account_id.eq(actor.account_id))
        .filter(tickets::number.eq(number))
        .filter(tickets::deleted_at.gt(now - TRASH));
    let restored = diesel::update(row).set(tickets::deleted_at.eq(None::<NaiveDateTime>)).execute(conn)?;
    let ticket = find(conn, actor.account_id, number)?;
    if restored == 0 {
        return Ok(());
    }
    count(conn, actor.account_id, None, Some(ticket.status))?;
    history::record(conn, ticket.id, actor, EventKind::Restored, ("", ""), now)?;
    search::reindex(conn, &ticket)
}
