//! Undoing a change of a ticket.

use crate::db::Connection;
use crate::db::schema::events;
use crate::error::Result;
use crate::events::actor::Actor;
use crate::events::event::{Event, Kind};
use crate::tickets::status::{Earlier, Status};
use crate::tickets::ticket::{Ticket, lock};
use crate::tickets::{change, history, tags, trash};
use chrono::NaiveDateTime;
use diesel::prelude::*;
use std::collections::HashSet;

/// Most earlier changes of status that an undo looks at.
const MOST_CHANGES: i64 = 200;

/// Undoes what an event changed, with an event of its own. Returns whether it did: what has
/// changed again since is left alone, and so are other kinds of events.
///
/// # Errors
/// *Not found* when the ticket was deleted since; *invalid* when the former assignee can't be
/// assigned tickets any more.
pub fn undo(conn: &mut Connection, actor: &Actor, number: i64, event: &Event, now: NaiveDateTime) -> Result<bool> {
    if event.kind == Kind::TicketDeleted {
        return trash::restore(conn, actor, number, now);
    }
    let ticket = lock(conn, actor.account_id, number)?;
    let (old, new, undoes) = (event.text.old.as_str(), event.text.new.as_str(), Some(event.id));
    let is_latest = history::last_of(conn, ticket.id, event.kind)?.is_some_and(|last| last.id == event.id);
    let tags = tags::of(conn, ticket.id)?;
    match event.kind {
        // The text of an event can be erased.
        Kind::TicketTitleChanged if is_latest && !old.is_empty() => {
            change::write_title(conn, actor, &ticket, old, undoes, now)?;
        }
        Kind::TicketRequesterChanged if is_latest => {
            let Some(requester) = change::parse_mailbox(old) else { return Ok(false) };
            change::write_requester(conn, actor, &ticket, requester, undoes, now)?;
        }
        Kind::TicketStatusChanged if is_latest => {
            let Some(from) = event.data.word("from") else { return Ok(false) };
            let earlier = earlier(conn, &ticket, event)?;
            let times = ticket.times().before(ticket.created_at, from, ticket.status, earlier);
            change::write_status(conn, actor, &ticket, (from, times), undoes, now)?;
        }
        Kind::TicketAssigned if is_latest => {
            change::write_assignee(conn, actor, &ticket, event.data.number("from"), undoes, now)?;
        }
        Kind::TicketTagAdded if tags.iter().any(|tag| tag == new) => {
            tags::write(conn, actor, &ticket, new, false, undoes, now)?;
            change::touch(conn, &ticket, now)?;
        }
        Kind::TicketTagRemoved if !tags.iter().any(|tag| tag == old) => {
            tags::write(conn, actor, &ticket, old, true, undoes, now)?;
            change::touch(conn, &ticket, now)?;
        }
        Kind::TicketTagReplaced if tags.iter().any(|tag| tag == new) && !tags.iter().any(|tag| tag == old) => {
            tags::write_replaced(conn, actor, &ticket, new, old, undoes, now)?;
            change::touch(conn, &ticket, now)?;
        }
        _ => return Ok(false),
    }
    Ok(true)
}

/// The times of the ticket before the event.
fn earlier(conn: &mut Connection, ticket: &Ticket, event: &Event) -> Result<Earlier> {
    let changes: Vec<Event> = events::table
        .filter(events::ticket_id.eq(ticket.id))
        .filter(events::kind.eq(Kind::TicketStatusChanged))
        .filter(events::id.lt(event.id))
        .order(events::id.desc())
        .limit(MOST_CHANGES)
        .load(conn)?;
    // What was undone, and its undoing, left no trace in the times.
    let undone: HashSet<i64> = changes.iter().filter_map(|change| change.data.number("undoes")).collect();
    let lasting = || changes.iter().filter(|one| !undone.contains(&one.id) && one.data.number("undoes").is_none());
    let latest = |key: &str| lasting().find(|change| change.data.word(key) == Some(Status::Closed));
    Ok(Earlier {
        closed_at: lasting().next().filter(|last| last.data.word("to") == Some(Status::Closed)).map(|last| last.at),
        reopened_at: latest("from").map(|change| change.at),
    })
}
