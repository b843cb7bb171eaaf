//! Lists for which there is no index: they read a bounded part of one, and offer to go on.

use crate::db::schema::tickets;
use crate::db::{Connection, still_wanted};
use crate::error::Result;
use crate::figures::{Dimension, read};
use crate::tickets::conditions::{Among, narrowed};
use crate::tickets::filter::{Assignee, From as Source, Sort, Statuses};
use crate::tickets::line::in_this_order;
use crate::tickets::operators::Condition;
use crate::tickets::query::Filter;
use crate::tickets::{counts, in_order, tags};
use crate::values::page::{Cursor, Place, Window};
use diesel::prelude::*;

/// How many entries of an index a page reads before it offers to go on.
const MOST_READ: i64 = 5_000;
/// The same in steps: a few are often enough.
const STEPS: [usize; 2] = [500, 4_500];

/// Limits a query in the order of a list to what is not beyond an entry.
macro_rules! up_to {
    ($query:expr, $sort:expr, $is_rising:expr, $end:expr) => {
        match $sort {
            Sort::Updated => up_to_time!($query, $is_rising, $end, tickets::updated_at),
            Sort::Created => up_to_time!($query, $is_rising, $end, tickets::created_at),
            Sort::Closed => up_to_time!($query, $is_rising, $end, tickets::closed_at),
        }
    };
}

macro_rules! up_to_time {
    ($query:expr, $is_rising:expr, $end:expr, $at:expr) => {
        if $is_rising {
            $query.filter($at.le($end.at)).filter($at.lt($end.at).or(tickets::id.le($end.id)))
        } else {
            $query.filter($at.ge($end.at)).filter($at.gt($end.at).or(tickets::id.ge($end.id)))
        }
    };
}

/// The ids of tickets in the order of a list, up to [`Window::limit`].
#[derive(Debug, Default)]
pub(super) struct Ids {
    pub(super) ids: Vec<i64>,
    /// Where the list goes on, if so much was read that it has not come to its end.
    pub(super) rest: Option<Cursor>,
}

impl From<Vec<i64>> for Ids {
    fn from(ids: Vec<i64>) -> Self {
        Self { ids, rest: None }
    }
}

/// Tickets that meet conditions for which there is no common index.
pub(super) fn find(conn: &mut Connection, account_id: i64, filter: &Filter, conditions: &[Condition]) -> Result<Ids> {
    if filter.tag.is_empty() {
        return scanned(conn, account_id, filter, conditions);
    }
    let Some(tag) = tags::known(conn, account_id, &filter.tag)? else { return Ok(Ids::default()) };
    // As long as nobody has counted it, any tag may be a common one.
    let tagged = count_tagged(conn, account_id, tag)?.filter(|tagged| *tagged <= MOST_READ);
    let Some(tagged) = tagged else { return scanned(conn, account_id, filter, conditions) };
    if is_common(conn, account_id, filter, tagged)? {
        let found = scanned(conn, account_id, filter, conditions)?;
        if found.rest.is_none() {
            return Ok(found);
        }
    }
    let query = narrowed(conn, account_id, Among::Tagged(tag), filter, conditions)?;
    let ids: Vec<i64> = in_order!(query, filter.sort, filter.window).select(tickets::id).load(conn)?;
    Ok(ids.into())
}

/// How many tickets have a tag, if that is counted already.
fn count_tagged(conn: &mut Connection, account_id: i64, tag: i64) -> Result<Option<i64>> {
    let Some(counts) = read::now(conn, account_id, Dimension::Tag, Some(tag))? else { return Ok(None) };
    Ok(Some(counts.get(&tag).map_or(0, |(open, closed)| open + closed)))
}

/// Whether so many of the account's tickets have the tag that looking at them in order finds a
/// page of it sooner than reading all that have it.
fn is_common(conn: &mut Connection, account_id: i64, filter: &Filter, tagged: i64) -> Result<bool> {
    let looked_at = counts::of(conn, account_id)?.in_statuses(Statuses::All).saturating_mul(filter.window.limit());
    Ok(looked_at / tagged.max(1) < tagged)
}

/// Tickets that meet several conditions: reads the index of one of them, and checks the others,
/// up to a bound.
fn scanned(conn: &mut Connection, account_id: i64, filter: &Filter, conditions: &[Condition]) -> Result<Ids> {
    let leading = &leading(filter);
    let is_rising = matches!(filter.window.place, Place::Before(_));
    let most = filter.window.size + 1;
    let (mut ids, mut place) = (Vec::new(), filter.window.place);
    for size in STEPS {
        still_wanted()?;
        let end = entry_after(conn, account_id, leading, Window { place, size })?;
        let mut query = narrowed(conn, account_id, Among::Leading(leading), filter, conditions)?;
        if let Some(end) = end {
            query = up_to!(query, filter.sort, is_rising, end);
        }
        let window = Window { place, size: most - ids.len() - 1 };
        ids.extend(in_order!(query, filter.sort, window).select(tickets::id).load::<i64>(conn)?);
        let Some(end) = end.filter(|_| ids.len() < most) else { return Ok(ids.into()) };
        place = if is_rising { Place::Before(end) } else { Place::After(end) };
    }
    let (Place::Before(end) | Place::After(end)) = place else { return Ok(ids.into()) };
    Ok(Ids { ids, rest: Some(end) })
}

/// The entry of an index that is so many entries after a place, if it has so many.
fn entry_after(conn: &mut Connection, account_id: i64, leading: &Filter, window: Window) -> Result<Option<Cursor>> {
    let query = narrowed(conn, account_id, Among::All, leading, &[])?;
    let skipped = i64::try_from(window.size).unwrap_or(i64::MAX) - 1;
    // The id alone, because SQLite keeps times as text.
    let ids: Vec<i64> =
        in_order!(query, leading.sort, window).offset(skipped).limit(1).select(tickets::id).load(conn)?;
    Ok(in_this_order(conn, &ids)?.first().map(|line| leading.cursor(line)))
}

/// The one condition of a filter that is likely to leave the fewest tickets.
fn leading(filter: &Filter) -> Filter {
    let (statuses, assignee, from) = match (filter.assignee, filter.from) {
        (Assignee::User(_), _) => (Statuses::All, filter.assignee, Source::Any),
        (_, Source::Kind(_)) => (Statuses::All, Assignee::Any, filter.from),
        (Assignee::Nobody, _) => (Statuses::All, filter.assignee, Source::Any),
        (_, Source::Nothing) => (Statuses::All, Assignee::Any, filter.from),
        _ => (filter.statuses, Assignee::Any, Source::Any),
    };
    Filter { statuses, assignee, from, tag: String::new(), only: Vec::new(), ..filter.clone() }
}
