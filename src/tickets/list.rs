//! Lists of tickets: filters, sort orders and counts.

use crate::accounts::user;
use crate::clock::EXPIRED;
use crate::db::fixed::Fixed;
use crate::db::index::Index;
use crate::db::schema::{attachments, tags, ticket_counts, ticket_tags, tickets};
use crate::db::{Connection, MultiBackend, index, still_wanted};
use crate::error::Result;
use crate::keyset;
use crate::search::{Term, fold};
use crate::tickets::filter::{Assignee, From, Sort, Statuses};
use crate::tickets::operators::{self, Condition, Searcher, Wanted};
use crate::tickets::source::SourceKind;
use crate::tickets::status::Status;
use crate::tickets::tags::parse_tag;
use crate::tickets::ticket::Ticket;
use crate::tickets::{find, search};
use crate::values::page::{Cursor, Page, Place, Window};
use crate::values::text;
use chrono::NaiveDateTime;
use diesel::dsl::{exists, not};
use diesel::prelude::*;
use diesel::sql_types::Bool;
use serde::Deserialize;
use std::collections::{HashMap, HashSet};

/// The query parameters of a URL, before parsing.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Query {
    pub status: String,
    pub q: String,
    pub tag: String,
    pub assignee: String,
    pub source: String,
    pub sort: String,
    pub after: String,
    pub before: String,
    /// Numbers, separated by commas: only these tickets, if the filter shows them.
    pub only: String,
}

/// What a list shows. Unknown values in a URL fall back to a default.
#[derive(Clone, Debug)]
pub struct Filter {
    pub statuses: Statuses,
    pub q: String,
    pub tag: String,
    pub assignee: Assignee,
    pub from: From,
    pub sort: Sort,
    pub window: Window,
    /// At most [`MAX_ONLY`] numbers; empty for all tickets.
    pub only: Vec<i64>,
    pub searcher: Searcher,
}

/// How many tickets a page checks again in one request.
const MAX_ONLY: usize = 50;

impl Filter {
    /// Parses a query. A search without a status covers all statuses.
    pub fn new(query: &Query, searcher: Searcher) -> Self {
        let q = query.q.trim().to_owned();
        let statuses = match query.status.as_str() {
            "all" => Statuses::All,
            "" if !q.is_empty() => Statuses::All,
            word => word.parse().map_or(Statuses::Open, Statuses::Only),
        };
        let assignee = match query.assignee.as_str() {
            "" => Assignee::Any,
            "me" => searcher.user_id.map_or(Assignee::Any, Assignee::User),
            "none" => Assignee::Nobody,
            id => id.parse().map_or(Assignee::Any, Assignee::User),
        };
        let from = match query.source.as_str() {
            "chat" => From::Kind(SourceKind::Chat),
            "form" => From::Kind(SourceKind::Form),
            "none" => From::Nothing,
            _ => From::Any,
        };
        let sort = match query.sort.as_str() {
            "created" => Sort::Created,
            "closed" => Sort::Closed,
            _ => Sort::Updated,
        };
        // A value that is not a valid tag matches no ticket.
        let tag = parse_tag(&query.tag).unwrap_or_else(|_| text::normalise(query.tag.trim()));
        let only = query.only.split(',').filter_map(|number| number.parse().ok()).take(MAX_ONLY).collect();
        let window = Place::parse(&query.after, &query.before).into();
        Self { statuses, q, tag, assignee, from, sort, window, only, searcher }
    }

    fn cursor(&self, ticket: &Ticket) -> Cursor {
        Cursor { at: self.sort.time(ticket), id: ticket.id }
    }
}

type Boxed<'a> = tickets::BoxedQuery<'a, MultiBackend>;

/// A query in the order of a list, from a place on.
macro_rules! in_order {
    ($query:expr, $sort:expr, $window:expr) => {
        match $sort {
            Sort::Updated => keyset!($query, $window, tickets::updated_at, tickets::id),
            Sort::Created => keyset!($query, $window, tickets::created_at, tickets::id),
            Sort::Closed => {
                keyset!($query.filter(tickets::closed_at.is_not_null()), $window, tickets::closed_at, tickets::id)
            }
        }
    };
}

