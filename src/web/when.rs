//! A stored moment as a person in a time zone reads it.

use chrono::{DateTime, NaiveDateTime, SecondsFormat, SubsecRound, TimeDelta, Timelike, Utc};
use chrono_tz::Tz;

/// One moment, for people and for machines.
#[derive(Clone, Debug)]
pub struct When {
    /// RFC 3339 in UTC.
    pub iso: String,
    /// Date and minute in the reader's time zone.
    pub text: String,
}

impl When {
    /// `at` (UTC) for a reader in `zone`.
    #[must_use]
    pub fn new(at: NaiveDateTime, zone: Tz) -> Self {
        let at = at.and_utc();
        Self {
            iso: at.to_rfc3339_opts(SecondsFormat::Secs, true),
            text: at.with_timezone(&zone).format("%-d %b %Y, %H:%M").to_string(),
        }
    }
}

/// The zone of that IANA name, or UTC where there is none.
#[must_use]
pub fn zone(name: &str) -> Tz {
    name.parse().unwrap_or(Tz::UTC)
}

/// A length of time in its two largest units: `3 d 4 h`, `12 min`, `40 s`.
#[must_use]
pub fn duration(seconds: i64) -> String {
    let delta = TimeDelta::seconds(seconds.max(0));
    let (days, hours, minutes) = (delta.num_days(), delta.num_hours() % 24, delta.num_minutes() % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{} s", delta.num_seconds()),
        (0, 0, _) => format!("{minutes} min"),
        (0, _, _) => format!("{hours} h {minutes} min"),
        _ => format!("{days} d {hours} h"),
    }
}

/// RFC 3339 in UTC with microseconds, as cursors carry it.
#[must_use]
pub fn exact(at: NaiveDateTime) -> String {
    at.and_utc().to_rfc3339_opts(SecondsFormat::Micros, true)
}

/// Reads what [`exact`] wrote.
#[must_use]
pub fn parse_exact(text: &str) -> Option<NaiveDateTime> {
    DateTime::parse_from_rfc3339(text).ok().map(|at| exact_utc(at.with_timezone(&Utc)))
}

/// A moment as both engines keep it: cut to microseconds, a leap second as the
/// second after it.
#[must_use]
pub fn exact_utc(at: DateTime<Utc>) -> NaiveDateTime {
    let at = at.naive_utc().trunc_subsecs(6);
    let in_leap_second = at.nanosecond().checked_sub(1_000_000_000);
    let moved = in_leap_second.and_then(|rest| (at.with_nanosecond(rest)?).checked_add_signed(TimeDelta::seconds(1)));
    moved.unwrap_or(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_shown_in_the_readers_zone() {
        let at = parse_exact("2026-03-29T00:59:59.5Z").unwrap();
        assert_eq!(When::new(at, zone("Europe/Berlin")).text, "29 Mar 2026, 01:59");
        let later = at + TimeDelta::seconds(1);
        assert_eq!(When::new(later, zone("Europe/Berlin")).text, "29 Mar 2026, 03:00");
        assert_eq!(When::new(at, zone("no such zone")).text, "29 Mar 2026, 00:59");
    }

    #[test]
    fn a_leap_second_is_the_second_after_it() {
        for (text, expected) in [
            ("2024-06-30T23:59:60Z", "2024-07-01T00:00:00.000000Z"),
            ("2016-12-31T23:59:60.5Z", "2017-01-01T00:00:00.500000Z"),
            ("2024-06-30T23:59:59.1234567Z", "2024-06-30T23:59:59.123456Z"),
        ] {
            assert_eq!(exact(parse_exact(text).unwrap()), expected);
        }
    }

    #[test]
    fn durations_keep_their_two_largest_units() {
        let cases = [(0, "0 s"), (-5, "0 s"), (59, "59 s"), (61, "1 min"), (3_660, "1 h 1 min"), (97_200, "1 d 3 h")];
        for (seconds, text) in cases {
            assert_eq!(duration(seconds), text);
        }
    }
}
