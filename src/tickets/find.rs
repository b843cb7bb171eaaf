//! Searching tickets: the newest created come first, and a page reads what it shows.

use crate::db::schema::tickets;
use crate::db::ticket_index::{MOST_ROWS, ticket_of};
use crate::db::{Connection, ticket_index};
use crate::error::Result;
use crate::search::{Phrase, Term};
use diesel::prelude::*;
use std::collections::BTreeMap;
use std::ops::Range;

/// How many tickets are looked at first, and at least.
const FIRST: i64 = 512;
/// How many tickets are looked at at once, at most.
const MOST: i64 = 1 << 20;
/// How many entries of the index a page reads before it offers to go on.
const MOST_READ: usize = 20_000;

/// Where a search goes on, and in which direction.
#[derive(Clone, Copy, Debug)]
pub enum From {
    Newest,
    /// Towards older tickets, from before this id on.
    Before(i64),
    /// Towards newer tickets, from after this id on.
    After(i64),
}

/// The tickets that were found, each with one row of the index that has some of the words: of
/// the ticket's own words, if there is one.
type Hits = BTreeMap<i64, i64>;

/// What a look at a range of tickets has found.
struct Look {
    hits: Hits,
    /// What was looked at, if it was less than asked for.
    range: Range<i64>,
    /// How many entries of the index it read.
    read: usize,
}

/// How many tickets to look at next, when `size` of them had `gained` of those that are wanted.
fn next_size(size: i64, gained: usize, left: usize, read: usize) -> i64 {
    let guess = match i64::try_from(gained) {
        // Half as many again as should do.
        Ok(gained @ 1..) => size.saturating_mul(i64::try_from(left).unwrap_or(i64::MAX)) / gained * 3 / 2,
        _ => size * if read < 64 { 16 } else { 2 },
    };
    guess.clamp(FIRST, MOST.min(size * 16))
}

/// Calls `accept` with tickets that have the words, in order, each with a row of the index, as
/// long as it says that it wants more, `wanted` at first. Returns the id at which the search
/// goes on, if so much was read that it has not come to its end.
pub fn find(
    conn: &mut Connection,
    account_id: i64,
    terms: &[Term],
    from: From,
    wanted: usize,
    mut accept: impl FnMut(&mut Connection, Vec<(i64, i64)>) -> Result<usize>,
) -> Result<Option<i64>> {
    let of_account = tickets::table.filter(tickets::account_id.eq(account_id)).select(tickets::id);
    // Ids rise with the numbers, for which there is an index.
    let first: Option<i64> = of_account.order(tickets::number.asc()).first(conn).optional()?;
    let last: Option<i64> = of_account.order(tickets::number.desc()).first(conn).optional()?;
    let (Some(first), Some(last)) = (first, last) else { return Ok(None) };
    let (mut left, is_rising) = match from {
        From::Newest => (first..last + 1, false),
        From::Before(id) => (first..id.min(last + 1), false),
        From::After(id) => ((id + 1).max(first)..last + 1, true),
    };
    let (mut size, mut read, mut wanted) = (FIRST, 0, wanted);
    while !left.is_empty() {
        if read > MOST_READ {
            return Ok(Some(if is_rising { left.start - 1 } else { left.end }));
        }
        let next = if is_rising {
            left.start..left.end.min(left.start + size)
        } else {
            left.start.max(left.end - size)..left.end
        };
        let look = look(conn, account_id, terms, next, is_rising)?;
        left = if is_rising { look.range.end..left.end } else { left.start..look.range.start };
        let hits = look.hits.into_iter();
        let hits: Vec<(i64, i64)> = if is_rising { hits.collect() } else { hits.rev().collect() };
        let left = if hits.is_empty() { wanted } else { accept(conn, hits)? };
        if left == 0 {
            return Ok(None);
        }
        read += look.read;
        size = next_size(size, wanted - left, left, look.read);
        wanted = left;
    }
    Ok(None)
}

