//! What a ticket counts for in reports.

use crate::db::Connection;
use crate::db::schema::{tags, ticket_tags, tickets};
use crate::error::Result;
use crate::figures;
use crate::figures::{Dimension, Measure, Subject, Tally};
use crate::tickets::source::SourceKind;
use crate::tickets::status::Status;
use crate::tickets::ticket::{Ticket, if_there, lock};
use chrono::NaiveDateTime;
use diesel::prelude::*;
use std::collections::HashMap;

/// Under which keys, beside its tags.
fn keys(ticket: &Ticket) -> Vec<(Dimension, i64)> {
    let source = match ticket.source_kind {
        None => 0,
        Some(SourceKind::Chat) => 1,
        Some(SourceKind::Form) => 2,
    };
    vec![
        (Dimension::All, 0),
        (Dimension::Source, source),
        (Dimension::Assignee, ticket.assignee_id.unwrap_or_default()),
    ]
}

fn tally(ticket: &Ticket, keys: Vec<(Dimension, i64)>) -> Tally {
    if ticket.deleted_at.is_some() {
        return Tally::default();
    }
    let now = if ticket.status == Status::Closed { Measure::ClosedNow } else { Measure::OpenNow };
    let mut counted = vec![(now, None, 0), (Measure::Opened, Some(ticket.created_at), 0)];
    counted.extend(ticket.reopened_at.map(|at| (Measure::Reopened, Some(at), 0)));
    if let (Some(at), Some(seconds)) = (ticket.closed_at, ticket.resolution_seconds()) {
        counted.push((Measure::Resolution, Some(at), seconds));
        counted.push((Measure::OpenTime, Some(at), ticket.open_seconds));
    }
    Tally { keys, counted }
}

fn whole(ticket: &Ticket, tags: &[i64]) -> Tally {
    let tags = tags.iter().map(|tag| (Dimension::Tag, *tag));
    tally(ticket, keys(ticket).into_iter().chain(tags).collect())
}

fn tags_of(conn: &mut Connection, ticket_id: i64) -> Result<Vec<i64>> {
    Ok(ticket_tags::table.filter(ticket_tags::ticket_id.eq(ticket_id)).select(ticket_tags::tag_id).load(conn)?)
}

/// Counts a new ticket, which has no tags.
pub(super) fn added(conn: &mut Connection, ticket: &Ticket) -> Result<()> {
    let subject = Subject::Ticket(ticket.id);
    figures::change(conn, ticket.account_id, subject, &Tally::default(), &whole(ticket, &[]))
}

/// Counts a change of a ticket's status or assignee, or its way to the trash or back.
pub(super) fn changed(conn: &mut Connection, before: &Ticket, after: &Ticket, now: NaiveDateTime) -> Result<()> {
    let tags = tags_of(conn, before.id)?;
    let subject = Subject::Ticket(before.id);
    figures::change(conn, before.account_id, subject, &whole(before, &tags), &whole(after, &tags))?;
    if !tags.is_empty() {
        diesel::update(tags::table.filter(tags::id.eq_any(tags))).set(tags::last_at.eq(now)).execute(conn)?;
    }
    Ok(())
}

/// Counts no more a ticket that is at the end of its time in the trash.
pub(super) fn expired(conn: &mut Connection, ticket: &Ticket) -> Result<()> {
    let tags = tags_of(conn, ticket.id)?;
    figures::change(conn, ticket.account_id, Subject::Ticket(ticket.id), &whole(ticket, &tags), &Tally::default())
}

/// Counts that a tag was added or removed.
pub(super) fn tagged(
    conn: &mut Connection,
    ticket: &Ticket,
    tag: i64,
    is_added: bool,
    now: NaiveDateTime,
) -> Result<()> {
    let (without, with) = (Tally::default(), tally(ticket, vec![(Dimension::Tag, tag)]));
    let (before, after) = if is_added { (&without, &with) } else { (&with, &without) };
    figures::change(conn, ticket.account_id, Subject::Ticket(ticket.id), before, after)?;
    diesel::update(tags::table.find(tag)).set(tags::last_at.eq(now)).execute(conn)?;
    Ok(())
}

/// What the next tickets of an account after an id count for, which are locked until the
/// transaction ends, and the last of their ids.
pub fn tallies(
    conn: &mut Connection,
    account_id: i64,
    after: i64,
    limit: i64,
) -> Result<(Vec<Tally>, Option<Subject>)> {
    let numbers: Vec<(i64, i64)> = tickets::table
        .filter(tickets::account_id.eq(account_id))
        .filter(tickets::id.gt(after))
        .order(tickets::id)
        .limit(limit)
        .select((tickets::id, tickets::number))
        .load(conn)?;
    let mut locked = Vec::new();
    for (_, number) in &numbers {
        locked.extend(if_there(lock(conn, account_id, *number))?);
    }
    Ok((of_many(conn, &locked)?, numbers.last().map(|(id, _)| Subject::Ticket(*id))))
}

/// What tickets count for.
fn of_many(conn: &mut Connection, tickets: &[Ticket]) -> Result<Vec<Tally>> {
    let ids: Vec<i64> = tickets.iter().map(|ticket| ticket.id).collect();
    let mut tags: HashMap<i64, Vec<i64>> = HashMap::new();
    if !ids.is_empty() {
        let rows: Vec<(i64, i64)> = ticket_tags::table.filter(ticket_tags::ticket_id.eq_any(ids)).load(conn)?;
        for (ticket, tag) in rows {
            tags.entry(ticket).or_default().push(tag);
        }
    }
    Ok(tickets.iter().map(|ticket| whole(ticket, tags.get(&ticket.id).map_or(&[], Vec::as_slice))).collect())
}

/// Counts new tickets, the last one last.
pub fn count_new(conn: &mut Connection, tickets: &[Ticket]) -> Result<()> {
    let Some(last) = tickets.last() else { return Ok(()) };
    let tallies = of_many(conn, tickets)?;
    figures::count_new(conn, last.account_id, &tallies, Subject::Ticket(last.id))
}
