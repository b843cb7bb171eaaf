//! What a busy desk did in earlier years: a first thousand tickets, and copies of them at later
//! times, up to a million within minutes.

use super::{Desk, Pauses, Plan, RECENT_DAYS};
use crate::accounts::samples;
use crate::app::App;
use crate::conversations;
use crate::conversations::inventory::Place;
use crate::db::Connection;
use crate::db::copies::gather_statistics;
use crate::error::Result;
use crate::submissions::submission;
use crate::tickets::copies;
use chrono::TimeDelta;
use std::ops::RangeInclusive;

/// How long the past may be.
const MOST_DAYS: i64 = 5 * 365;
/// All that happens to a ticket of the past happens within this time.
const DAYS_OF_WORK: i64 = 10;

/// How many tickets are copied at once.
fn block(plan: &Plan) -> u32 {
    plan.recent.div_ceil(2).max(1)
}

/// How many tickets belong to the past.
pub(super) fn size(plan: &Plan) -> u32 {
    let past = plan.tickets.saturating_sub(plan.recent);
    if past > block(plan) { past } else { 0 }
}

/// Creates the past of a desk, and reports how many tickets are done.
pub(super) async fn load(app: &App, desk: &Desk, plan: &Plan, progress: impl Fn(u32)) -> Result<()> {
    let (size, block) = (size(plan), block(plan));
    let blocks = size.div_ceil(block);
    let (count, all) = (i64::from(blocks), i64::from(size));
    // As many tickets a day as in the last weeks, unless that makes a past that is too long.
    let days = (RECENT_DAYS * all / i64::from(plan.recent.max(1))).min(MOST_DAYS);
    let period = TimeDelta::seconds(days * 24 * 60 * 60 / count);
    let from = desk.now - TimeDelta::days(RECENT_DAYS) - TimeDelta::seconds(period.num_seconds() * count);
    let first = Desk {
        from,
        period,
        now: from + period + TimeDelta::days(DAYS_OF_WORK),
        indexes: 0..block,
        is_past: true,
        ..desk.clone()
    };
    let made = first.make(app, 0..block, &progress).await?;
    let (Some(start), Some(end)) = (made.first().copied(), made.last().copied()) else { return Ok(()) };
    let mut pauses = Pauses::begin();
    for nth in 1..blocks {
        let wanted = block.min(size - nth * block);
        let numbers = start..=end.min(start + i64::from(wanted) - 1);
        let seconds = period.num_seconds() * i64::from(nth);
        let (run, account_id) = (desk.run.clone(), desk.agent.account_id);
        let copy = move |conn: &mut Connection| copy(conn, account_id, &run, &numbers, seconds, nth);
        app.db.write(copy).await?;
        progress(nth * block + wanted);
        pauses.pause_if_due().await;
    }
    Ok(())
}

fn copy(
    conn: &mut Connection,
    account_id: i64,
    run: &str,
    numbers: &RangeInclusive<i64>,
    seconds: i64,
    nth: u32,
) -> Result<()> {
    let (messages, submissions) = (Place::end(conn)?, submission::last(conn)?);
    copies::add(conn, account_id, numbers.clone(), seconds, nth)?;
    conversations::figures::count_after(conn, account_id, messages.conversation())?;
    conversations::inventory::index_new(conn, account_id, messages)?;
    submission::index_new(conn, account_id, submissions)?;
    if nth.is_power_of_two() {
        gather_statistics(conn)?;
    }
    samples::count(conn, run, numbers.end() - numbers.start() + 1)
}
