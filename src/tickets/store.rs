//! Making, finding and changing tickets. Each function owns its whole change:
//! the row, its counters, its search terms and its line of history.

use crate::clock::TRASH;
use crate::conversations;
use crate::db::Connection;
use crate::db::dialect::{self, Index};
use crate::db::schema::{accounts, ticket_counts, tickets, users};
use crate::error::{Error, Kind, Result};
use crate::people::access::Role;
use crate::people::model::Agent;
use crate::submissions;
use crate::tickets::history::{self, Kind as EventKind};
use crate::tickets::model::{NewTicket, Source, SourceKind, Status, Ticket, Times, Title};
use crate::tickets::{revisions, search};
use chrono::NaiveDateTime;
use diesel::prelude::*;

/// Enough of a ticket to link to it.
#[derive(Clone, Debug, Queryable)]
pub struct TicketRef {
    /// Its number.
    pub number: i64,
    /// Its title.
    pub title: String,
    /// Its status.
    pub status: String,
}

impl TicketRef {
    /// Its status for people.
    #[must_use]
    pub fn status_label(&self) -> &'static str {
        self.status.parse().map_or("", Status::label)
    }
}

/// What came of asking for a ticket.
#[derive(Clone, Debug)]
pub enum Made {
    /// The ticket of that number is there, made now or by the same request before.
    Ticket(i64),
    /// The source has these tickets already, and another one was not asked for.
    SourceHasTickets(Vec<TicketRef>),
    /// The same request id has made this ticket out of other content.
    RequestUsed(i64),
}

/// Makes a ticket on purpose.
///
/// # Errors
/// When the database fails.
pub fn create(conn: &mut Connection, agent: &Agent, new: &NewTicket, now: NaiveDateTime) -> Result<Made> {
    let account = accounts::table.find(agent.account_id);
    // The account's row is locked from here to the end, so two requests cannot
    // pass the checks below side by side.
    let number: i64 = diesel::update(account)
        .set(accounts::last_ticket_number.eq(accounts::last_ticket_number + 1))
        .returning(accounts::last_ticket_number)
        .get_result(conn)?;
    if let Some(made) = already_made(conn, agent.account_id, new)? {
        diesel::update(account).set(accounts::last_ticket_number.eq(number - 1)).execute(conn)?;
        return Ok(made);
    }
    let source_was_here = match &new.source {
        Some(source) => is_here(conn, agent.account_id, source)?,
        None => false,
    };
    let id: i64 = diesel::insert_into(tickets::table)
        .values((
            (
                tickets::account_id.eq(agent.account_id),
                tickets::number.eq(number),
                tickets::title.eq(new.title.as_str()),
                tickets::status.eq(Status::New.as_str()),
                tickets::notes.eq(new.notes.as_str()),
                tickets::notes_version.eq(1),
                tickets::requester_name.eq(&new.requester_name),
                tickets::requester_email.eq(&new.requester_email),
            ),
            (
                tickets::source_kind.eq(new.source.as_ref().map(|source| source.kind.as_str())),
                tickets::source_id.eq(new.source.as_ref().map(|source| source.id.as_str())),
                tickets::source_was_here.eq(source_was_here),
                tickets::request_id.eq(&new.request_id),
                tickets::request_digest.eq(new.digest()),
                tickets::created_at.eq(now),
                tickets::updated_at.eq(now),
                tickets::reopen_count.eq(0),
            ),
        ))
        .returning(tickets::id)
        .get_result(conn)?;
    let ticket = by_id(conn, id)?;
    if !ticket.notes.is_empty() {
        revisions::keep(conn, &ticket, agent, now)?;
    }
    count(conn, agent.account_id, None, Some(Status::New))?;
    history::record(conn, id, agent, EventKind::Created, ("", ""), now)?;
    search::reindex(conn, &ticket)?;
    Ok(Made::Ticket(number))
}

