//! Lists for which there is no index: they read a bounded part of one, and offer to go on.

use crate::db::schema::{ticket_tags, tickets};
use crate::db::{Connection, still_wanted};
use crate::error::Result;
use crate::tickets::conditions::narrowed;
use crate::tickets::filter::{Assignee, From, Sort, Statuses};
use crate::tickets::line::{COLUMNS, Line, in_this_order, ordered};
use crate::tickets::operators::Condition;
use crate::tickets::query::Filter;
use crate::tickets::{in_order, tags};
use crate::values::page::{Cursor, Page, Place, Window};
use chrono::NaiveDateTime;
use diesel::prelude::*;

/// How many entries of an index a page reads before it offers to go on.
const MOST_READ: usize = 5_000;

/// One page of tickets that meet conditions for which there is no common index.
pub(super) fn page(
    conn: &mut Connection,
    account_id: i64,
    filter: &Filter,
    conditions: &[Condition],
) -> Result<Page<Line>> {
    match few_tagged(conn, account_id, &filter.tag)? {
        Some(ids) if ids.is_empty() => Ok(Page::default()),
        Some(ids) => among(conn, account_id, filter, conditions, &ids),
        None => scanned(conn, account_id, filter, conditions),
    }
}

/// The ids of the tickets with a tag, unless there are too many to read or the tag is empty.
fn few_tagged(conn: &mut Connection, account_id: i64, tag: &str) -> Result<Option<Vec<i64>>> {
    if tag.is_empty() {
        return Ok(None);
    }
    let Some(tag) = tags::known(conn, account_id, tag)? else { return Ok(Some(Vec::new())) };
    let ids: Vec<i64> = ticket_tags::table
        .filter(ticket_tags::tag_id.eq(tag))
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
) -> Result<Page<Line>> {
    let times = (tickets::updated_at, tickets::created_at, tickets::closed_at, tickets::id);
    let query = narrowed(conn, account_id, Some(ids), filter, conditions)?.select(times);
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

/// One page of tickets that meet several conditions: reads the index of one of them, and
/// checks the others, up to a bound.
fn scanned(conn: &mut Connection, account_id: i64, filter: &Filter, conditions: &[Condition]) -> Result<Page<Line>> {
    let is_rising = matches!(filter.window.place, Place::Before(_));
    let most = filter.window.size + 1;
    let (mut rows, mut window, mut read) = (Vec::new(), Window { size: 127, ..filter.window }, 0);
    let mut rest = None;
    while rows.len() < most {
        still_wanted()?;
        let ids = next_ids(conn, account_id, filter, window)?;
        let Some(last) = ids.last().copied() else { break };
        let shown: Vec<Line> =
            narrowed(conn, account_id, Some(&ids), filter, conditions)?.select(COLUMNS).load(conn)?;
        rows.extend(ordered(shown, &ids).take(most - rows.len()));
        read += ids.len();
        if ids.len() <= window.size {
            break;
        }
        let last = in_this_order(conn, &[last])?.first().map(|line| filter.cursor(line));
        let Some(last) = last else { break };
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

/// The next entries of the index that a list with several filters reads: without their times,
/// which SQLite keeps as text.
fn next_ids(conn: &mut Connection, account_id: i64, filter: &Filter, window: Window) -> Result<Vec<i64>> {
    let leading = &leading(filter);
    let query = narrowed(conn, account_id, None, leading, &[])?;
    Ok(in_order!(query, filter.sort, window).select(tickets::id).load(conn)?)
}

/// The one condition of a filter that is likely to leave the fewest tickets.
fn leading(filter: &Filter) -> Filter {
    let (statuses, assignee, from) = match (filter.assignee, filter.from) {
        (Assignee::User(_), _) => (Statuses::All, filter.assignee, From::Any),
        (_, From::Kind(_)) => (Statuses::All, Assignee::Any, filter.from),
        (Assignee::Nobody, _) => (Statuses::All, filter.assignee, From::Any),
        (_, From::Nothing) => (Statuses::All, Assignee::Any, filter.from),
        _ => (filter.statuses, Assignee::Any, From::Any),
    };
    Filter { statuses, assignee, from, tag: String::new(), only: Vec::new(), ..filter.clone() }
}
