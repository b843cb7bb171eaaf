//! Changes of title, status and assignee.

use crate::accounts::user::User;
use crate::contacts::contact;
use crate::db::Connection;
use crate::db::schema::{tickets, users};
use crate::error::{Error, Kind, Result};
use crate::events::actor::Actor;
use crate::events::event::Kind as EventKind;
use crate::events::record::record;
use crate::tickets::counts::count;
use crate::tickets::status::{Status, Times};
use crate::tickets::ticket::{Ticket, Title, by_id, lock};
use crate::tickets::{figures, history, search};
use chrono::NaiveDateTime;
use diesel::prelude::*;
use serde_json::json;

/// Changes the title. Returns the id of the event, if that is a change.
pub fn set_title(
    conn: &mut Connection,
    actor: &Actor,
    number: i64,
    title: &Title,
    now: NaiveDateTime,
) -> Result<Option<i64>> {
    let ticket = lock(conn, actor.account_id, number)?;
    if ticket.title == title.as_str() {
        return Ok(None);
    }
    write_title(conn, actor, &ticket, title.as_str(), None, now).map(Some)
}

/// `undoes` is the event that this change undoes, here and below.
pub(super) fn write_title(
    conn: &mut Connection,
    actor: &Actor,
    ticket: &Ticket,
    title: &str,
    undoes: Option<i64>,
    now: NaiveDateTime,
) -> Result<i64> {
    diesel::update(tickets::table.find(ticket.id)).set(tickets::title.eq(title)).execute(conn)?;
    touch(conn, ticket, now)?;
    let event = ticket.event(EventKind::TicketTitleChanged).text(&ticket.title, title).undoing(undoes);
    record(conn, actor, event, now)
}

/// Changes the requester. Returns the id of the event, if that is a change.
pub fn set_requester(
    conn: &mut Connection,
    actor: &Actor,
    number: i64,
    requester: (&str, &str),
    now: NaiveDateTime,
) -> Result<Option<i64>> {
    let ticket = lock(conn, actor.account_id, number)?;
    if (ticket.requester_name.as_str(), ticket.requester_email.as_str()) == requester {
        return Ok(None);
    }
    write_requester(conn, actor, &ticket, requester, None, now).map(Some)
}

pub(super) fn write_requester(
    conn: &mut Connection,
    actor: &Actor,
    ticket: &Ticket,
    (name, email): (&str, &str),
    undoes: Option<i64>,
    now: NaiveDateTime,
) -> Result<i64> {
    let contact_id = contact::id_of(conn, actor.account_id, email, name, now)?;
    diesel::update(tickets::table.find(ticket.id))
        .set((tickets::requester_name.eq(name), tickets::requester_email.eq(email), tickets::contact_id.eq(contact_id)))
        .execute(conn)?;
    touch(conn, ticket, now)?;
    let (old, new) = (mailbox(&ticket.requester_name, &ticket.requester_email), mailbox(name, email));
    let event = ticket.event(EventKind::TicketRequesterChanged).text(&old, &new);
    record(conn, actor, event.undoing(undoes), now)
}

/// Name and address as events keep them: `Ana <ana@example.com>`, with the brackets even
/// where one is empty.
fn mailbox(name: &str, email: &str) -> String {
    format!("{name} <{email}>")
}

/// The name and address of a [`mailbox`].
pub(super) fn parse_mailbox(text: &str) -> Option<(&str, &str)> {
    // An address contains no bracket.
    let (name, email) = text.rsplit_once(" <")?;
    Some((name, email.strip_suffix('>')?))
}

