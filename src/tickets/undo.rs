//! Undoing a change of a ticket.

use crate::db::Connection;
use crate::db::schema::events;
use crate::error::Result;
use crate::events::actor::Actor;
use crate::events::event::{Event, Kind};
use crate::tickets::status::Status;
use crate::tickets::ticket::{Ticket, lock};
use crate::tickets::{change, history, tags};
use chrono::NaiveDateTime;
use diesel::prelude::*;

/// Undoes what an event changed, with an event of its own. Returns whether it did: what has
/// changed again since is left alone, and so are other kinds of events.
///
/// # Errors
/// *Not found* when the ticket is in the trash; *invalid* when the former assignee can't be
/// assigned tickets any more.
pub fn undo(conn: &mut Connection, actor: &Actor, number: i64, event: &Event, now: NaiveDateTime) -> Result<bool> {
    let ticket = lock(conn, actor.account_id, number)?;
    let (old, new, undoes) = (event.text.old.as_str(), event.text.new.as_str(), Some(event.id));
    let is_latest = history::last_of(conn, ticket.id, event.kind)?.is_some_and(|last| last.id == event.id);
    let tags = tags::of(conn, ticket.id)?;
    match event.kind {
        Kind::TicketTitleChanged if is_latest => {
            change::write_title(conn, actor, &ticket, old, undoes, now)?;
        }
        Kind::TicketRequesterChanged if is_latest => {
            let Some(requester) = change::parse_mailbox(old) else { return Ok(false) };
            change::write_requester(conn, actor, &ticket, requester, undoes, now)?;
        }
        Kind::TicketStatusChanged if is_latest => {
            let Some(from) = event.data.word("from") else { return Ok(false) };
            let times = ticket.times().before(from, ticket.status, closed_before(conn, &ticket, event)?);
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
        _ => return Ok(false),
    }
    Ok(true)
}

/// When the ticket was closed, if it was when the event happened.
fn closed_before(conn: &mut Connection, ticket: &Ticket, event: &Event) -> Result<Option<NaiveDateTime>> {
    let before: Option<Event> = events::table
        .filter(events::ticket_id.eq(ticket.id))
        .filter(events::kind.eq(Kind::TicketStatusChanged))
        .filter(events::id.lt(event.id))
        .order(events::id.desc())
        .first(conn)
        .optional()?;
    Ok(before.filter(|before| before.data.word("to") == Some(Status::Closed)).map(|before| before.at))
}
