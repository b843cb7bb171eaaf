//! Searching tickets: the newest created come first, and a page reads what it shows.

use crate::db::schema::tickets;
use crate::db::ticket_index::{MOST_ROWS, Sought, ticket_of};
use crate::db::{Connection, ticket_index};
use crate::error::Result;
use crate::search::Term;
use diesel::prelude::*;
use std::collections::BTreeMap;
use std::ops::Range;

/// How many tickets are looked at first, and at least.
const FIRST: i64 = 512;
/// How many tickets are looked at at once, at most.
const MOST: i64 = 1 << 20;
/// How many entries of the index a page reads before it offers to go on.
const MOST_READ: usize = 20_000;
/// So few tickets are looked up one by one, rather than all that have a word.
const FEW: usize = 4;

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

/// A term of the search, as the index is asked for it.
struct Clause {
    is_not: bool,
    any: Vec<Vec<Sought>>,
    /// How many tickets met it in the latest range that was looked at for it.
    met_by: usize,
}

fn clauses(conn: &mut Connection, account_id: i64, terms: &[Term]) -> Result<Vec<Clause>> {
    let mut clauses = Vec::new();
    for Term { is_not, any } in terms {
        let mut alternatives = Vec::new();
        for phrases in any {
            let sought: QueryResult<Vec<Sought>> =
                phrases.iter().map(|phrase| Sought::new(conn, account_id, phrase)).collect();
            alternatives.push(sought?);
        }
        clauses.push(Clause { is_not: *is_not, any: alternatives, met_by: usize::MAX });
    }
    Ok(clauses)
}

/// A look at a range of tickets.
struct Look {
    /// What is looked at: less than asked for, where there is too much.
    range: Range<i64>,
    is_rising: bool,
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
    let first: Option<i64> = of_account.order(tickets::id.asc()).first(conn).optional()?;
    let last: Option<i64> = of_account.order(tickets::id.desc()).first(conn).optional()?;
    let (Some(first), Some(last)) = (first, last) else { return Ok(None) };
    let (mut left, is_rising) = match from {
        From::Newest => (first..last + 1, false),
        From::Before(id) => (first..id.min(last + 1), false),
        From::After(id) => ((id + 1).max(first)..last + 1, true),
    };
    let mut clauses = clauses(conn, account_id, terms)?;
    let (mut size, mut read, mut wanted) = (FIRST, 0, wanted);
    while !left.is_empty() {
        if read > MOST_READ {
            return Ok(Some(if is_rising { left.start - 1 } else { left.end }));
        }
        let range = if is_rising {
            left.start..left.end.min(left.start + size)
        } else {
            left.start.max(left.end - size)..left.end
        };
        let mut look = Look { range, is_rising, read: 0 };
        let hits = look.find(conn, account_id, &mut clauses)?.into_iter();
        left = if is_rising { look.range.end..left.end } else { left.start..look.range.start };
        let hits: Vec<(i64, i64)> = if is_rising { hits.collect() } else { hits.rev().collect() };
        let still_wanted = if hits.is_empty() { wanted } else { accept(conn, hits)? };
        if still_wanted == 0 {
            return Ok(None);
        }
        read += look.read;
        size = next_size(size, wanted - still_wanted, still_wanted, look.read);
        wanted = still_wanted;
    }
    Ok(None)
}

/// Those of some tickets that have the words, in the same order.
pub fn among(conn: &mut Connection, account_id: i64, terms: &[Term], ids: Vec<i64>) -> Result<Vec<i64>> {
    let mut clauses = clauses(conn, account_id, terms)?;
    let mut found = Vec::new();
    for id in ids {
        let mut look = Look { range: id..id + 1, is_rising: false, read: 0 };
        if !look.find(conn, account_id, &mut clauses)?.is_empty() {
            found.push(id);
        }
    }
    Ok(found)
}

