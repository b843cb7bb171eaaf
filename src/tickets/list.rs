//! Lists of tickets: one page, from a place on.

use crate::clock::EXPIRED;
use crate::db::fixed::{Fixed, WithoutIndex};
use crate::db::index::Index;
use crate::db::schema::tickets;
use crate::db::{Connection, MultiBackend, index, still_wanted};
use crate::error::Result;
use crate::keyset;
use crate::search::Term;
use crate::tickets::bounded::Ids;
use crate::tickets::conditions::{Among, Boxed, narrowed};
use crate::tickets::filter::{Assignee, From, Sort, Statuses};
use crate::tickets::find as words;
use crate::tickets::line::{COLUMNS, Line, in_this_order};
use crate::tickets::operators::Condition;
use crate::tickets::query::{Filter, Parsed};
use crate::tickets::{bounded, in_order, search};
use crate::values::page::{Cursor, Page, Place, Window};
use diesel::prelude::*;
use std::collections::{HashMap, HashSet};

/// A page of a list.
#[derive(Default)]
pub struct Found {
    pub page: Page<Line>,
    /// How many tickets the list has from this page on, as far as they were counted.
    pub count: usize,
    /// Whether there may be more, but so much was read that the list has not come to its end.
    pub is_cut: bool,
    /// The words that the list was searched for.
    pub terms: Vec<Term>,
    /// The rows of the index that have them, by ticket.
    pub rows: HashMap<i64, i64>,
}

/// One page of the account's tickets, and how many there are, counted up to one more than
/// `counted`. With words, the newest created come first.
///
/// # Errors
/// *Invalid* when the words cannot be searched for.
pub fn find(conn: &mut Connection, account_id: i64, filter: &Filter, counted: usize) -> Result<Found> {
    let shown = filter.window;
    let mut parsed = filter.parsed()?;
    if counted <= shown.size
        && let Some(query) = of_one_index(conn, account_id, &parsed)?
    {
        let lines: Vec<Line> = in_order!(query, parsed.filter.sort, shown).select(COLUMNS).load(conn)?;
        let count = lines.len();
        let page = Page::new(lines, shown, |line| parsed.filter.cursor(line));
        return Ok(Found { page, count, ..Found::default() });
    }
    parsed.filter.window.size = shown.size.max(counted);
    let mut rows = HashMap::new();
    let Ids { mut ids, rest } = ids(conn, account_id, &parsed, &mut rows)?;
    still_wanted()?;
    let count = ids.len();
    ids.truncate(shown.size + 1);
    let mut page = Page::new(in_this_order(conn, &ids)?, shown, |line| parsed.filter.cursor(line));
    let is_cut = rest.is_some() && count <= shown.size;
    if is_cut {
        if matches!(shown.place, Place::Before(_)) { page.newer = rest } else { page.older = rest }
    }
    Ok(Found { page, count, is_cut, terms: parsed.terms, rows })
}

/// The ids of the tickets of a list. Adds a row of the index for each that has the words.
fn ids(conn: &mut Connection, account_id: i64, parsed: &Parsed, rows: &mut HashMap<i64, i64>) -> Result<Ids> {
    let Parsed { filter, conditions, terms, is_nothing } = parsed;
    if *is_nothing {
        return Ok(Ids::default());
    }
    if !terms.is_empty() && search::is_built(conn)? {
        return with_words(conn, account_id, parsed, rows);
    }
    let query = match of_one_index(conn, account_id, parsed)? {
        Some(query) => query,
        None if terms.is_empty() => return bounded::find(conn, account_id, filter, conditions),
        None => narrowed(conn, account_id, Among::All, filter, conditions)?.filter(index::matches_terms(
            conn,
            Index::Tickets,
            account_id,
            terms,
        )),
    };
    Ok(in_order!(query, filter.sort, filter.window).select(tickets::id).load::<i64>(conn)?.into())
}

/// The tickets of a list without words, if one index has them in its order.
fn of_one_index<'a>(conn: &mut Connection, account_id: i64, parsed: &'a Parsed) -> Result<Option<Boxed<'a>>> {
    let Parsed { filter, conditions, terms, is_nothing } = parsed;
    let is_indexed = !filter.only.is_empty() || has_index(filter, conditions);
    if *is_nothing || !terms.is_empty() || !is_indexed {
        return Ok(None);
    }
    narrowed(conn, account_id, Among::All, filter, conditions).map(Some)
}

/// The page alone.
pub fn page(conn: &mut Connection, account_id: i64, filter: &Filter) -> Result<Page<Line>> {
    Ok(find(conn, account_id, filter, 0)?.page)
}

/// Whether one index has the tickets that a filter shows, in its order.
fn has_index(filter: &Filter, conditions: &[Condition]) -> bool {
    let choices = [filter.statuses != Statuses::All, filter.assignee != Assignee::Any, filter.from != From::Any];
    filter.tag.is_empty() && conditions.is_empty() && choices.into_iter().filter(|is_set| *is_set).count() <= 1
}

/// How many tickets with the words are checked against the filter at once.
const CHECKED: usize = 128;

/// The tickets that have the words. Adds a row of the index for each of them.
fn with_words(
    conn: &mut Connection,
    account_id: i64,
    parsed: &Parsed,
    index_rows: &mut HashMap<i64, i64>,
) -> Result<Ids> {
    let Parsed { filter, conditions, terms, .. } = parsed;
    if !filter.only.is_empty() {
        let query = narrowed(conn, account_id, Among::All, filter, conditions)?;
        let ids: Vec<i64> = query.order(tickets::id.desc()).select(tickets::id).load(conn)?;
        return Ok(words::among(conn, account_id, terms, ids)?.into());
    }
    let from = match filter.window.place {
        Place::First => words::From::Newest,
        Place::After(cursor) => words::From::Before(cursor.id),
        Place::Before(cursor) => words::From::After(cursor.id),
    };
    let mut ids: Vec<i64> = Vec::new();
    let most = filter.window.size + 1;
    let rest = words::find(conn, account_id, terms, from, most, |conn, hits| {
        for hits in hits.chunks(CHECKED) {
            still_wanted()?;
            let found: Vec<i64> = hits.iter().map(|(id, _)| *id).collect();
            let query = narrowed(conn, account_id, Among::These(&found), filter, conditions)?;
            let shown: HashSet<i64> = query.select(tickets::id).load::<i64>(conn)?.into_iter().collect();
            ids.extend(found.iter().filter(|id| shown.contains(id)).take(most - ids.len()));
            index_rows.extend(hits.iter().copied());
            if ids.len() == most {
                break;
            }
        }
        Ok(most - ids.len())
    })?;
    Ok(Ids { ids, rest: rest.map(|id| Cursor { at: EXPIRED, id }) })
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
