//! Searching tickets: the newest created come first, and a page reads what it shows.

use crate::db::schema::tickets;
use crate::db::ticket_index::{MOST_ROWS, Sought, is_full, ticket_of};
use crate::db::{Connection, ticket_index};
use crate::error::Result;
use crate::search::Term;
use diesel::prelude::*;
use std::collections::BTreeMap;
use std::ops::Range;
use std::time::{Duration, Instant};

/// How many tickets are looked at first, and at least.
const FIRST: i64 = 512;
/// How many tickets are looked at at once, at most.
const MOST: i64 = 1 << 20;
/// How many entries of the index a page reads before it offers to go on.
const MOST_READ: usize = 20_000;
/// How long one look should take: what few have may take long to look for.
const LOOK: Duration = Duration::from_millis(250);
/// How long a page looks before it offers to go on.
const LONGEST: Duration = Duration::from_secs(2);
/// So few tickets are looked up one by one, however few others have the word.
const FEW: usize = 4;
/// So many are looked up one by one at once, at most.
const MOST_LOOKED_UP: usize = 16;
/// What a share is a part of.
const MILLION: i64 = 1_000_000;

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
    /// How many of a million tickets meet it, judged by the latest range that was read for it.
    share: Option<i64>,
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
        clauses.push(Clause { is_not: *is_not, any: alternatives, share: None });
    }
    Ok(clauses)
}

/// A look at a range of tickets.
struct Look {
    /// What is looked at. In the end, less than asked for if there was too much, and more if the
    /// index said that nothing is there.
    range: Range<i64>,
    is_rising: bool,
    /// How many entries of the index it read.
    read: usize,
}