/// One page of the account's tickets. With words, the newest created come first.
pub fn page(conn: &mut Connection, account_id: i64, filter: &Filter) -> Result<Page<Ticket>> {
    let (conditions, terms) = operators::parse(&filter.q, filter.searcher)?;
    if terms.is_empty() && conditions.is_empty() && !filter.q.is_empty() {
        // Only punctuation: no ticket matches.
        return Ok(Page::empty());
    }
    let (filter, conditions) = &promoted(filter, conditions);
    if !terms.is_empty() && search::is_built(conn)? {
        return found(conn, account_id, filter, conditions, &terms);
    }
    let filters = [
        filter.statuses != Statuses::All,
        filter.assignee != Assignee::Any,
        filter.from != From::Any,
        !filter.tag.is_empty() || !conditions.is_empty(),
    ];
    let has_index = filters.iter().filter(|is_set| **is_set).count() <= 1 && !filters[3];
    if terms.is_empty() && filter.only.is_empty() && !has_index {
        return match few_tagged(conn, account_id, &filter.tag)? {
            Some(ids) => among(conn, account_id, filter, conditions, &ids),
            None => scanned(conn, account_id, filter, conditions),
        };
    }
    let mut query = narrowed(conn, account_id, filter, conditions)?;
    if !terms.is_empty() {
        query = query.filter(index::matches_terms(conn, Index::Tickets, account_id, &terms));
    }
    let rows = in_order!(query, filter.sort, filter.window).load(conn)?;
    still_wanted()?;
    Ok(Page::new(rows, filter.window, |ticket| filter.cursor(ticket)))
}

/// The words that a list is searched for.
///
/// # Errors
/// *Invalid*, as [`page`].
pub fn words(filter: &Filter) -> Result<Vec<Term>> {
    Ok(operators::parse(&filter.q, filter.searcher)?.1)
}

/// Operators that say the same as a filter, as this filter, for which there is an index.
fn promoted(filter: &Filter, conditions: Vec<Condition>) -> (Filter, Vec<Condition>) {
    let mut filter = filter.clone();
    let mut rest = Vec::new();
    for condition in conditions {
        match condition.wanted {
            Wanted::Statuses(statuses) if !condition.is_not && filter.statuses == Statuses::All => {
                filter.statuses = statuses;
            }
            Wanted::Assignee(assignee) if !condition.is_not && filter.assignee == Assignee::Any => {
                filter.assignee = assignee;
            }
            Wanted::Tag(tag) if !condition.is_not && filter.tag.is_empty() => filter.tag = tag,
            Wanted::Number(number) if !condition.is_not && filter.only.is_empty() => filter.only = vec![number],
            wanted => rest.push(Condition { wanted, ..condition }),
        }
    }
    (filter, rest)
}

/// How many entries of an index a page reads before it offers to go on.
const MOST_READ: usize = 5_000;

/// The ids of the tickets with a tag, unless there are too many to read or the tag is empty.
fn few_tagged(conn: &mut Connection, account_id: i64, tag: &str) -> Result<Option<Vec<i64>>> {
    if tag.is_empty() {
        return Ok(None);
    }
    let ids: Vec<i64> = ticket_tags::table
        .inner_join(tags::table)
        .filter(tags::account_id.eq(account_id))
        .filter(tags::name.eq(tag))
        .limit(i64::try_from(MOST_READ + 1).unwrap_or(i64::MAX))
        .select(ticket_tags::ticket_id)
        .load(conn)?;
    Ok(Some(ids).filter(|ids| ids.len() <= MOST_READ))
}