fn already_made(conn: &mut Connection, account_id: i64, new: &NewTicket) -> Result<Option<Made>> {
    let same: Option<(i64, String)> = tickets::table
        .filter(tickets::account_id.eq(account_id))
        .filter(tickets::request_id.eq(&new.request_id))
        .select((tickets::number, tickets::request_digest))
        .first(conn)
        .optional()?;
    if let Some((number, digest)) = same {
        let is_same = digest == new.digest();
        return Ok(Some(if is_same { Made::Ticket(number) } else { Made::RequestUsed(number) }));
    }
    let Some(source) = new.source.as_ref().filter(|_| !new.another) else { return Ok(None) };
    let others = of_source(conn, account_id, source)?;
    Ok((!others.is_empty()).then_some(Made::SourceHasTickets(others)))
}

/// Whether a source is a conversation or submission of this account.
fn is_here(conn: &mut Connection, account_id: i64, source: &Source) -> Result<bool> {
    match source.kind {
        SourceKind::Chat => conversations::store::exists(conn, account_id, &source.id),
        SourceKind::Form => submissions::store::exists(conn, account_id, &source.id),
    }
}

/// The tickets that were made from a source, oldest first, without those in the trash.
///
/// # Errors
/// When the database fails.
pub fn of_source(conn: &mut Connection, account_id: i64, source: &Source) -> Result<Vec<TicketRef>> {
    Ok(tickets::table
        .filter(tickets::account_id.eq(account_id))
        .filter(tickets::source_kind.eq(source.kind.as_str()))
        .filter(tickets::source_id.eq(source.id.as_str()))
        .filter(tickets::deleted_at.is_null())
        .order(tickets::number)
        .limit(20)
        .select((tickets::number, tickets::title, tickets::status))
        .load(conn)?)
}

/// Notes on the open tickets of a conversation that its visitor wrote again after
/// it had been closed, which brings them to the top of the list.
///
/// # Errors
/// When the database fails.
pub fn visitor_returned(
    conn: &mut Connection,
    account_id: i64,
    conversation_id: &str,
    visitor: &str,
    now: NaiveDateTime,
) -> Result<()> {
    let ids: Vec<i64> = tickets::table
        .filter(tickets::account_id.eq(account_id))
        .filter(tickets::source_kind.eq(SourceKind::Chat.as_str()))
        .filter(tickets::source_id.eq(conversation_id))
        .filter(tickets::status.ne(Status::Closed.as_str()))
        .filter(tickets::deleted_at.is_null())
        .order(tickets::id)
        .select(tickets::id)
        .load(conn)?;
    for id in ids {
        diesel::update(tickets::table.find(id)).set(tickets::updated_at.eq(now)).execute(conn)?;
        history::record_of(conn, (account_id, id), visitor, EventKind::Returned, ("", ""), now)?;
    }
    Ok(())
}

/// A ticket of the account, unless it is in the trash.
///
/// # Errors
/// *Not found*, also for those of other accounts.
pub fn find(conn: &mut Connection, account_id: i64, number: i64) -> Result<Ticket> {
    let ticket = find_anywhere(conn, account_id, number)?;
    if ticket.deleted_at.is_some() {
        return Err(Error::new(Kind::NotFound, "That ticket is in the trash. Restore it there to open it."));
    }
    Ok(ticket)
}

/// A ticket of the account, in the trash or not.
///
/// # Errors
/// *Not found*, also for those of other accounts.
pub fn find_anywhere(conn: &mut Connection, account_id: i64, number: i64) -> Result<Ticket> {
    Ok(tickets::table.filter(tickets::account_id.eq(account_id)).filter(tickets::number.eq(number)).first(conn)?)
}

/// The same ticket, locked until the transaction ends, for a change.
///
/// # Errors
/// *Not found*, also for those of other accounts and in the trash.
pub fn lock(conn: &mut Connection, account_id: i64, number: i64) -> Result<Ticket> {
    // Writing a row takes its lock on both engines.
    let row = tickets::table.filter(tickets::account_id.eq(account_id)).filter(tickets::number.eq(number));
    diesel::update(row).set(tickets::updated_at.eq(tickets::updated_at)).execute(conn)?;
    find(conn, account_id, number)
}

fn by_id(conn: &mut Connection, id: i64) -> Result<Ticket> {
    Ok(tickets::table.find(id).first(conn)?)
}

