//! Numbers for reports. They are kept by the transactions that change what they count, so
//! that a report reads a few rows for each week, however much there is.

pub mod build;
pub mod histogram;
pub mod read;

use crate::db::schema::accounts;
use crate::db::{Connection, cells};
use crate::error::Result;
use crate::figures::histogram::bucket;
use crate::values::time;
use crate::words;
use chrono::{Datelike, NaiveDate, NaiveDateTime, Weekday};
use chrono_tz::Tz;
use diesel::deserialize::FromSqlRow;
use diesel::expression::AsExpression;
use diesel::prelude::*;
use diesel::sql_types::Text;
use std::collections::BTreeMap;

/// What is counted.
#[derive(AsExpression, Clone, Copy, Debug, Eq, FromSqlRow, Hash, Ord, PartialEq, PartialOrd)]
#[diesel(sql_type = Text)]
pub enum Measure {
    /// Tickets that are open now.
    OpenNow,
    /// Tickets that are closed now.
    ClosedNow,
    /// Tickets created in a week.
    Opened,
    /// Tickets whose latest reopening was in a week.
    Reopened,
    /// Tickets whose latest close was in a week, by the time from creation to it.
    Resolution,
    /// The same tickets, by how long they were open, without the time between a close and a
    /// reopening.
    OpenTime,
    /// Conversations whose first reply was in a week, by how long the visitor waited.
    FirstReply,
}

words!(Measure, "unknown measure");

impl Measure {
    const ALL: [Self; 7] = [
        Self::OpenNow,
        Self::ClosedNow,
        Self::Opened,
        Self::Reopened,
        Self::Resolution,
        Self::OpenTime,
        Self::FirstReply,
    ];

    fn as_str(self) -> &'static str {
        match self {
            Self::OpenNow => "open_now",
            Self::ClosedNow => "closed_now",
            Self::Opened => "opened",
            Self::Reopened => "reopened",
            Self::Resolution => "resolution",
            Self::OpenTime => "open_time",
            Self::FirstReply => "first_reply",
        }
    }
}

/// By what it is counted.
#[derive(AsExpression, Clone, Copy, Debug, Eq, FromSqlRow, Hash, Ord, PartialEq, PartialOrd)]
#[diesel(sql_type = Text)]
pub enum Dimension {
    /// All together, under the key 0.
    All,
    /// By the id of a tag.
    Tag,
    /// By source: 0 without, 1 conversation, 2 form.
    Source,
    /// By the id of a user; 0 for nobody.
    Assignee,
}

words!(Dimension, "unknown dimension");

impl Dimension {
    const ALL: [Self; 4] = [Self::All, Self::Tag, Self::Source, Self::Assignee];

    fn as_str(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Tag => "tag",
            Self::Source => "source",
            Self::Assignee => "assignee",
        }
    }
}

/// Something that counts, in each of its dimensions.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    pub keys: Vec<(Dimension, i64)>,
    /// Measures, the time by which they belong to a week, and durations in seconds.
    pub counted: Vec<(Measure, Option<NaiveDateTime>, i64)>,
}

/// A row of the table, without its account and generation.
type Cell = (Dimension, Measure, i64, i64, i64);

impl Tally {
    fn add_to(&self, cells: &mut BTreeMap<Cell, i64>, zone: Tz, count: i64) {
        for (dimension, key) in &self.keys {
            for (measure, at, seconds) in &self.counted {
                let week = at.map_or(0, |at| week_of(at, zone));
                let bucket = match measure {
                    Measure::Resolution | Measure::OpenTime | Measure::FirstReply => bucket(*seconds),
                    _ => 0,
                };
                *cells.entry((*dimension, *measure, *key, week, bucket)).or_default() += count;
            }
        }
    }
}

/// The Monday of the week of a time, as days since 1970.
pub fn week_of(at: NaiveDateTime, zone: Tz) -> i64 {
    let day = at.and_utc().with_timezone(&zone).date_naive();
    days(day.week(Weekday::Mon).checked_first_day().unwrap_or(day))
}

/// Days since 1970.
pub fn days(day: NaiveDate) -> i64 {
    i64::from(day.num_days_from_ce()) - i64::from(NaiveDate::default().num_days_from_ce())
}

