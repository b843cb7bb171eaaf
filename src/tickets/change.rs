//! Changes of title, status and assignee.

use crate::accounts::user::User;
use crate::db::Connection;
use crate::db::schema::{tickets, users};
use crate::error::{Error, Kind, Result};
use crate::events::actor::Actor;
use crate::events::event::Kind as EventKind;
use crate::events::record::record;
use crate::tickets::counts::count;
use crate::tickets::status::{Status, Times};
use crate::tickets::ticket::{Ticket, Title, by_id, lock};
use crate::tickets::{history, search};
use chrono::NaiveDateTime;
use diesel::prelude::*;
use serde_json::json;

pub fn set_title(conn: &mut Connection, actor: &Actor, number: i64, title: &Title, now: NaiveDateTime) -> Result<()> {
    let ticket = lock(conn, actor.account_id, number)?;
    if ticket.title == title.as_str() {
        return Ok(());
    }
    diesel::update(tickets::table.find(ticket.id)).set(tickets::title.eq(title.as_str())).execute(conn)?;
    record(conn, actor, ticket.event(EventKind::TicketTitleChanged).text(&ticket.title, title.as_str()), now)?;
    touch(conn, &ticket, now)
}

/// Changes the status of a ticket. `from` is the status that the page showed, if known.
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
) -> Result<()> {
    let ticket = lock(conn, actor.account_id, number)?;
    let current = ticket.status;
    if current == to {
        return Ok(());
    }
    if from.is_some_and(|from| from != current) {
        let by = history::last_of(conn, ticket.id, EventKind::TicketStatusChanged)?.map(|event| event.text.actor);
        let by = by.unwrap_or_else(|| "Somebody".into());
        let label = current.label();
        let message = format!("{by} has set this ticket to “{label}” in the meantime. Nothing was changed.");
        return Err(Error::new(Kind::Conflict, message));
    }
    let times = Times {
        closed_at: ticket.closed_at,
        first_closed_at: ticket.first_closed_at,
        reopen_count: ticket.reopen_count,
    }
    .after(current, to, now);
    diesel::update(tickets::table.find(ticket.id))
        .set((tickets::status.eq(to), tickets::updated_at.eq(now), times))
        .execute(conn)?;
    count(conn, actor.account_id, Some(current), Some(to))?;
    let data = json!({ "from": current, "to": to });
    record(conn, actor, ticket.event(EventKind::TicketStatusChanged).data(data), now)
}

#[derive(AsChangeset)]
#[diesel(table_name = tickets, treat_none_as_null = true)]
struct Assignment<'a> {
    assignee_id: Option<i64>,
    updated_at: NaiveDateTime,
    assigned_at: NaiveDateTime,
    assigned_by: &'a str,
    assigned_by_user: Option<i64>,
}

/// Assigns or unassigns a ticket.
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
) -> Result<()> {
    let ticket = lock(conn, actor.account_id, number)?;
    if ticket.assignee_id == assignee {
        return Ok(());
    }
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
        .set(Assignment {
            assignee_id: assignee,
            updated_at: now,
            assigned_at: now,
            assigned_by: &actor.name,
            assigned_by_user: actor.user_id(),
        })
        .execute(conn)?;
    let data = json!({ "from": ticket.assignee_id, "to": assignee });
    record(conn, actor, ticket.event(EventKind::TicketAssigned).data(data).about(&ticket.title).text(&old, &new), now)
}

/// Updates a ticket's modification time and its search index.
pub fn touch(conn: &mut Connection, ticket: &Ticket, now: NaiveDateTime) -> Result<()> {
    diesel::update(tickets::table.find(ticket.id)).set(tickets::updated_at.eq(now)).execute(conn)?;
    let ticket = by_id(conn, ticket.id)?;
    search::reindex(conn, &ticket)
}