/// Notes that a ticket has changed now, and makes it found by what it is now.
///
/// # Errors
/// When the database fails.
pub fn touch(conn: &mut Connection, ticket: &Ticket, now: NaiveDateTime) -> Result<()> {
    diesel::update(tickets::table.find(ticket.id)).set(tickets::updated_at.eq(now)).execute(conn)?;
    let ticket = by_id(conn, ticket.id)?;
    search::reindex(conn, &ticket)
}

/// Gives a ticket another title.
///
/// # Errors
/// *Not found* when it is out of reach.
pub fn set_title(conn: &mut Connection, agent: &Agent, number: i64, title: &Title, now: NaiveDateTime) -> Result<()> {
    let ticket = lock(conn, agent.account_id, number)?;
    if ticket.title == title.as_str() {
        return Ok(());
    }
    diesel::update(tickets::table.find(ticket.id)).set(tickets::title.eq(title.as_str())).execute(conn)?;
    history::record(conn, ticket.id, agent, EventKind::Title, (&ticket.title, title.as_str()), now)?;
    touch(conn, &ticket, now)
}

/// Moves a ticket to a status. `from` is what the page showed, if it said so.
///
/// # Errors
/// *Conflict*, naming who changed it, when `from` is no longer true; *not found*
/// when it is out of reach.
pub fn set_status(
    conn: &mut Connection,
    agent: &Agent,
    number: i64,
    to: Status,
    from: Option<Status>,
    now: NaiveDateTime,
) -> Result<()> {
    let ticket = lock(conn, agent.account_id, number)?;
    let current = ticket.status();
    if current == to {
        return Ok(());
    }
    if from.is_some_and(|from| from != current) {
        let by = history::last_of(conn, ticket.id, EventKind::Status)?.map(|event| event.actor_name);
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
        .set((
            tickets::status.eq(to.as_str()),
            tickets::updated_at.eq(now),
            tickets::closed_at.eq(times.closed_at),
            tickets::first_closed_at.eq(times.first_closed_at),
            tickets::reopen_count.eq(times.reopen_count),
        ))
        .execute(conn)?;
    count(conn, agent.account_id, Some(current), Some(to))?;
    history::record(conn, ticket.id, agent, EventKind::Status, (current.label(), to.label()), now)
}

/// Gives a ticket to somebody, or to nobody, and returns it as it was before.
///
/// # Errors
/// *Invalid* when nobody of the account has that id; *not found* when the
/// ticket is out of reach.
pub fn set_assignee(
    conn: &mut Connection,
    agent: &Agent,
    number: i64,
    assignee: Option<i64>,
    now: NaiveDateTime,
) -> Result<Ticket> {
    let ticket = lock(conn, agent.account_id, number)?;
    if ticket.assignee_id == assignee {
        return Ok(ticket);
    }
    let mut name_of = |id: Option<i64>| -> Result<String> {
        let Some(id) = id else { return Ok(String::new()) };
        let found = users::table
            .filter(users::account_id.eq(agent.account_id))
            .filter(users::id.eq(id))
            .select((users::name, users::role, users::disabled_at))
            .first::<(String, String, Option<NaiveDateTime>)>(conn)
            .optional()?;
        match found {
            // Who has left or only looks on may have had it, but gets it no more.
            Some((name, role, None)) if role != Role::Viewer.as_str() => Ok(name),
            Some((name, ..)) if Some(id) != assignee => Ok(name),
            _ => Err(Error::invalid("Nobody in your team can take that ticket under that id.")),
        }
    };
    let (old, new) = (name_of(ticket.assignee_id)?, name_of(assignee)?);
    diesel::update(tickets::table.find(ticket.id))
        .set((
            tickets::assignee_id.eq(assignee),
            tickets::updated_at.eq(now),
            tickets::assigned_at.eq(now),
            tickets::assigned_by.eq(&agent.name),
            tickets::assigned_by_user.eq(Some(agent.id).filter(|_| !agent.is_program())),
        ))
        .execute(conn)?;
    history::record(conn, ticket.id, agent, EventKind::Assignee, (&old, &new), now)?;
    Ok(ticket)
}

/// Puts a ticket into the trash.
///
/// # Errors
/// *Not found* when it is out of reach or there already.
pub fn delete(conn: &mut Connection, agent: &Agent, number: i64, now: NaiveDateTime) -> Result<()> {
    let ticket = lock(conn, agent.account_id, number)?;
    diesel::update(tickets::table.find(ticket.id)).set(tickets::deleted_at.eq(now)).execute(conn)?;
    count(conn, agent.account_id, Some(ticket.status()), None)?;
    history::record(conn, ticket.id, agent, EventKind::Deleted, ("", ""), now)?;
    Ok(dialect::forget_terms(conn, Index::Tickets, ticket.id)?)
}

/// Takes a ticket out of the trash. One that is not there is left alone.
///
/// # Errors
/// *Not found* when it is out of reach.
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
    count(conn, agent.account_id, None, Some(ticket.status()))?;
    history::record(conn, ticket.id, agent, EventKind::Restored, ("", ""), now)?;
    search::reindex(conn, &ticket)
}