/// The day that is so many days after the beginning of 1970.
pub fn day(days: i64) -> NaiveDate {
    NaiveDate::default().checked_add_signed(chrono::TimeDelta::days(days)).unwrap_or_default()
}

/// Which generations of numbers an account has.
#[derive(Clone, Debug)]
struct Generations {
    number: i64,
    /// `None` until the first one is built.
    zone: Option<Tz>,
    /// The time zone of the next one, while it is built, and the last subject that it counts.
    next: Option<(Tz, i64)>,
}

impl Generations {
    /// Those that count a subject already, each with its time zone.
    fn counting(self, subject: Subject) -> impl Iterator<Item = (i64, Tz)> {
        let next = self.next.filter(|(_, place)| subject.place() <= *place).map(|(zone, _)| (self.number + 1, zone));
        self.zone.map(|zone| (self.number, zone)).into_iter().chain(next)
    }
}

fn generations(conn: &mut Connection, account_id: i64) -> Result<Generations> {
    let (number, zone, next, place): (i64, String, String, i64) = accounts::table
        .find(account_id)
        .select((accounts::figures_generation, accounts::figures_zone, accounts::figures_next, accounts::figures_place))
        .first(conn)?;
    let known = |name: &str| (!name.is_empty()).then(|| time::zone(name));
    Ok(Generations { number, zone: known(&zone), next: known(&next).map(|zone| (zone, place)) })
}

/// What the numbers are about: places in the order in which they are built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// A ticket by id.
    Ticket(i64),
    /// A conversation by row.
    Conversation(i64),
}

/// Ids are smaller.
const CONVERSATIONS: i64 = 1 << 60;

impl Subject {
    fn place(self) -> i64 {
        match self {
            Self::Ticket(id) => id,
            Self::Conversation(seq) => CONVERSATIONS + seq,
        }
    }
}

/// Counts a change, in the transaction of the change itself, which has locked the subject.
pub fn change(conn: &mut Connection, account_id: i64, subject: Subject, before: &Tally, after: &Tally) -> Result<()> {
    for (generation, zone) in generations(conn, account_id)?.counting(subject) {
        let mut cells = BTreeMap::new();
        before.add_to(&mut cells, zone, -1);
        after.add_to(&mut cells, zone, 1);
        add(conn, account_id, generation, cells)?;
    }
    Ok(())
}

/// Counts new subjects, of which `last` is one, in the transaction that has added them.
pub fn count_new(conn: &mut Connection, account_id: i64, tallies: &[Tally], last: Subject) -> Result<()> {
    for (generation, zone) in generations(conn, account_id)?.counting(last) {
        let mut cells = BTreeMap::new();
        for tally in tallies {
            tally.add_to(&mut cells, zone, 1);
        }
        add(conn, account_id, generation, cells)?;
    }
    Ok(())
}

/// Adds to cells, always in the same order, so that two transactions cannot deadlock.
fn add(conn: &mut Connection, account_id: i64, generation: i64, cells: BTreeMap<Cell, i64>) -> Result<()> {
    let cell = |((dimension, measure, key, week, bucket), count): (Cell, i64)| cells::Cell {
        words: [dimension.as_str(), measure.as_str()],
        numbers: [key, week, bucket, count],
    };
    let cells: Vec<cells::Cell> = cells.into_iter().filter(|(_, count)| *count != 0).map(cell).collect();
    Ok(cells::add(conn, account_id, generation, &cells)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weeks_begin_on_monday_where_the_account_is() {
        let at = |text: &str| text.parse::<NaiveDateTime>().unwrap();
        let monday = |at, zone| day(week_of(at, zone)).to_string();
        assert_eq!(monday(at("2026-11-29T22:59:59"), Tz::Europe__Berlin), "2026-11-23");
        assert_eq!(monday(at("2026-11-29T23:00:00"), Tz::Europe__Berlin), "2026-11-30");
        assert_eq!(monday(at("2026-11-29T23:00:00"), Tz::America__New_York), "2026-11-23");
        assert_eq!(week_of(at("1970-01-01T00:00:00"), Tz::UTC), -3);
    }
}