/// Changes the status of a ticket. `from` is the status that the page showed, if known.
/// Returns the id of the event, if that is a change.
///
/// # Errors
/// *Conflict*, naming the actor who changed it, when `from` is outdated; *not found* when
/// the ticket is in another account or in the trash.
pub fn set_status(
    conn: &mut Connection,
    actor: &Actor,
    number: i64,
    to: Status,
    from: Option<Status>,
    now: NaiveDateTime,
) -> Result<Option<i64>> {
    let ticket = lock(conn, actor.account_id, number)?;
    let current = ticket.status;
    if current == to {
        return Ok(None);
    }
    if from.is_some_and(|from| from != current) {
        let by = history::last_of(conn, ticket.id, EventKind::TicketStatusChanged)?.map(|event| event.text.actor);
        let by = by.unwrap_or_else(|| "Somebody".into());
        let label = current.label();
        let message = format!("{by} has set this ticket to “{label}” in the meantime. Nothing was changed.");
        return Err(Error::new(Kind::Conflict, message));
    }
    let times = ticket.times().after(ticket.created_at, current, to, now);
    write_status(conn, actor, &ticket, (to, times), None, now).map(Some)
}

pub(super) fn write_status(
    conn: &mut Connection,
    actor: &Actor,
    ticket: &Ticket,
    (to, times): (Status, Times),
    undoes: Option<i64>,
    now: NaiveDateTime,
) -> Result<i64> {
    diesel::update(tickets::table.find(ticket.id))
        .set((tickets::status.eq(to), tickets::updated_at.eq(now), times))
        .execute(conn)?;
    count(conn, actor.account_id, Some(ticket.status), Some(to))?;
    figures::changed(conn, ticket, &ticket.in_status(to, times), now)?;
    let data = json!({ "from": ticket.status, "to": to });
    record(conn, actor, ticket.event(EventKind::TicketStatusChanged).data(data).undoing(undoes), now)
}

/// Assigns or unassigns a ticket. Returns the id of the event, if that is a change.
///
/// # Errors
/// *Invalid* when the account has no assignable user with that id; *not found* when the
/// ticket is in another account or in the trash.
pub fn set_assignee(
    conn: &mut Connection,
    actor: &Actor,
    number: i64,
    assignee: Option<i64>,
    now: NaiveDateTime,
) -> Result<Option<i64>> {
    let ticket = lock(conn, actor.account_id, number)?;
    if ticket.assignee_id == assignee {
        return Ok(None);
    }
    write_assignee(conn, actor, &ticket, assignee, None, now).map(Some)
}

pub(super) fn write_assignee(
    conn: &mut Connection,
    actor: &Actor,
    ticket: &Ticket,
    assignee: Option<i64>,
    undoes: Option<i64>,
    now: NaiveDateTime,
) -> Result<i64> {
    let mut name_of = |id: Option<i64>| -> Result<String> {
        let Some(id) = id else { return Ok(String::new()) };
        let found = users::table
            .filter(users::account_id.eq(actor.account_id))
            .filter(users::id.eq(id))
            .first::<User>(conn)
            .optional()?;
        match found {
            // Disabled users and viewers may be the old assignee, but not the new one.
            Some(user) if user.may_be_assigned() || Some(id) != assignee => Ok(user.name),
            _ => Err(Error::invalid("That user can’t be assigned tickets.")),
        }
    };
    let (old, new) = (name_of(ticket.assignee_id)?, name_of(assignee)?);
    diesel::update(tickets::table.find(ticket.id))
        .set((tickets::assignee_id.eq(assignee), tickets::updated_at.eq(now)))
        .execute(conn)?;
    figures::changed(conn, ticket, &Ticket { assignee_id: assignee, ..ticket.clone() }, now)?;
    let data = json!({ "from": ticket.assignee_id, "to": assignee });
    let event = ticket.event(EventKind::TicketAssigned).data(data).about(&ticket.title).text(&old, &new);
    record(conn, actor, event.undoing(undoes), now)
}

/// Updates a ticket's modification time and its search index.
pub fn touch(conn: &mut Connection, ticket: &Ticket, now: NaiveDateTime) -> Result<()> {
    diesel::update(tickets::table.find(ticket.id)).set(tickets::updated_at.eq(now)).execute(conn)?;
    let ticket = by_id(conn, ticket.id)?;
    search::reindex(conn, &ticket)
}
