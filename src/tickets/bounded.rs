//! Lists for which there is no index: they read a bounded part of one, and offer to go on.

use crate::db::schema::{ticket_tags, tickets};
use crate::db::{Connection, still_wanted};
use crate::error::Result;
use crate::tickets::conditions::{Among, narrowed};
use crate::tickets::filter::{Assignee, From as Source, Sort, Statuses};
use crate::tickets::line::in_this_order;
use crate::tickets::operators::Condition;
use crate::tickets::query::Filter;
use crate::tickets::{counts, in_order, tags};
use crate::values::page::{Cursor, Place, Window};
use diesel::prelude::*;
use std::collections::HashSet;

/// How many entries of an index a page reads before it offers to go on.
const MOST_READ: usize = 5_000;

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
    let tagged = count_tagged(conn, tag)?;
    if tagged > MOST_READ || is_common(conn, account_id, filter, tagged)? {
        let found = scanned(conn, account_id, filter, conditions)?;
        if tagged > MOST_READ || found.rest.is_none() {
            return Ok(found);
        }
    }
    let query = narrowed(conn, account_id, Among::Tagged(tag), filter, conditions)?;
    let ids: Vec<i64> = in_order!(query, filter.sort, filter.window).select(tickets::id).load(conn)?;
    Ok(ids.into())
}

/// How many tickets have a tag, up to one more than [`MOST_READ`].
fn count_tagged(conn: &mut Connection, tag: i64) -> Result<usize> {
    let some = ticket_tags::table
        .filter(ticket_tags::tag_id.eq(tag))
        .limit(i64::try_from(MOST_READ + 1).unwrap_or(i64::MAX))
        .select(ticket_tags::ticket_id)
        .load::<i64>(conn)?;
    Ok(some.len())
}

/// Whether so many of the account's tickets have the tag that looking at them in order finds a
/// page of it sooner than reading all that have it.
fn is_common(conn: &mut Connection, account_id: i64, filter: &Filter, tagged: usize) -> Result<bool> {
    let all = counts::of(conn, account_id)?.in_statuses(Statuses::All);
    let looked_at = usize::try_from(all).unwrap_or_default().saturating_mul(filter.window.size) / tagged.max(1);
    Ok(looked_at < tagged)
}

/// Tickets that meet several conditions: reads the index of one of them, and checks the others,
/// up to a bound.
fn scanned(conn: &mut Connection, account_id: i64, filter: &Filter, conditions: &[Condition]) -> Result<Ids> {
    let is_rising = matches!(filter.window.place, Place::Before(_));
    let most = filter.window.size + 1;
    let (mut found, mut window, mut read) = (Vec::new(), Window { size: 127, ..filter.window }, 0);
    while found.len() < most {
        still_wanted()?;
        let next = next_ids(conn, account_id, filter, window)?;
        let Some(last) = next.last().copied() else { break };
        let query = narrowed(conn, account_id, Among::These(&next), filter, conditions)?;
        let shown: HashSet<i64> = query.select(tickets::id).load::<i64>(conn)?.into_iter().collect();
        found.extend(next.iter().filter(|id| shown.contains(id)).take(most - found.len()));
        read += next.len();
        if next.len() <= window.size {
            break;
        }
        let last = in_this_order(conn, &[last])?.first().map(|line| filter.cursor(line));
        let Some(last) = last else { break };
        if read >= MOST_READ && found.len() < most {
            return Ok(Ids { ids: found, rest: Some(last) });
        }
        let place = if is_rising { Place::Before(last) } else { Place::After(last) };
        window = Window { place, size: (2 * window.size + 1).min(2_047) };
    }
    Ok(found.into())
}

/// The next entries of the index that a list with several filters reads: without their times,
/// which SQLite keeps as text.
fn next_ids(conn: &mut Connection, account_id: i64, filter: &Filter, window: Window) -> Result<Vec<i64>> {
    let leading = &leading(filter);
    let query = narrowed(conn, account_id, Among::All, leading, &[])?;
    Ok(in_order!(query, filter.sort, window).select(tickets::id).load(conn)?)
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
