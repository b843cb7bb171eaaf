//! Revisions of a ticket's notes: who had saved what, and when.

use crate::accounts::agent::Agent;
use crate::db::Connection;
use crate::db::schema::notes_revisions;
use crate::error::Result;
use crate::tickets::ticket::Ticket;
use chrono::{NaiveDateTime, TimeDelta};
use diesel::prelude::*;

/// Saves of one author within this time are one revision.
const SAME_REVISION: TimeDelta = TimeDelta::minutes(10);
/// So many revisions are kept.
const KEPT_REVISIONS: i64 = 200;

/// Keeps the ticket's notes as a revision, in place of the author's own of the
/// last minutes.
pub fn keep(conn: &mut Connection, ticket: &Ticket, agent: &Agent, now: NaiveDateTime) -> Result<()> {
    // By name as well: API keys share the id of the user who opened the account.
    let is_same = |latest: &Revision| latest.author_id == agent.id && latest.author_name == agent.name;
    let same = latest(conn, ticket.id)?.filter(|latest| is_same(latest) && now - latest.started_at < SAME_REVISION);
    if let Some(same) = &same {
        diesel::delete(notes_revisions::table.find((ticket.id, same.version))).execute(conn)?;
    }
    diesel::insert_into(notes_revisions::table)
        .values((
            notes_revisions::ticket_id.eq(ticket.id),
            notes_revisions::version.eq(ticket.notes_version),
            notes_revisions::author_id.eq(agent.id),
            notes_revisions::author_name.eq(&agent.name),
            notes_revisions::body.eq(&ticket.notes),
            notes_revisions::started_at.eq(same.map_or(now, |same| same.started_at)),
            notes_revisions::saved_at.eq(now),
        ))
        .execute(conn)?;
    let newest_dropped: Option<i64> = notes_revisions::table
        .filter(notes_revisions::ticket_id.eq(ticket.id))
        .order(notes_revisions::version.desc())
        .offset(KEPT_REVISIONS)
        .limit(1)
        .select(notes_revisions::version)
        .first(conn)
        .optional()?;
    if let Some(version) = newest_dropped {
        let too_old = notes_revisions::table
            .filter(notes_revisions::ticket_id.eq(ticket.id))
            .filter(notes_revisions::version.le(version));
        diesel::delete(too_old).execute(conn)?;
    }
    Ok(())
}

/// A revision without its text.
#[derive(Clone, Debug, Queryable)]
pub struct Revision {
    pub version: i64,
    pub author_id: i64,
    pub author_name: String,
    pub started_at: NaiveDateTime,
    pub saved_at: NaiveDateTime,
}

/// The newest revision.
pub fn latest(conn: &mut Connection, ticket_id: i64) -> Result<Option<Revision>> {
    Ok(list_query(conn, ticket_id, 1)?.pop())
}

/// The revisions of a ticket's notes, newest first, without their texts.
pub fn all(conn: &mut Connection, ticket_id: i64) -> Result<Vec<Revision>> {
    list_query(conn, ticket_id, KEPT_REVISIONS)
}

fn list_query(conn: &mut Connection, ticket_id: i64, limit: i64) -> Result<Vec<Revision>> {
    Ok(notes_revisions::table
        .filter(notes_revisions::ticket_id.eq(ticket_id))
        .order(notes_revisions::version.desc())
        .limit(limit)
        .select((
            notes_revisions::version,
            notes_revisions::author_id,
            notes_revisions::author_name,
            notes_revisions::started_at,
            notes_revisions::saved_at,
        ))
        .load(conn)?)
}

/// The text of one revision.
///
/// # Errors
/// *Not found* when it is not kept.
pub fn text(conn: &mut Connection, ticket_id: i64, version: i64) -> Result<String> {
    Ok(notes_revisions::table.find((ticket_id, version)).select(notes_revisions::body).first(conn)?)
}