/// Keeps the counts by status, always in the same order, so that two
/// transactions cannot wait for each other.
pub(crate) fn count(conn: &mut Connection, account_id: i64, from: Option<Status>, to: Option<Status>) -> Result<()> {
    let mut changes: Vec<(&str, i64)> =
        from.map(|status| (status.as_str(), -1)).into_iter().chain(to.map(|status| (status.as_str(), 1))).collect();
    changes.sort_unstable();
    for (status, change) in changes {
        diesel::update(ticket_counts::table.find((account_id, status)))
            .set(ticket_counts::count.eq(ticket_counts::count + change))
            .execute(conn)?;
    }
    Ok(())
}

/// The same as [`lock`] for upkeep, which wants to know whether it is there.
///
/// # Errors
/// When the database fails.
pub fn lock_if_there(conn: &mut Connection, account_id: i64, number: i64) -> Result<Option<Ticket>> {
    match lock(conn, account_id, number) {
        Ok(ticket) => Ok(Some(ticket)),
        Err(error) if error.kind == Kind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Tickets of all accounts that lists show, in the order of their ids, after one of them.
///
/// # Errors
/// When the database fails.
pub fn listed_after(conn: &mut Connection, id: i64, limit: i64) -> Result<Vec<Ticket>> {
    Ok(tickets::table
        .filter(tickets::id.gt(id))
        .filter(tickets::deleted_at.is_null())
        .order(tickets::id)
        .limit(limit)
        .load(conn)?)
}

/// Compares an account's counters with its tickets, tells each difference and,
/// with `repair`, mends it. The account must be locked.
///
/// # Errors
/// When the database fails.
pub fn recount(conn: &mut Connection, account_id: i64, repair: bool) -> Result<Vec<String>> {
    let mut wrong = Vec::new();
    // In the order in which those who change them take them.
    let mut statuses = Status::ALL;
    statuses.sort_unstable_by_key(|status| status.as_str());
    for status in statuses {
        let counter = ticket_counts::table.find((account_id, status.as_str()));
        // Writing the counter makes those who are about to change it wait.
        diesel::update(counter).set(ticket_counts::count.eq(ticket_counts::count)).execute(conn)?;
        let there: i64 = tickets::table
            .filter(tickets::account_id.eq(account_id))
            .filter(tickets::status.eq(status.as_str()))
            .filter(tickets::deleted_at.is_null())
            .count()
            .get_result(conn)?;
        let counted: i64 = counter.select(ticket_counts::count).first(conn)?;
        if counted != there {
            wrong.push(format!("{there} tickets are {}, counted are {counted}", status.as_str()));
            if repair {
                diesel::update(counter).set(ticket_counts::count.eq(there)).execute(conn)?;
            }
        }
    }
    let account = accounts::table.find(account_id);
    let last: i64 = account.select(accounts::last_ticket_number).first(conn)?;
    let highest: Option<i64> = tickets::table
        .filter(tickets::account_id.eq(account_id))
        .select(diesel::dsl::max(tickets::number))
        .first(conn)?;
    if let Some(highest) = highest.filter(|highest| *highest > last) {
        wrong.push(format!("ticket #{highest} is there, but the last number given is said to be {last}"));
        if repair {
            diesel::update(account).set(accounts::last_ticket_number.eq(highest)).execute(conn)?;
        }
    }
    Ok(wrong)
}
