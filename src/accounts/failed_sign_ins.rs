//! Slows down password guessing without locking out the user. All instances count together.

use crate::db::schema::failed_sign_ins as counters;
use crate::db::{Connection, unless_taken};
use crate::error::Result;
use crate::values::network::Network;
use crate::values::token;
use chrono::{NaiveDateTime, TimeDelta};
use diesel::prelude::*;

/// Failures of a user in one network or browser that cause no delay: people mistype.
const FREE_FOR_USER: i64 = 5;
/// An office may share one address.
const FREE_FOR_NETWORK: i64 = 30;
/// Failures of a user across all networks that cause no delay.
const FREE_FOR_ALL: i64 = 20;
const LONGEST_WAIT: TimeDelta = TimeDelta::minutes(15);
/// After this long without a failure, counting starts again.
const MEMORY: TimeDelta = TimeDelta::hours(1);

/// An attempt to sign in.
#[derive(Clone, Debug)]
pub struct Attempt {
    pub network: Network,
    /// The email address as typed.
    pub user: String,
    /// The browser's token, if this user has signed in with it before.
    pub device: Option<String>,
}

/// What an attempt counts for.
struct Counter {
    key: String,
    /// Failures that cause no delay.
    free: i64,
    /// Whether it belongs to the user in this network or browser.
    is_own: bool,
}

impl Counter {
    fn new(words: &[&str], free: i64, is_own: bool) -> Self {
        // Hashed: the typed address may be very long, and nobody needs to read it.
        Self { key: token::sha256(words.join(" ").as_bytes()), free, is_own }
    }

    /// When the next attempt is accepted.
    fn ready_at(&self, count: i64, last_at: NaiveDateTime) -> NaiveDateTime {
        let wait = match count - self.free {
            over if over <= 0 => TimeDelta::zero(),
            over => TimeDelta::seconds(1 << over.min(10)),
        };
        last_at + wait.min(LONGEST_WAIT)
    }
}

impl Attempt {
    /// A known browser has a counter of its own, so that guessing elsewhere does not slow it
    /// down. Sorted, so that attempts that lock several counters do not wait for each other.
    fn counters(&self) -> Vec<Counter> {
        let user = self.user.trim().to_lowercase();
        let network = self.network.to_string();
        let mut counters = match &self.device {
            Some(device) => vec![Counter::new(&["device", device, &user], FREE_FOR_USER, true)],
            None => vec![
                Counter::new(&["user in network", &network, &user], FREE_FOR_USER, true),
                Counter::new(&["network", &network], FREE_FOR_NETWORK, false),
                Counter::new(&["user", &user], FREE_FOR_ALL, false),
            ],
        };
        counters.sort_unstable_by(|one, other| one.key.cmp(&other.key));
        counters
    }
}

/// Counts an attempt as failed until it [`succeeded`], so that parallel attempts cannot bypass the
/// limit. Whether the user exists makes no difference.
///
/// Returns the seconds to wait if it comes too early. Then it is not counted.
pub fn begin(conn: &mut Connection, attempt: &Attempt, now: NaiveDateTime) -> Result<Option<u32>> {
    let mut counted = Vec::new();
    let mut ready = now;
    for counter in attempt.counters() {
        let (count, last_at) = lock(conn, &counter.key, now)?;
        let count = if now - last_at < MEMORY { count } else { 0 };
        ready = ready.max(counter.ready_at(count, last_at));
        counted.push((counter.key, count + 1));
    }
    if ready > now {
        return Ok(Some(u32::try_from((ready - now).num_seconds() + 1).unwrap_or(u32::MAX)));
    }
    for (key, count) in counted {
        let values = (counters::count.eq(count), counters::last_at.eq(now));
        diesel::update(counters::table.find(key)).set(values).execute(conn)?;
    }
    Ok(None)
}

/// The count of a key and its last failure, locked until the end of the transaction.
fn lock(conn: &mut Connection, key: &str, now: NaiveDateTime) -> Result<(i64, NaiveDateTime)> {
    let locked = |conn: &mut Connection| {
        diesel::update(counters::table.find(key))
            .set(counters::count.eq(counters::count))
            .returning((counters::count, counters::last_at))
            .get_result(conn)
            .optional()
    };
    if let Some(found) = locked(conn)? {
        return Ok(found);
    }
    let new = (counters::key.eq(key), counters::count.eq(0), counters::last_at.eq(now));
    unless_taken(conn, |conn| diesel::insert_into(counters::table).values(new).execute(conn))?;
    // Nobody removes a new counter.
    Ok(locked(conn)?.unwrap_or((0, now)))
}

/// Resets the user's failures in this network or browser, and subtracts this attempt elsewhere.
pub fn succeeded(conn: &mut Connection, attempt: &Attempt) -> Result<()> {
    for counter in attempt.counters() {
        let row = counters::table.find(counter.key);
        if counter.is_own {
            diesel::update(row).set(counters::count.eq(0)).execute(conn)?;
        } else {
            let counted = row.filter(counters::count.gt(0));
            diesel::update(counted).set(counters::count.eq(counters::count - 1)).execute(conn)?;
        }
    }
    Ok(())
}

/// Removes counters that no longer count.
pub fn forget(conn: &mut Connection, now: NaiveDateTime) -> Result<()> {
    diesel::delete(counters::table.filter(counters::last_at.lt(now - MEMORY))).execute(conn)?;
    Ok(())
}
