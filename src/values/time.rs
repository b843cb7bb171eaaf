//! Times as both engines store them, and time zones.

use crate::error::{Error, Result};
use chrono::{DateTime, NaiveDateTime, SecondsFormat, SubsecRound, TimeDelta, Timelike, Utc};
use chrono_tz::Tz;

/// The time zone with this IANA name, or UTC if there is none.
pub fn zone(name: &str) -> Tz {
    name.parse().unwrap_or(Tz::UTC)
}

/// The IANA name of a browser's time zone; `None` if it is unknown.
pub fn known_zone(name: &str) -> Option<String> {
    parse_zone(name).ok()
}

/// Checks a time zone and returns its IANA name.
pub fn parse_zone(name: &str) -> Result<String> {
    let zone = Tz::from_str_insensitive(name.trim());
    zone.map(|zone| zone.name().to_owned()).map_err(|_| Error::invalid("Unknown time zone."))
}

/// RFC 3339 in UTC with microseconds, as used in cursors.
pub fn exact(at: NaiveDateTime) -> String {
    at.and_utc().to_rfc3339_opts(SecondsFormat::Micros, true)
}

/// Reads the output of [`exact`].
pub fn parse_exact(text: &str) -> Option<NaiveDateTime> {
    DateTime::parse_from_rfc3339(text).ok().map(|at| exact_utc(at.with_timezone(&Utc)))
}

/// A time as both engines store it: truncated to microseconds, a leap second as the
/// second after it.
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
    fn a_leap_second_is_the_second_after_it() {
        for (text, expected) in [
            ("2024-06-30T23:59:60Z", "2024-07-01T00:00:00.000000Z"),
            ("2016-12-31T23:59:60.5Z", "2017-01-01T00:00:00.500000Z"),
            ("2024-06-30T23:59:59.1234567Z", "2024-06-30T23:59:59.123456Z"),
        ] {
            assert_eq!(exact(parse_exact(text).unwrap()), expected);
        }
    }
}
