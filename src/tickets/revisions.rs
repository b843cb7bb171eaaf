//! Revisions of a ticket's notes: who saved what, and when.

use crate::db::Connection;
use crate::db::schema::notes_revisions;
use crate::error::Result;
use crate::events::actor::Actor;
use crate::tickets::ticket::Ticket;
use chrono::{NaiveDateTime, TimeDelta};
use diesel::prelude::*;

/// Saves by one author within this time share one revision.
const SAME_REVISION: TimeDelta = TimeDelta::minutes(10);
/// Maximum revisions kept for one ticket.
const KEPT_REVISIONS: i64 = 200;

#[derive(Insertable)]
#[diesel(table_name = notes_revisions)]
struct NewRevision<'a> {
    ticket_id: i64,
    version: i64,
    author_id: i64,
    author_name: &'a str,
    body: &'a str,
    started_at: NaiveDateTime,
    saved_at: NaiveDateTime,
}

/// Stores the ticket's notes as a revision. Replaces the latest revision if the same author
/// started it within `SAME_REVISION`.
pub fn keep(conn: &mut Connection, ticket: &Ticket, actor: &Actor, now: NaiveDateTime) -> Result<()> {
    // The column requires a user, so API clients get the user who opened the account.
    let author_id = actor.user_id().unwrap_or(actor.account_id);
    let is_same = |latest: &Revision| latest.author_id == author_id && latest.author_name == actor.name;
    let same = latest(conn, ticket.id)?.filter(|latest| is_same(latest) && now - latest.started_at < SAME_REVISION);
    if let Some(same) = &same {
        diesel::delete(notes_revisions::table.find((ticket.id, same.version))).execute(conn)?;
    }
    diesel::insert_into(notes_revisions::table)
        .values(NewRevision {
            ticket_id: ticket.id,
            version: ticket.notes_version,
            author_id,
            author_name: &actor.name,
            body: &ticket.notes,
            started_at: same.map_or(now, |same| same.started_at),
            saved_at: now,
        })
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
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = notes_revisions)]
pub struct Revision {
    pub version: i64,
    pub author_id: i64,
    pub author_name: String,
    pub started_at: NaiveDateTime,
    pub saved_at: NaiveDateTime,
}

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
        .select(Revision::as_select())
        .load(conn)?)
}

/// The text of one revision.
///
/// # Errors
/// *Not found* when the revision is not kept.
pub fn text(conn: &mut Connection, ticket_id: i64, version: i64) -> Result<String> {
    Ok(notes_revisions::table.find((ticket_id, version)).select(notes_revisions::body).first(conn)?)
}
