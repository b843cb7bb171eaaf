//! Lists of tickets: filters, sort orders and counts.

use crate::db::fixed::Fixed;
use crate::db::index::Index;
use crate::db::schema::{tags, ticket_counts, ticket_tags, tickets};
use crate::db::{Connection, MultiBackend, index, still_wanted};
use crate::error::Result;
use crate::tickets::source::SourceKind;
use crate::tickets::status::Status;
use crate::tickets::tags::parse_tag;
use crate::tickets::ticket::Ticket;
use crate::values::page::{Cursor, Page, Place, Window};
use crate::values::text;
use crate::{keyset, search};
use chrono::NaiveDateTime;
use diesel::prelude::*;
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

/// Which statuses a list shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Statuses {
    /// New and in progress.
    Open,
    Only(Status),
    All,
}

impl Statuses {
    /// The word used in URLs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Only(status) => status.as_str(),
            Self::All => "all",
        }
    }
}

/// Whose tickets a list shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Assignee {
    Any,
    /// Unassigned tickets.
    Nobody,
    User(i64),
}

/// Which source the tickets of a list come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum From {
    Any,
    /// Tickets without a source.
    Nothing,
    Kind(SourceKind),
}

impl From {
    /// The word used in URLs; empty for any source.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Any => "",
            Self::Nothing => "none",
            Self::Kind(SourceKind::Chat) => "chat",
            Self::Kind(SourceKind::Form) => "form",
        }
    }
}

/// The sort order of a list, always newest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sort {
    /// By the last change.
    Updated,
    /// By creation.
    Created,
    /// By the latest close; open tickets are not listed.
    Closed,
}

impl Sort {
    /// The word used in URLs; empty for the usual order.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Updated => "",
            Self::Created => "created",
            Self::Closed => "closed",
        }
    }

    /// The time of a ticket by which the list is sorted.
    pub fn time(self, ticket: &Ticket) -> NaiveDateTime {
        match self {
            Self::Updated => ticket.updated_at,
            Self::Created => ticket.created_at,
            Self::Closed => ticket.closed_at.unwrap_or(ticket.updated_at),
        }
    }
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
}

/// How many tickets a page checks again in one request.
const MAX_ONLY: usize = 50;

impl Filter {
    /// Parses a query; `me` is the current user. A search without a status covers all
    /// statuses.
    pub fn new(query: &Query, me: Option<i64>) -> Self {
        let q = query.q.trim().to_owned();
        let statuses = match query.status.as_str() {
            "all" => Statuses::All,
            "" if !q.is_empty() => Statuses::All,
            word => word.parse().map_or(Statuses::Open, Statuses::Only),
        };
        let assignee = match query.assignee.as_str() {
            "" => Assignee::Any,
            "me" => me.map_or(Assignee::Any, Assignee::User),
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
        Self { statuses, q, tag, assignee, from, sort, window, only }
    }

    fn cursor(&self, ticket: &Ticket) -> Cursor {
        Cursor { at: self.sort.time(ticket), id: ticket.id }
    }
}

type Boxed<'a> = tickets::BoxedQuery<'a, MultiBackend>;

/// One page of the account's tickets.
pub fn page(conn: &mut Connection, account_id: i64, filter: &Filter) -> Result<Page<Ticket>> {
    let query = narrowed(conn, account_id, filter)?;
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

fn narrowed<'a>(conn: &Connection, account_id: i64, filter: &'a Filter) -> Result<Boxed<'a>> {
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
        let tagged = ticket_tags::table
            .inner_join(tags::table)
            .filter(tags::account_id.eq(account_id))
            .filter(tags::name.eq(&filter.tag))
            .select(ticket_tags::ticket_id);
        query = query.filter(tickets::id.eq_any(tagged));
    }
    let phrases = search::parse(account_id, &filter.q)?;
    if !phrases.is_empty() {
        query = query.filter(index::matches_terms(conn, Index::Tickets, &phrases));
    } else if !filter.q.is_empty() {
        // Only punctuation: no ticket matches.
        query = query.filter(Fixed("1 = 0"));
    }
    Ok(query)
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
