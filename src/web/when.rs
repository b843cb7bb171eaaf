//! Formats stored times for the reader's time zone.

use chrono::format::{Item, StrftimeItems};
use chrono::{Datelike, NaiveDateTime, SecondsFormat, TimeDelta};
use chrono_tz::Tz;
use std::sync::LazyLock;

/// Date and minute, parsed once: a list formats a hundred times.
static MINUTE: LazyLock<Vec<Item>> = LazyLock::new(|| StrftimeItems::new("%-d %b %Y, %H:%M").collect());

/// A point in time, for people and for machines.
#[derive(Clone, Debug)]
pub struct When {
    /// RFC 3339 in UTC.
    pub iso: String,
    /// Date and minute in the reader's time zone.
    pub text: String,
    /// How long ago it was, if the page says that: `12 min`.
    pub ago: Option<String>,
    at: NaiveDateTime,
    zone: Tz,
}

impl When {
    /// `at` (UTC) for a reader in `zone`.
    pub fn new(at: NaiveDateTime, zone: Tz) -> Self {
        let utc = at.and_utc();
        Self {
            iso: utc.to_rfc3339_opts(SecondsFormat::Secs, true),
            text: utc.with_timezone(&zone).format_with_items(MINUTE.iter()).to_string(),
            ago: None,
            at,
            zone,
        }
    }

    /// The same time, shown as how long before `now` (UTC) it was. `static/js/frame/times.js`
    /// keeps it up to date in the same words.
    pub fn since(self, now: NaiveDateTime) -> Self {
        let ago = now - self.at;
        let (here, today) = [self.at, now].map(|at| at.and_utc().with_timezone(&self.zone)).into();
        let text = match (ago.num_minutes(), ago.num_hours(), ago.num_days()) {
            (..1, ..) => "now".to_owned(),
            (minutes @ ..60, ..) => format!("{minutes} min"),
            (_, hours @ ..24, _) => format!("{hours} h"),
            (_, _, days @ ..7) => format!("{days} d"),
            _ if here.year() == today.year() => here.format("%-d %b").to_string(),
            _ => here.format("%-d %b %Y").to_string(),
        };
        Self { ago: Some(text), ..self }
    }

    /// The day in the reader's time zone.
    pub fn day(&self) -> String {
        self.at.and_utc().with_timezone(&self.zone).format("%A, %-d %B %Y").to_string()
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
    fn times_tell_how_long_ago_they_were() {
        let now = parse_exact("2026-03-29T12:00:00Z").unwrap();
        let cases = [
            (-90, "now"),
            (59, "now"),
            (60, "1 min"),
            (3_599, "59 min"),
            (3_600, "1 h"),
            (86_400, "1 d"),
            (6 * 86_400, "6 d"),
            (7 * 86_400, "22 Mar"),
            (100 * 86_400, "19 Dec 2025"),
        ];
        for (seconds, text) in cases {
            let when = When::new(now - TimeDelta::seconds(seconds), zone("Europe/Berlin")).since(now);
            assert_eq!(when.ago.as_deref(), Some(text));
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
