//! The operators of a search for tickets: `status:closed`, `-tag:vip`, `created:2026-11`.

use crate::error::Result;
use crate::search;
use crate::search::{Piece, Term, pieces, terms};
use crate::tickets::filter::{Assignee, Statuses};
use crate::tickets::tags::parse_tag;
use chrono::{Days, Months, NaiveDate, NaiveDateTime, TimeZone};
use chrono_tz::Tz;

/// Their names, as they are typed before the colon.
pub const OPERATORS: [&str; 9] = ["status", "tag", "assignee", "from", "has", "before", "after", "created", "closed"];

/// Who searches: decides what `me` and a day are.
#[derive(Clone, Copy, Debug)]
pub struct Searcher {
    pub user_id: Option<i64>,
    pub zone: Tz,
}

/// From a time, before a time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    pub from: Option<NaiveDateTime>,
    pub until: Option<NaiveDateTime>,
}

/// What an operator asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    Statuses(Statuses),
    Tag(String),
    Assignee(Assignee),
    /// Part of the assignee's name.
    AssigneeNamed(String),
    Files,
    Created(Span),
    Closed(Span),
    Number(i64),
}

/// A condition on tickets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition {
    pub is_not: bool,
    pub wanted: Wanted,
}

/// Splits a search into conditions and words. An operator with a value that it does not know
/// is words.
///
/// # Errors
/// *Invalid* when the words cannot be searched for; see [`terms`].
pub fn parse(query: &str, searcher: Searcher) -> Result<(Vec<Condition>, Vec<Term>)> {
    let (mut conditions, mut words, mut requesters) = (Vec::new(), Vec::new(), Vec::new());
    for piece in pieces(query, &OPERATORS) {
        let requester = (piece.name == "from").then(|| search::requester_term(&piece.value, piece.is_not)).flatten();
        match (wanted(&piece, searcher), requester) {
            (Some(wanted), _) => conditions.push(Condition { is_not: piece.is_not, wanted }),
            (_, Some(term)) => requesters.push(term),
            _ => words.push(Piece { value: query[piece.range.clone()].trim_matches(['-', '"']).to_owned(), ..piece }),
        }
    }
    Ok((conditions, [terms(query, &words)?, requesters].concat()))
}

fn wanted(piece: &Piece, searcher: Searcher) -> Option<Wanted> {
    let value = piece.value.trim();
    if value.is_empty() {
        return None;
    }
    Some(match piece.name.as_str() {
        "status" => Wanted::Statuses(match value {
            "open" => Statuses::Open,
            "all" => Statuses::All,
            word => Statuses::Only(word.parse().ok()?),
        }),
        "tag" => Wanted::Tag(parse_tag(value).ok()?),
        "assignee" => match value {
            "me" => Wanted::Assignee(Assignee::User(searcher.user_id?)),
            "none" => Wanted::Assignee(Assignee::Nobody),
            id if id.bytes().all(|byte| byte.is_ascii_digit()) => Wanted::Assignee(Assignee::User(id.parse().ok()?)),
            name => Wanted::AssigneeNamed(name.to_owned()),
        },
        "has" if matches!(value, "attachment" | "attachments" | "file" | "files") => Wanted::Files,
        "created" => Wanted::Created(span(value, searcher.zone)?),
        "closed" => Wanted::Closed(span(value, searcher.zone)?),
        "before" => Wanted::Created(Span { from: None, until: span(value, searcher.zone)?.from }),
        "after" => Wanted::Created(Span { until: None, ..span(value, searcher.zone)? }),
        "" if !piece.is_quoted => Wanted::Number(value.strip_prefix('#')?.parse().ok()?),
        _ => return None,
    })
}

/// A day, a month, a year, or a range of them, of which either end may be missing.
fn span(value: &str, zone: Tz) -> Option<Span> {
    let Some((from, until)) = value.split_once("..") else {
        let (first, next) = days(value)?;
        return Some(Span { from: Some(midnight(first, zone)?), until: Some(midnight(next, zone)?) });
    };
    let bound = |typed: &str, is_end: bool| -> Option<Option<NaiveDateTime>> {
        if typed.is_empty() {
            return Some(None);
        }
        let (first, next) = days(typed)?;
        midnight(if is_end { next } else { first }, zone).map(Some)
    };
    let span = Span { from: bound(from, false)?, until: bound(until, true)? };
    (span != Span::default()).then_some(span)
}

