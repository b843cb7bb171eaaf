//! Reading the numbers.

use crate::db::Connection;
use crate::db::schema::{accounts, figures};
use crate::error::Result;
use crate::figures::histogram::Histogram;
use crate::figures::{Dimension, Generations, Measure, generations};
use chrono_tz::Tz;
use diesel::prelude::*;
use std::collections::{BTreeMap, HashMap};
use std::ops::RangeInclusive;

/// The numbers of a week.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Week {
    pub opened: i64,
    pub reopened: i64,
    /// Its count is that of closed tickets.
    pub resolution: Histogram,
    pub open_time: Histogram,
    pub first_reply: Histogram,
}

impl Week {
    /// Adds the numbers of another week.
    pub fn join(&mut self, other: &Self) {
        self.opened += other.opened;
        self.reopened += other.reopened;
        self.resolution.join(&other.resolution);
        self.open_time.join(&other.open_time);
        self.first_reply.join(&other.first_reply);
    }
}

/// The time zone of the account's numbers. `None` until they are built.
pub fn zone(conn: &mut Connection, account_id: i64) -> Result<Option<Tz>> {
    Ok(generations(conn, account_id)?.zone)
}

/// Whether numbers of another time zone are being built.
pub fn is_building(conn: &mut Connection, account_id: i64) -> Result<bool> {
    let next: String = accounts::table.find(account_id).select(accounts::figures_next).first(conn)?;
    Ok(!next.is_empty())
}

/// The numbers of these weeks under some keys of a dimension, by key and week. Weeks without
/// any are missing.
pub fn weeks(
    conn: &mut Connection,
    account_id: i64,
    dimension: Dimension,
    keys: &[i64],
    weeks: RangeInclusive<i64>,
) -> Result<HashMap<i64, BTreeMap<i64, Week>>> {
    let generation = generations(conn, account_id)?.number;
    let measures = [Measure::Opened, Measure::Reopened, Measure::Resolution, Measure::OpenTime, Measure::FirstReply];
    let rows: Vec<(Measure, i64, i64, i64, i64)> = figures::table
        .filter(figures::account_id.eq(account_id))
        .filter(figures::generation.eq(generation))
        .filter(figures::dimension.eq(dimension))
        .filter(figures::measure.eq_any(measures))
        .filter(figures::key.eq_any(keys))
        .filter(figures::week.between(*weeks.start(), *weeks.end()))
        .filter(figures::count.ne(0))
        .select((figures::measure, figures::key, figures::week, figures::bucket, figures::count))
        .load(conn)?;
    let mut found: HashMap<i64, BTreeMap<i64, Week>> = HashMap::new();
    for (measure, key, week, bucket, count) in rows {
        let week = found.entry(key).or_default().entry(week).or_default();
        match measure {
            Measure::Opened => week.opened += count,
            Measure::Reopened => week.reopened += count,
            Measure::Resolution => week.resolution.add(bucket, count),
            Measure::OpenTime => week.open_time.add(bucket, count),
            Measure::FirstReply => week.first_reply.add(bucket, count),
            Measure::OpenNow | Measure::ClosedNow => {}
        }
    }
    Ok(found)
}

/// How many tickets are open and closed now, by key of a dimension: those of one key, or of all.
/// `None` until the numbers are built.
pub fn now(
    conn: &mut Connection,
    account_id: i64,
    dimension: Dimension,
    key: Option<i64>,
) -> Result<Option<HashMap<i64, (i64, i64)>>> {
    let Generations { number, zone: Some(_), .. } = generations(conn, account_id)? else { return Ok(None) };
    let mut query = figures::table
        .filter(figures::account_id.eq(account_id))
        .filter(figures::generation.eq(number))
        .filter(figures::dimension.eq(dimension))
        .filter(figures::measure.eq_any([Measure::OpenNow, Measure::ClosedNow]))
        .filter(figures::count.ne(0))
        .select((figures::measure, figures::key, figures::count))
        .into_boxed();
    if let Some(key) = key {
        query = query.filter(figures::key.eq(key));
    }
    let rows: Vec<(Measure, i64, i64)> = query.load(conn)?;
    let mut found: HashMap<i64, (i64, i64)> = HashMap::new();
    for (measure, key, count) in rows {
        let (open, closed) = found.entry(key).or_default();
        *(if measure == Measure::OpenNow { open } else { closed }) += count;
    }
    Ok(Some(found))
}