/// One page of the tickets with these ids, as far as the filter shows them.
fn among(
    conn: &mut Connection,
    account_id: i64,
    filter: &Filter,
    conditions: &[Condition],
    ids: &[i64],
) -> Result<Page<Ticket>> {
    let times = (tickets::updated_at, tickets::created_at, tickets::closed_at, tickets::id);
    let query = narrowed(conn, account_id, filter, conditions)?.filter(tickets::id.eq_any(ids)).select(times);
    let rows: Vec<(NaiveDateTime, NaiveDateTime, Option<NaiveDateTime>, i64)> = query.load(conn)?;
    let at = |(updated, created, closed, id): (_, _, _, i64)| {
        let at = match filter.sort {
            Sort::Updated => Some(updated),
            Sort::Created => Some(created),
            Sort::Closed => closed,
        };
        at.map(|at| (at, id))
    };
    let mut keys: Vec<(NaiveDateTime, i64)> = rows.into_iter().filter_map(at).collect();
    keys.sort_unstable();
    let key = |cursor: Cursor| (cursor.at, cursor.id);
    let keys: Vec<(NaiveDateTime, i64)> = match filter.window.place {
        Place::First => keys.into_iter().rev().collect(),
        Place::After(cursor) => keys.into_iter().rev().filter(|one| *one < key(cursor)).collect(),
        Place::Before(cursor) => keys.into_iter().filter(|one| *one > key(cursor)).collect(),
    };
    let wanted: Vec<i64> = keys.into_iter().take(filter.window.size + 1).map(|(_, id)| id).collect();
    Ok(Page::new(in_this_order(conn, &wanted)?, filter.window, |ticket| filter.cursor(ticket)))
}

fn in_this_order(conn: &mut Connection, ids: &[i64]) -> Result<Vec<Ticket>> {
    let rows: Vec<Ticket> = tickets::table.filter(tickets::id.eq_any(ids)).load(conn)?;
    let mut rows: HashMap<i64, Ticket> = rows.into_iter().map(|ticket| (ticket.id, ticket)).collect();
    Ok(ids.iter().filter_map(|id| rows.remove(id)).collect())
}

/// One page of tickets that meet several conditions: reads the index of one of them, and
/// checks the others, up to a bound.
fn scanned(conn: &mut Connection, account_id: i64, filter: &Filter, conditions: &[Condition]) -> Result<Page<Ticket>> {
    let is_rising = matches!(filter.window.place, Place::Before(_));
    let most = filter.window.size + 1;
    let (mut rows, mut window, mut read) = (Vec::new(), Window { size: 127, ..filter.window }, 0);
    let mut rest = None;
    while rows.len() < most {
        still_wanted()?;
        let keys = keys(conn, account_id, filter, window)?;
        let Some(last) = keys.last().copied() else { break };
        let ids: Vec<i64> = keys.iter().map(|key| key.id).collect();
        let query = narrowed(conn, account_id, filter, conditions)?.filter(tickets::id.eq_any(&ids));
        let kept: HashSet<i64> = query.select(tickets::id).load(conn)?.into_iter().collect();
        let wanted: Vec<i64> = ids.into_iter().filter(|id| kept.contains(id)).take(most - rows.len()).collect();
        rows.extend(in_this_order(conn, &wanted)?);
        read += keys.len();
        if keys.len() <= window.size {
            break;
        }
        if read >= MOST_READ && rows.len() < most {
            rest = Some(last);
            break;
        }
        let place = if is_rising { Place::Before(last) } else { Place::After(last) };
        window = Window { place, size: (2 * window.size + 1).min(2_047) };
    }
    let mut page = Page::new(rows, filter.window, |ticket| filter.cursor(ticket));
    if rest.is_some() {
        // It has read its share, but there may be more.
        if is_rising { page.newer = rest } else { page.older = rest }
    }
    Ok(page)
}

/// The next entries of the index that a list with several filters reads.
fn keys(conn: &mut Connection, account_id: i64, filter: &Filter, window: Window) -> Result<Vec<Cursor>> {
    let query =
        tickets::table.filter(tickets::account_id.eq(account_id)).filter(tickets::deleted_at.is_null()).into_boxed();
    let query: Boxed = match (filter.assignee, filter.from, filter.statuses) {
        (Assignee::User(id), ..) => query.filter(tickets::assignee_id.eq(id)),
        (_, From::Kind(kind), _) => query.filter(tickets::source_kind.eq(kind)),
        (Assignee::Nobody, ..) => query.filter(tickets::assignee_id.is_null()),
        (_, From::Nothing, _) => query.filter(tickets::source_kind.is_null()),
        (.., Statuses::Open) => query.filter(Fixed("tickets.status <> 'closed'")),
        (.., Statuses::Only(status)) => query.filter(tickets::status.eq(status)),
        (.., Statuses::All) => query,
    };
    let rows: Vec<(NaiveDateTime, i64)> = match filter.sort {
        Sort::Updated => in_order!(query, filter.sort, window).select((tickets::updated_at, tickets::id)).load(conn)?,
        Sort::Created => in_order!(query, filter.sort, window).select((tickets::created_at, tickets::id)).load(conn)?,
        Sort::Closed => in_order!(query, filter.sort, window)
            .select((tickets::closed_at.assume_not_null(), tickets::id))
            .load(conn)?,
    };
    Ok(rows.into_iter().map(|(at, id)| Cursor { at, id }).collect())
}