/// The first day of a date, and the first one after it.
fn days(date: &str) -> Option<(NaiveDate, NaiveDate)> {
    let parts: Vec<&str> = date.split('-').collect();
    if parts.iter().any(|part| part.is_empty() || !part.bytes().all(|byte| byte.is_ascii_digit())) {
        return None;
    }
    let number = |index: usize| parts.get(index).map_or(Some(1), |part| part.parse().ok());
    let first = NaiveDate::from_ymd_opt(parts[0].parse().ok()?, number(1)?, number(2)?)?;
    let next = match parts.len() {
        1 => first.checked_add_months(Months::new(12)),
        2 => first.checked_add_months(Months::new(1)),
        3 => first.checked_add_days(Days::new(1)),
        _ => None,
    };
    Some((first, next?)).filter(|_| parts[0].len() == 4)
}

/// The beginning of a day in UTC. Where clocks skip midnight, the first hour that exists.
fn midnight(day: NaiveDate, zone: Tz) -> Option<NaiveDateTime> {
    let hours = (0..3).filter_map(|hour| zone.from_local_datetime(&day.and_hms_opt(hour, 0, 0)?).earliest());
    hours.map(|at| at.naive_utc()).next()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tickets::status::Status;

    #[test]
    fn operators_are_told_from_words() {
        let searcher = Searcher { user_id: Some(4), zone: Tz::Europe__Berlin };
        let at = |text: &str| text.parse::<NaiveDateTime>().ok();
        let query = "refund -status:closed tag:\"Big order\" assignee:me assignee:lena from:ana has:attachment #12 \
                     created:2026-03-29 before:2026-11 status:nonsense has:wings http://a.example";
        let (conditions, words) = parse(query, searcher).unwrap();
        let wanted: Vec<Wanted> = conditions.iter().map(|condition| condition.wanted.clone()).collect();
        assert_eq!(
            wanted,
            [
                Wanted::Statuses(Statuses::Only(Status::Closed)),
                Wanted::Tag("big order".into()),
                Wanted::Assignee(Assignee::User(4)),
                Wanted::AssigneeNamed("lena".into()),
                Wanted::Files,
                Wanted::Number(12),
                // The day on which the clocks go forward has 23 hours.
                Wanted::Created(Span { from: at("2026-03-28T23:00:00"), until: at("2026-03-29T22:00:00") }),
                Wanted::Created(Span { from: None, until: at("2026-10-31T23:00:00") }),
            ]
        );
        assert_eq!(conditions.iter().filter(|condition| condition.is_not).count(), 1);
        let words: Vec<String> = words.iter().map(|term| term.any[0][0].words.join(" ")).collect();
        assert_eq!(words, ["refund", "status nonsense", "has wings", "http a example", "\u{e000}ana"]);
    }

    #[test]
    fn dates_are_days_months_years_and_ranges() {
        let at = |text: &str| format!("{text}T00:00:00").parse::<NaiveDateTime>().unwrap();
        let shown = |value: &str| span(value, Tz::UTC).map(|span| (span.from, span.until));
        let both = |from: &str, until: &str| Some((Some(at(from)), Some(at(until))));
        assert_eq!(shown("2026"), both("2026-01-01", "2027-01-01"));
        assert_eq!(shown("2026-12"), both("2026-12-01", "2027-01-01"));
        assert_eq!(shown("2026-11-25..2026-12"), both("2026-11-25", "2027-01-01"));
        assert_eq!(shown("..2026-11-25"), Some((None, Some(at("2026-11-26")))));
        assert_eq!(shown("2026-11-25.."), Some((Some(at("2026-11-25")), None)));
        for wrong in ["", "..", "26-11-25", "2026-13", "2026-02-30", "2026-1-1-1", "yesterday", "999999"] {
            assert_eq!(shown(wrong), None, "{wrong}");
        }
    }
}