/// Whether a ticket has the words.
pub fn has(conn: &mut Connection, account_id: i64, terms: &[Term], id: i64) -> Result<bool> {
    Ok(!look(conn, account_id, terms, id..id + 1, false)?.hits.is_empty())
}

fn look(
    conn: &mut Connection,
    account_id: i64,
    terms: &[Term],
    mut range: Range<i64>,
    is_rising: bool,
) -> Result<Look> {
    let mut read = 0;
    let mut found: Option<Hits> = None;
    let (excluded, wanted): (Vec<&Term>, Vec<&Term>) = terms.iter().partition(|term| term.is_not);
    for term in wanted {
        let mut of_term = Hits::new();
        for phrases in &term.any {
            of_term.extend(having_all(conn, account_id, phrases, &mut range, is_rising, &mut read)?);
        }
        found = Some(both(found, of_term));
        if found.as_ref().is_some_and(Hits::is_empty) {
            break;
        }
    }
    let mut hits = match found {
        Some(found) => found,
        None => all(conn, account_id, &mut range, is_rising, &mut read)?,
    };
    for phrases in excluded.iter().flat_map(|term| &term.any) {
        if hits.is_empty() {
            break;
        }
        let unwanted = having_all(conn, account_id, phrases, &mut range, is_rising, &mut read)?;
        hits.retain(|id, _| !unwanted.contains_key(id));
    }
    hits.retain(|id, _| range.contains(id));
    Ok(Look { hits, range, read })
}

/// The tickets that are in both, if there is a first.
fn both(first: Option<Hits>, mut second: Hits) -> Hits {
    let Some(first) = first else { return second };
    second.retain(|id, _| first.contains_key(id));
    second
}

/// The tickets that have all of these phrases. Shortens the range where there are too many.
fn having_all(
    conn: &mut Connection,
    account_id: i64,
    phrases: &[Phrase],
    range: &mut Range<i64>,
    is_rising: bool,
    read: &mut usize,
) -> Result<Hits> {
    let mut found: Option<Hits> = None;
    for phrase in phrases {
        let rows = ticket_index::having(conn, account_id, range.clone(), phrase, is_rising)?;
        shorten(range, rows.last().map(|row| ticket_of(*row)), rows.len(), is_rising);
        *read += rows.len();
        let mut hits = Hits::new();
        for row in rows {
            hits.entry(ticket_of(row)).and_modify(|first| *first = row.min(*first)).or_insert(row);
        }
        found = Some(both(found, hits));
    }
    Ok(found.unwrap_or_default())
}

/// All tickets of a range, for a search that only excludes.
fn all(
    conn: &mut Connection,
    account_id: i64,
    range: &mut Range<i64>,
    is_rising: bool,
    read: &mut usize,
) -> Result<Hits> {
    let query = tickets::table
        .filter(tickets::account_id.eq(account_id))
        .filter(tickets::id.ge(range.start).and(tickets::id.lt(range.end)))
        .select(tickets::id)
        .limit(MOST_ROWS)
        .into_boxed();
    let query = if is_rising { query.order(tickets::id.asc()) } else { query.order(tickets::id.desc()) };
    let ids: Vec<i64> = query.load(conn)?;
    shorten(range, ids.last().copied(), ids.len(), is_rising);
    *read += ids.len();
    Ok(ids.into_iter().map(|id| (id, ticket_index::own_rows(id).start)).collect())
}

/// Where a look has read as much as it may, the rest of the range is left for the next one.
fn shorten(range: &mut Range<i64>, last: Option<i64>, count: usize, is_rising: bool) {
    let is_full = i64::try_from(count).is_ok_and(|count| count >= MOST_ROWS);
    let Some(last) = last.filter(|_| is_full) else { return };
    if is_rising {
        range.end = range.end.min(last + 1);
    } else {
        range.start = range.start.max(last);
    }
}