/// One page of the tickets that have the words.
fn found(
    conn: &mut Connection,
    account_id: i64,
    filter: &Filter,
    conditions: &[Condition],
    terms: &[Term],
) -> Result<Page<Ticket>> {
    if !filter.only.is_empty() {
        let mut rows: Vec<Ticket> = narrowed(conn, account_id, filter, conditions)?.load(conn)?;
        rows.sort_by_key(|ticket| std::cmp::Reverse(ticket.id));
        let mut kept = Vec::new();
        for ticket in rows {
            if find::has(conn, account_id, terms, ticket.id)? {
                kept.push(ticket);
            }
        }
        return Ok(Page { rows: kept, newer: None, older: None });
    }
    let (from, is_rising) = match filter.window.place {
        Place::First => (find::From::Newest, false),
        Place::After(cursor) => (find::From::Before(cursor.id), false),
        Place::Before(cursor) => (find::From::After(cursor.id), true),
    };
    let mut rows: Vec<Ticket> = Vec::new();
    let most = filter.window.size + 1;
    let rest = find::find(conn, account_id, terms, from, |conn, ids| {
        still_wanted()?;
        let query = narrowed(conn, account_id, filter, conditions)?
            .filter(tickets::id.eq_any(ids))
            .limit(filter.window.limit());
        let query = if is_rising { query.order(tickets::id.asc()) } else { query.order(tickets::id.desc()) };
        rows.extend(query.load::<Ticket>(conn)?);
        rows.truncate(most);
        Ok(rows.len() == most)
    })?;
    let mut page = Page::new(rows, filter.window, |ticket| filter.cursor(ticket));
    if let Some(id) = rest {
        // It has read its share, but there may be more.
        let cursor = Some(Cursor { at: EXPIRED, id });
        if is_rising { page.newer = cursor } else { page.older = cursor }
    }
    Ok(page)
}

/// The tickets that a filter shows, whatever their words.
fn narrowed<'a>(
    conn: &mut Connection,
    account_id: i64,
    filter: &'a Filter,
    conditions: &[Condition],
) -> Result<Boxed<'a>> {
    let mut query =
        tickets::table.filter(tickets::account_id.eq(account_id)).filter(tickets::deleted_at.is_null()).into_boxed();
    query = match filter.statuses {
        Statuses::All => query,
        // A literal, because the partial index is not used with a bound parameter.
        Statuses::Open => query.filter(Fixed("tickets.status <> 'closed'")),
        Statuses::Only(status) => query.filter(tickets::status.eq(status)),
    };
    query = match filter.assignee {
        Assignee::Any => query,
        Assignee::Nobody => query.filter(tickets::assignee_id.is_null()),
        Assignee::User(id) => query.filter(tickets::assignee_id.eq(id)),
    };
    query = match filter.from {
        From::Any => query,
        From::Nothing => query.filter(tickets::source_kind.is_null()),
        From::Kind(kind) => query.filter(tickets::source_kind.eq(kind)),
    };
    if !filter.only.is_empty() {
        query = query.filter(tickets::number.eq_any(&filter.only));
    }
    if !filter.tag.is_empty() {
        query = query.filter(is_tagged(account_id, filter.tag.clone()));
    }
    for Condition { is_not, wanted } in conditions {
        let condition = condition(conn, account_id, wanted)?;
        query = if *is_not { query.filter(not(condition)) } else { query.filter(condition) };
    }
    Ok(query)
}

/// A condition that is never unknown, so that it can be turned round.
type Boolean = Box<dyn BoxableExpression<tickets::table, MultiBackend, SqlType = Bool>>;