impl Look {
    fn find(&mut self, conn: &mut Connection, account_id: i64, clauses: &mut [Clause]) -> Result<Hits> {
        // The rarest first: what it leaves is looked up, and no more is read where it leaves nothing.
        clauses.sort_by_key(|clause| (clause.is_not, clause.met_by));
        let mut found: Option<Hits> = None;
        for clause in clauses {
            if found.as_ref().is_some_and(Hits::is_empty) {
                break;
            }
            if clause.is_not {
                let mut hits = match found {
                    Some(hits) => hits,
                    None => self.all(conn, account_id)?,
                };
                let unwanted = self.meeting(conn, &clause.any, Some(&hits))?;
                hits.retain(|id, _| !unwanted.contains_key(id));
                found = Some(hits);
            } else {
                let hits = self.meeting(conn, &clause.any, found.as_ref())?;
                clause.met_by = hits.len();
                found = Some(both(found, hits));
            }
        }
        let mut hits = found.unwrap_or_default();
        hits.retain(|id, _| self.range.contains(id));
        Ok(hits)
    }

    /// The tickets that have all phrases of one of the alternatives: all such tickets of the range,
    /// or at least those among `candidates`.
    fn meeting(&mut self, conn: &mut Connection, any: &[Vec<Sought>], candidates: Option<&Hits>) -> Result<Hits> {
        let mut found = Hits::new();
        for phrases in any {
            match candidates.filter(|candidates| candidates.len() <= FEW) {
                Some(few) => {
                    for id in few.keys() {
                        let mut look = Look { range: *id..id + 1, is_rising: self.is_rising, read: 0 };
                        found.extend(look.having_all(conn, phrases)?);
                        self.read += look.read;
                    }
                }
                None => found.extend(self.having_all(conn, phrases)?),
            }
        }
        Ok(found)
    }

    /// The tickets that have all of these phrases. Shortens the range where there are too many.
    fn having_all(&mut self, conn: &mut Connection, phrases: &[Sought]) -> Result<Hits> {
        let mut found: Option<Hits> = None;
        for phrase in phrases {
            let rows = phrase.rows(conn, self.range.clone(), self.is_rising)?;
            self.shorten(rows.last().map(|row| ticket_of(*row)), rows.len());
            let mut hits = Hits::new();
            for row in rows {
                hits.entry(ticket_of(row)).and_modify(|first| *first = row.min(*first)).or_insert(row);
            }
            found = Some(both(found, hits));
        }
        Ok(found.unwrap_or_default())
    }

    /// All tickets of the range, for a search that only excludes.
    fn all(&mut self, conn: &mut Connection, account_id: i64) -> Result<Hits> {
        let query = tickets::table
            .filter(tickets::account_id.eq(account_id))
            .filter(tickets::id.ge(self.range.start).and(tickets::id.lt(self.range.end)))
            .select(tickets::id)
            .limit(MOST_ROWS)
            .into_boxed();
        let query = if self.is_rising { query.order(tickets::id.asc()) } else { query.order(tickets::id.desc()) };
        let ids: Vec<i64> = query.load(conn)?;
        self.shorten(ids.last().copied(), ids.len());
        Ok(ids.into_iter().map(|id| (id, ticket_index::own_rows(id).start)).collect())
    }

    /// Counts what was read. If that was as much as one look may read, the rest of the range is
    /// left for the next one.
    fn shorten(&mut self, last: Option<i64>, count: usize) {
        self.read += count;
        let is_full = i64::try_from(count).is_ok_and(|count| count >= MOST_ROWS);
        let Some(last) = last.filter(|_| is_full) else { return };
        if self.is_rising {
            self.range.end = self.range.end.min(last + 1);
        } else {
            self.range.start = self.range.start.max(last);
        }
    }
}

/// The tickets that are in both, if there is a first.
fn both(first: Option<Hits>, second: Hits) -> Hits {
    let Some(first) = first else { return second };
    second.into_iter().filter_map(|(id, row)| Some((id, row.min(*first.get(&id)?)))).collect()
}
