//! Formats stored times for the reader's time zone.

use chrono::{NaiveDateTime, SecondsFormat, TimeDelta};
use chrono_tz::Tz;

/// A point in time, for people and for machines.
#[derive(Clone, Debug)]
pub struct When {
    /// RFC 3339 in UTC.
    pub iso: String,
    /// Date and minute in the reader's time zone.
    pub text: String,
}

impl When {
    /// `at` (UTC) for a reader in `zone`.
    pub fn new(at: NaiveDateTime, zone: Tz) -> Self {
        let at = at.and_utc();
        Self {
            iso: at.to_rfc3339_opts(SecondsFormat::Secs, true),
            text: at.with_timezone(&zone).format("%-d %b %Y, %H:%M").to_string(),
        }
    }
}

/// Formats a duration in its two largest units: `3 d 4 h`, `12 min`, `40 s`.
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::values::time::{parse_exact, zone};

    #[test]
    fn times_are_shown_in_the_readers_zone() {
        let at = parse_exact("2026-03-29T00:59:59.5Z").unwrap();
        assert_eq!(When::new(at, zone("Europe/Berlin")).text, "29 Mar 2026, 01:59");
        let later = at + TimeDelta::seconds(1);
        assert_eq!(When::new(later, zone("Europe/Berlin")).text, "29 Mar 2026, 03:00");
        assert_eq!(When::new(at, zone("no such zone")).text, "29 Mar 2026, 00:59");
    }

    #[test]
    fn durations_keep_their_two_largest_units() {
        let cases = [(0, "0 s"), (-5, "0 s"), (59, "59 s"), (61, "1 min"), (3_660, "1 h 1 min"), (97_200, "1 d 3 h")];
        for (seconds, text) in cases {
            assert_eq!(duration(seconds), text);
        }
    }
}