/// How many tickets to look at next, when `size` of them had `gained` of those that are wanted and
/// took so long.
fn next_size(size: i64, gained: usize, left: usize, read: usize, took: Duration) -> i64 {
    let guess = match i64::try_from(gained) {
        // Half as many again as should do.
        Ok(gained @ 1..) => size.saturating_mul(i64::try_from(left).unwrap_or(i64::MAX)) / gained * 3 / 2,
        _ => size * if read < 64 { 16 } else { 2 },
    };
    let times = i64::try_from(LOOK.as_millis() / took.as_millis().max(1)).unwrap_or(i64::MAX);
    guess.clamp(FIRST, MOST.min(size * times.clamp(1, 16)).max(FIRST))
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
    let begun = Instant::now();
    while !left.is_empty() {
        let before = begun.elapsed();
        if read > MOST_READ || before > LONGEST {
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
        size = next_size(size, wanted - still_wanted, still_wanted, look.read, begun.elapsed() - before);
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

/// Tickets that meet something.
struct Met {
    hits: Hits,
    /// No ticket between the range and this one meets it.
    next: i64,
}

impl Look {
    fn find(&mut self, conn: &mut Connection, account_id: i64, clauses: &mut [Clause]) -> Result<Hits> {
        let asked = self.range.clone();
        // The rarest first: what it leaves is looked up, and no more is read where it leaves nothing.
        clauses.sort_by_key(|clause| (clause.is_not, clause.share.unwrap_or(MILLION)));
        let mut found: Option<Hits> = None;
        let mut next = self.edge();
        for clause in clauses {
            if found.as_ref().is_some_and(Hits::is_empty) {
                break;
            }
            if clause.is_not {
                let mut hits = match found {
                    Some(hits) => hits,
                    None => self.all(conn, account_id)?,
                };
                let unwanted = self.meeting(conn, clause, Some(&hits))?.hits;
                hits.retain(|id, _| !unwanted.contains_key(id));
                found = Some(hits);
            } else {
                let met = self.meeting(conn, clause, found.as_ref())?;
                next = self.further(next, met.next);
                found = Some(both(found, met.hits));
            }
        }
        let mut hits = found.unwrap_or_default();
        hits.retain(|id, _| self.range.contains(id));
        if self.range == asked {
            self.range = if self.is_rising { asked.start..next } else { next + 1..asked.end };
        }
        Ok(hits)
    }

    /// The tickets that meet a clause: all such tickets of the range, or at least those among
    /// `candidates`.
    fn meeting(&mut self, conn: &mut Connection, clause: &mut Clause, candidates: Option<&Hits>) -> Result<Met> {
        if let Some(candidates) =
            candidates.filter(|candidates| self.should_ask_each(ticket_index::one_look(conn), candidates, clause))
        {
            return self.asking_each(conn, &clause.any, candidates);
        }
        let met = self.having_any(conn, &clause.any)?;
        clause.share = Some(tickets_in(&met.hits).saturating_mul(MILLION) / self.size().max(1));
        Ok(met)
    }

    /// Whether so many tickets are sooner looked at one by one than among all that meet a clause.
    fn should_ask_each(&self, one_look: usize, candidates: &Hits, clause: &Clause) -> bool {
        let others = clause.share.map_or(0, |share| share * self.size() / MILLION);
        let count = candidates.len();
        count <= FEW || i64::try_from(count * one_look).is_ok_and(|cost| cost < others)
    }

    /// Those of some tickets that have all phrases of one of the alternatives. Shortens the range
    /// where they are too many.
    fn asking_each(&mut self, conn: &mut Connection, any: &[Vec<Sought>], candidates: &Hits) -> Result<Met> {
        let (mut hits, mut next) = (Hits::new(), None);
        let ids = candidates.keys().copied();
        let mut ids: Vec<i64> = if self.is_rising { ids.collect() } else { ids.rev().collect() };
        if ids.len() > MOST_LOOKED_UP {
            ids.truncate(MOST_LOOKED_UP);
            self.shorten_to(ids.last().copied());
        }
        for id in ids {
            if next.is_some_and(|next| self.further(id, next) != id) {
                continue;
            }
            let mut look = Look { range: id..id + 1, is_rising: self.is_rising, read: 0 };
            let met = look.having_any(conn, any)?;
            self.read += look.read + ticket_index::one_look(conn);
            hits.extend(met.hits);
            next = Some(met.next);
        }
        Ok(Met { hits, next: self.edge() })
    }

    /// The tickets that have all phrases of one of the alternatives.
    fn having_any(&mut self, conn: &mut Connection, any: &[Vec<Sought>]) -> Result<Met> {
        let (mut hits, mut next) = (Hits::new(), None);
        for phrases in any {
            let met = self.having_all(conn, phrases)?;
            hits.extend(met.hits);
            next = Some(next.map_or(met.next, |next| self.nearer(next, met.next)));
        }
        Ok(Met { hits, next: next.unwrap_or(self.edge()) })
    }

    /// The tickets that have all of these phrases. Shortens the range where there are too many.
    fn having_all(&mut self, conn: &mut Connection, phrases: &[Sought]) -> Result<Met> {
        let (mut found, mut next) = (None, self.edge());
        for phrase in phrases {
            let in_index = phrase.rows(conn, self.range.clone(), self.is_rising)?;
            self.shorten(in_index.rows.last().map(|row| ticket_of(*row)), in_index.rows.len());
            let mut hits = Hits::new();
            for row in in_index.rows {
                hits.entry(ticket_of(row)).and_modify(|first| *first = row.min(*first)).or_insert(row);
            }
            next = self.further(next, in_index.next);
            found = Some(both(found, hits));
        }
        Ok(Met { hits: found.unwrap_or_default(), next })
    }

    fn size(&self) -> i64 {
        self.range.end - self.range.start
    }

    /// The nearest ticket beyond the range.
    fn edge(&self) -> i64 {
        if self.is_rising { self.range.end } else { self.range.start - 1 }
    }

    fn further(&self, one: i64, other: i64) -> i64 {
        if self.is_rising { one.max(other) } else { one.min(other) }
    }

    fn nearer(&self, one: i64, other: i64) -> i64 {
        if self.is_rising { one.min(other) } else { one.max(other) }
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
        self.shorten_to(last.filter(|_| is_full(count)));
    }

    fn shorten_to(&mut self, last: Option<i64>) {
        let Some(last) = last else { return };
        if self.is_rising {
            self.range.end = self.range.end.min(last + 1);
        } else {
            self.range.start = self.range.start.max(last);
        }
    }
}

fn tickets_in(hits: &Hits) -> i64 {
    i64::try_from(hits.len()).unwrap_or(i64::MAX)
}

/// The tickets that are in both, if there is a first.
fn both(first: Option<Hits>, second: Hits) -> Hits {
    let Some(first) = first else { return second };
    second.into_iter().filter_map(|(id, row)| Some((id, row.min(*first.get(&id)?)))).collect()
}
