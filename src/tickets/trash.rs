//! Deleting tickets, and restoring them.

use crate::accounts::agent::Agent;
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
pub fn delete(conn: &mut Connection, agent: &Agent, number: i64, now: NaiveDateTime) -> Result<()> {
    let ticket = lock(conn, agent.account_id, number)?;
    diesel::update(tickets::table.find(ticket.id)).set(tickets::deleted_at.eq(now)).execute(conn)?;
    count(conn, agent.account_id, Some(ticket.status), None)?;
    history::record(conn, ticket.id, agent, EventKind::Deleted, ("", ""), now)?;
    Ok(index::forget_terms(conn, Index::Tickets, ticket.id)?)
}

/// Takes a ticket out of the trash. One that is not there is left alone.
pub fn restore(conn: &mut Connection, agent: &Agent, number: i64, now: NaiveDateTime) -> Result<()> {
    let row = tickets::table
        .filter(tickets::account_id.eq(agent.account_id))
        .filter(tickets::number.eq(number))
        .filter(tickets::deleted_at.gt(now - TRASH));
    let restored = diesel::update(row).set(tickets::deleted_at.eq(None::<NaiveDateTime>)).execute(conn)?;
    let ticket = find(conn, agent.account_id, number)?;
    if restored == 0 {
        return Ok(());
    }
    count(conn, agent.account_id, None, Some(ticket.status))?;
    history::record(conn, ticket.id, agent, EventKind::Restored, ("", ""), now)?;
    search::reindex(conn, &ticket)
}