macro_rules! within {
    ($at:expr, $span:expr) => {
        match ($span.from, $span.until) {
            (Some(from), Some(until)) => Box::new($at.ge(from).and($at.lt(until))) as Boolean,
            (Some(from), None) => Box::new($at.ge(from)),
            (None, Some(until)) => Box::new($at.lt(until)),
            (None, None) => Box::new(Fixed("1 = 1")),
        }
    };
}

fn condition(conn: &mut Connection, account_id: i64, wanted: &Wanted) -> Result<Boolean> {
    Ok(match wanted {
        Wanted::Statuses(Statuses::All) => Box::new(Fixed("1 = 1")),
        Wanted::Statuses(Statuses::Open) => Box::new(Fixed("tickets.status <> 'closed'")),
        Wanted::Statuses(Statuses::Only(status)) => Box::new(tickets::status.eq(*status)),
        Wanted::Tag(name) => is_tagged(account_id, name.clone()),
        Wanted::Assignee(Assignee::Any) => Box::new(tickets::assignee_id.is_not_null()),
        Wanted::Assignee(Assignee::Nobody) => Box::new(tickets::assignee_id.is_null()),
        Wanted::Assignee(Assignee::User(id)) => is_assigned(vec![*id]),
        Wanted::AssigneeNamed(name) => {
            let name = fold(name);
            let team = user::members(conn, account_id)?;
            is_assigned(team.iter().filter(|user| fold(&user.name).contains(&name)).map(|user| user.id).collect())
        }
        Wanted::Files => Box::new(exists(
            attachments::table
                .filter(attachments::ticket_id.eq(tickets::id))
                .filter(attachments::state.eq("ready"))
                .filter(attachments::deleted_at.is_null()),
        )),
        Wanted::Created(span) => within!(tickets::created_at, span),
        Wanted::Closed(span) => {
            let inside: Boolean = within!(tickets::closed_at.assume_not_null(), span);
            Box::new(tickets::closed_at.is_not_null().and(inside))
        }
        Wanted::Number(number) => Box::new(tickets::number.eq(*number)),
    })
}

fn is_tagged(account_id: i64, name: String) -> Boolean {
    let tagged = ticket_tags::table
        .inner_join(tags::table)
        .filter(tags::account_id.eq(account_id))
        .filter(tags::name.eq(name))
        .select(ticket_tags::ticket_id);
    Box::new(tickets::id.eq_any(tagged))
}

fn is_assigned(users: Vec<i64>) -> Boolean {
    Box::new(tickets::assignee_id.is_not_null().and(tickets::assignee_id.assume_not_null().eq_any(users)))
}

/// The number of tickets in each status, excluding the trash.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub new: i64,
    pub in_progress: i64,
    pub closed: i64,
}

impl Counts {
    /// The number of tickets in a list of these statuses.
    pub fn of(self, statuses: Statuses) -> i64 {
        match statuses {
            Statuses::Open => self.new + self.in_progress,
            Statuses::Only(Status::New) => self.new,
            Statuses::Only(Status::InProgress) => self.in_progress,
            Statuses::Only(Status::Closed) => self.closed,
            Statuses::All => self.new + self.in_progress + self.closed,
        }
    }
}

/// Reads the stored counts.
pub fn counts(conn: &mut Connection, account_id: i64) -> Result<Counts> {
    let rows: Vec<(String, i64)> = ticket_counts::table
        .filter(ticket_counts::account_id.eq(account_id))
        .select((ticket_counts::status, ticket_counts::count))
        .load(conn)?;
    let of = |status: Status| rows.iter().find(|(word, _)| word == status.as_str()).map_or(0, |(_, count)| *count);
    Ok(Counts { new: of(Status::New), in_progress: of(Status::InProgress), closed: of(Status::Closed) })
}

/// The tickets in the trash, most recently deleted first.
pub fn trash(conn: &mut Connection, account_id: i64, window: Window) -> Result<Page<Ticket>> {
    let query = tickets::table
        .filter(tickets::account_id.eq(account_id))
        .filter(tickets::deleted_at.is_not_null())
        .into_boxed::<MultiBackend>();
    let rows = keyset!(query, window, tickets::deleted_at, tickets::id).load(conn)?;
    Ok(Page::new(rows, window, |ticket: &Ticket| Cursor {
        at: ticket.deleted_at.unwrap_or(ticket.updated_at),
        id: ticket.id,
    }))
}
