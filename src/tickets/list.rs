//! Lists of tickets: one page, from a place on.

use crate::clock::EXPIRED;
use crate::db::fixed::{Fixed, WithoutIndex};
use crate::db::index::Index;
use crate::db::schema::tickets;
use crate::db::{Connection, MultiBackend, index, still_wanted};
use crate::error::Result;
use crate::keyset;
use crate::search::Term;
use crate::tickets::conditions::narrowed;
use crate::tickets::filter::{Assignee, From, Sort, Statuses};
use crate::tickets::find as words;
use crate::tickets::line::{COLUMNS, Line, ordered};
use crate::tickets::operators::Condition;
use crate::tickets::query::{Filter, Parsed};
use crate::tickets::{bounded, in_order, search};
use crate::values::page::{Cursor, Page, Place, Window};
use diesel::prelude::*;
use std::collections::HashMap;

/// A page of a list.
#[derive(Default)]
pub struct Found {
    pub page: Page<Line>,
    /// The words that the list was searched for.
    pub terms: Vec<Term>,
    /// The rows of the index that have them, by ticket.
    pub rows: HashMap<i64, i64>,
}

/// One page of the account's tickets. With words, the newest created come first.
///
/// # Errors
/// *Invalid* when the words cannot be searched for.
pub fn find(conn: &mut Connection, account_id: i64, filter: &Filter) -> Result<Found> {
    let parsed = filter.parsed()?;
    let Parsed { filter, conditions, terms, is_nothing } = &parsed;
    let mut rows = HashMap::new();
    let page = if *is_nothing {
        Page::default()
    } else if !terms.is_empty() && search::is_built(conn)? {
        with_words(conn, account_id, &parsed, &mut rows)?
    } else if terms.is_empty() && filter.only.is_empty() && !has_index(filter, conditions) {
        bounded::page(conn, account_id, filter, conditions)?
    } else {
        let mut query = narrowed(conn, account_id, None, filter, conditions)?;
        if !terms.is_empty() {
            query = query.filter(index::matches_terms(conn, Index::Tickets, account_id, terms));
        }
        let lines: Vec<Line> = in_order!(query, filter.sort, filter.window).select(COLUMNS).load(conn)?;
        still_wanted()?;
        Page::new(lines, filter.window, |line| filter.cursor(line))
    };
    Ok(Found { page, terms: parsed.terms, rows })
}

/// The page alone.
pub fn page(conn: &mut Connection, account_id: i64, filter: &Filter) -> Result<Page<Line>> {
    Ok(find(conn, account_id, filter)?.page)
}

/// Whether one index has the tickets that a filter shows, in its order.
fn has_index(filter: &Filter, conditions: &[Condition]) -> bool {
    let choices = [filter.statuses != Statuses::All, filter.assignee != Assignee::Any, filter.from != From::Any];
    filter.tag.is_empty() && conditions.is_empty() && choices.into_iter().filter(|is_set| *is_set).count() <= 1
}

/// How many tickets with the words are checked against the filter at once.
const CHECKED: usize = 128;

/// One page of the tickets that have the words. Adds a row of the index for each of them.
fn with_words(
    conn: &mut Connection,
    account_id: i64,
    parsed: &Parsed,
    index_rows: &mut HashMap<i64, i64>,
) -> Result<Page<Line>> {
    let Parsed { filter, conditions, terms, .. } = parsed;
    if !filter.only.is_empty() {
        let mut rows: Vec<Line> = narrowed(conn, account_id, None, filter, conditions)?.select(COLUMNS).load(conn)?;
        rows.sort_by_key(|ticket| std::cmp::Reverse(ticket.id));
        let mut kept = Vec::new();
        for ticket in rows {
            if words::has(conn, account_id, terms, ticket.id)? {
                kept.push(ticket);
            }
        }
        return Ok(Page { rows: kept, newer: None, older: None });
    }
    let (from, is_rising) = match filter.window.place {
        Place::First => (words::From::Newest, false),
        Place::After(cursor) => (words::From::Before(cursor.id), false),
        Place::Before(cursor) => (words::From::After(cursor.id), true),
    };
    let mut rows: Vec<Line> = Vec::new();
    let most = filter.window.size + 1;
    let rest = words::find(conn, account_id, terms, from, most, |conn, hits| {
        for hits in hits.chunks(CHECKED) {
            still_wanted()?;
            let ids: Vec<i64> = hits.iter().map(|(id, _)| *id).collect();
            let query = narrowed(conn, account_id, Some(&ids), filter, conditions)?;
            let lines: Vec<Line> = query.select(COLUMNS).load(conn)?;
            rows.extend(ordered(lines, &ids).take(most - rows.len()));
            index_rows.extend(hits.iter().copied());
            if rows.len() == most {
                break;
            }
        }
        Ok(most - rows.len())
    })?;
    let mut page = Page::new(rows, filter.window, |ticket| filter.cursor(ticket));
    if let Some(id) = rest {
        // It has read its share, but there may be more.
        let cursor = Some(Cursor { at: EXPIRED, id });
        if is_rising { page.newer = cursor } else { page.older = cursor }
    }
    Ok(page)
}

/// The newest tickets of these contacts.
pub fn of_contacts(conn: &mut Connection, account_id: i64, contacts: &[i64], limit: i64) -> Result<Vec<Line>> {
    Ok(tickets::table
        .filter(tickets::contact_id.eq_any(contacts))
        .filter(WithoutIndex(tickets::account_id).eq(account_id))
        .filter(tickets::deleted_at.is_null())
        .order((tickets::created_at.desc(), tickets::id.desc()))
        .limit(limit)
        .select(COLUMNS)
        .load(conn)?)
}

/// The open tickets that were created first.
pub fn oldest_open(conn: &mut Connection, account_id: i64, limit: i64) -> Result<Vec<Line>> {
    Ok(tickets::table
        .filter(tickets::account_id.eq(account_id))
        .filter(tickets::deleted_at.is_null())
        .filter(Fixed("tickets.status <> 'closed'"))
        .order((tickets::created_at, tickets::id))
        .limit(limit)
        .select(COLUMNS)
        .load(conn)?)
}

/// The tickets in the trash, most recently deleted first.
pub fn trash(conn: &mut Connection, account_id: i64, window: Window) -> Result<Page<Line>> {
    let query = tickets::table
        .filter(tickets::account_id.eq(account_id))
        .filter(tickets::deleted_at.is_not_null())
        .into_boxed::<MultiBackend>();
    let rows = keyset!(query, window, tickets::deleted_at, tickets::id).select(COLUMNS).load(conn)?;
    Ok(Page::new(rows, window, |ticket: &Line| Cursor {
        at: ticket.deleted_at.unwrap_or(ticket.updated_at),
        id: ticket.id,
    }))
}
