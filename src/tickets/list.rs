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
use diesel::dsl::{exists, not};
use diesel::prelude::*;
use diesel::sql_types::Bool;
use serde::Deserialize;

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

/// One page of the account's tickets. With words, the newest created come first.
pub fn page(conn: &mut Connection, account_id: i64, filter: &Filter) -> Result<Page<Ticket>> {
    let (conditions, terms) = operators::parse(&filter.q, filter.searcher)?;
    if terms.is_empty() && conditions.is_empty() && !filter.q.is_empty() {
        // Only punctuation: no ticket matches.
        return Ok(Page::empty());
    }
    if !terms.is_empty() && search::is_built(conn)? {
        return found(conn, account_id, filter, &conditions, &terms);
    }
    let mut query = narrowed(conn, account_id, filter, &conditions)?;
    if !terms.is_empty() {
        query = query.filter(index::matches_terms(conn, Index::Tickets, account_id, &terms));
    }
    let query = match filter.sort {
        Sort::Updated => keyset!(query, filter.window, tickets::updated_at, tickets::id),
        Sort::Created => keyset!(query, filter.window, tickets::created_at, tickets::id),
        Sort::Closed => {
            keyset!(query.filter(tickets::closed_at.is_not_null()), filter.window, tickets::closed_at, tickets::id)
        }
    };
    let rows = query.load(conn)?;
    still_wanted()?;
    Ok(Page::new(rows, filter.window, |ticket| filter.cursor(ticket)))
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
