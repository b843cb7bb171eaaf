//! `/reports`: what was opened and closed, and how long it took, by week.

use crate::accounts::agent::Agent;
use crate::accounts::user;
use crate::conversations::conversation;
use crate::db::Connection;
use crate::desk::charts::Bars;
use crate::error::{Error, Result};
use crate::figures::histogram::Histogram;
use crate::figures::read::Week;
use crate::figures::{Dimension, day, days, read, week_of};
use crate::tickets::line::Line;
use crate::tickets::tags::parse_tag;
use crate::tickets::{list, themes};
use crate::web::AppData;
use crate::web::csv::{CONTENT_TYPE, Rows, download};
use crate::web::layout::Layout;
use crate::web::lists::Choice;
use crate::web::query::Query;
use crate::web::when::{When, duration};
use actix_web::HttpResponse;
use askama::Template;
use chrono::{NaiveDate, NaiveDateTime};
use chrono_tz::Tz;
use serde::Deserialize;
use std::collections::{BTreeMap, HashMap};

/// Weeks that a report covers unless asked otherwise, and most weeks.
const USUAL: i64 = 12;
const MOST: i64 = 520;
/// Rows of a breakdown.
const SHOWN: usize = 20;
/// What has been waiting longest.
const WAITING: i64 = 10;

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct ReportQuery {
    /// Days; the weeks that contain them are the first and the last.
    from: String,
    to: String,
    tag: String,
    source: String,
    /// A user's id, or `none`.
    assignee: String,
}

/// What a report is about.
#[derive(Clone, Debug)]
struct Wanted {
    dimension: Dimension,
    key: i64,
}

impl ReportQuery {
    /// # Errors
    /// *Invalid* for more than one filter, and for unknown words; *not found* for an unknown
    /// tag.
    fn wanted(&self, conn: &mut Connection, account_id: i64) -> Result<Wanted> {
        let given = [&self.tag, &self.source, &self.assignee].into_iter().filter(|value| !value.is_empty());
        if given.count() > 1 {
            return Err(Error::invalid("Choose a tag, a source or an assignee: a report shows one of them."));
        }
        let key = |dimension, key| Ok(Wanted { dimension, key });
        match (self.tag.as_str(), self.source.as_str(), self.assignee.as_str()) {
            ("", "", "") => key(Dimension::All, 0),
            ("", "none", _) => key(Dimension::Source, 0),
            ("", "chat", _) => key(Dimension::Source, 1),
            ("", "form", _) => key(Dimension::Source, 2),
            ("", "", "none") => key(Dimension::Assignee, 0),
            ("", "", id) => key(
                Dimension::Assignee,
                id.parse().map_err(|_| Error::invalid("assignee must be a user’s id, or none."))?,
            ),
            ("", ..) => Err(Error::invalid("source must be chat, form or none.")),
            (tag, ..) => key(Dimension::Tag, themes::find(conn, account_id, &parse_tag(tag)?)?.id),
        }
    }

    /// The first and the last week.
    ///
    /// # Errors
    /// *Invalid* when a day is none, or the last is before the first.
    fn weeks(&self, now: NaiveDateTime, zone: Tz) -> Result<(i64, i64)> {
        let day = |typed: &str| -> Result<Option<i64>> {
            if typed.is_empty() {
                return Ok(None);
            }
            let day: NaiveDate = typed.parse().map_err(|_| Error::invalid("from and to are days, like 2026-11-26."))?;
            // The Monday of its week.
            Ok(Some((days(day) + 3).div_euclid(7) * 7 - 3))
        };
        let last = day(&self.to)?.unwrap_or_else(|| week_of(now, zone));
        let first = day(&self.from)?.unwrap_or(last - 7 * (USUAL - 1));
        if first > last {
            return Err(Error::invalid("The first day is after the last one."));
        }
        Ok((first.max(last - 7 * (MOST - 1)), last))
    }
}

/// Numbers of a report, ready to be shown.
struct Numbers {
    label: String,
    opened: i64,
    closed: i64,
    reopened: i64,
    resolution: Span,
    open_time: Span,
    first_reply: Span,
}

/// Median and 90th percentile of durations, in seconds.
#[derive(Clone, Copy, Debug, Default)]
struct Span {
    median: Option<i64>,
    p90: Option<i64>,
}

impl Span {
    fn of(histogram: &Histogram) -> Self {
        Self { median: histogram.percentile(50), p90: histogram.percentile(90) }
    }

    fn median(&self) -> String {
        self.median.map_or_else(|| "–".into(), duration)
    }

    fn p90(&self) -> String {
        self.p90.map_or_else(|| "–".into(), duration)
    }
}

impl Numbers {
    fn new(label: String, week: &Week) -> Self {
        Self {
            label,
            opened: week.opened,
            closed: week.resolution.count(),
            reopened: week.reopened,
            resolution: Span::of(&week.resolution),
            open_time: Span::of(&week.open_time),
            first_reply: Span::of(&week.first_reply),
        }
    }
}

fn sum(weeks: Option<&BTreeMap<i64, Week>>) -> Week {
    let mut all = Week::default();
    for week in weeks.into_iter().flat_map(BTreeMap::values) {
        all.join(week);
    }
    all
}

/// The report of one thing, week by week.
struct Report {
    weeks: Vec<Numbers>,
    total: Numbers,
}

fn report(conn: &mut Connection, account_id: i64, wanted: &Wanted, (first, last): (i64, i64)) -> Result<Report> {
    let found = read::weeks(conn, account_id, wanted.dimension, &[wanted.key], first..=last)?;
    let found = found.get(&wanted.key);
    let weeks = (0..=(last - first) / 7).map(|index| first + 7 * index);
    let of = |week: i64| found.and_then(|found| found.get(&week)).cloned().unwrap_or_default();
    let weeks = weeks.map(|week| Numbers::new(day(week).to_string(), &of(week))).collect();
    Ok(Report { weeks, total: Numbers::new("All weeks".into(), &sum(found)) })
}

/// Something that has been waiting.
struct Waiting {
    text: String,
    path: String,
    since: When,
}

#[derive(Template)]
#[template(path = "desk/reports.html")]
struct ReportsPage<'a> {
    layout: &'a Layout,
    /// What is wrong with the query.
    error: Option<Error>,
    from: String,
    to: String,
    tag: &'a str,
    sources: Vec<Choice>,
    assignees: Vec<Choice>,
    zone: Option<Tz>,
    is_building: bool,
    total: Option<Numbers>,
    weeks: Vec<Numbers>,
    counts: Bars,
    times: Bars,
    /// Whether first replies are known: those of all conversations together.
    has_replies: bool,
    parts: Vec<(&'static str, Vec<Numbers>)>,
    visitors: Vec<Waiting>,
    oldest: Vec<Waiting>,
    csv: String,
}

/// `GET /reports`
pub async fn show(app: AppData, agent: Agent, layout: Layout, query: Query<ReportQuery>) -> Result<HttpResponse> {
    let (account_id, now, wanted) = (agent.account_id, app.clock.now(), query.clone());
    let load = move |conn: &mut Connection| {
        let zone = read::zone(conn, account_id)?;
        let range = wanted.weeks(now, zone.unwrap_or_default());
        let found = range.and_then(|range| {
            let subject = wanted.wanted(conn, account_id)?;
            let report = report(conn, account_id, &subject, range)?;
            let parts = if subject.dimension == Dimension::All { parts(conn, account_id, range)? } else { Vec::new() };
            Ok((range, subject, report, parts))
        });
        let visitors = conversation::waiting_longest(conn, account_id, WAITING)?;
        let oldest = list::oldest_open(conn, account_id, WAITING)?;
        let team = user::members(conn, account_id)?;
        Ok((zone, read::is_building(conn, account_id)?, found, visitors, oldest, team))
    };
    let (zone, is_building, found, visitors, oldest, team) = app.db.read(load).await?;
    let (found, error) = match found {
        Ok(found) => (Some(found), None),
        Err(error) => (None, Some(error)),
    };
    let choice = |value: &str, label: &str, chosen: &str| Choice {
        value: value.into(),
        label: label.into(),
        is_chosen: value == chosen,
    };
    let sources = [("", "Any source"), ("chat", "Conversation"), ("form", "Form"), ("none", "No source")];
    let mut assignees =
        vec![choice("", "Any assignee", &query.assignee), choice("none", "Unassigned", &query.assignee)];
    assignees.extend(team.iter().map(|user| choice(&user.id.to_string(), &user.name, &query.assignee)));
    let waiting = |path: String, text: String, at| Waiting { text, path, since: When::new(at, agent.zone).since(now) };
    let visitors = visitors.into_iter().filter_map(|row| {
        let text = format!("{}: {}", row.visitor(), row.last_message);
        Some(waiting(format!("/conversations/{}", row.id), text, row.waiting_since?))
    });
    let oldest = oldest.into_iter().map(|line: Line| {
        waiting(format!("/tickets/{}", line.number), format!("#{} {}", line.number, line.title), line.created_at)
    });
    let (range, subject, report, parts) = match found {
        Some((range, subject, report, parts)) => (Some(range), Some(subject), Some(report), parts),
        None => (None, None, None, Vec::new()),
    };
    let (weeks, total) = report.map_or((Vec::new(), None), |report| (report.weeks, Some(report.total)));
    let label = |numbers: &Numbers| {
        let day: Result<NaiveDate, _> = numbers.label.parse();
        day.map_or_else(|_| String::new(), |day| day.format("%-d %b").to_string())
    };
    let counts: Vec<(String, Vec<i64>)> =
        weeks.iter().map(|week| (label(week), vec![week.opened, week.closed, week.reopened])).collect();
    let hours = |seconds: Option<i64>| seconds.map_or(0, |seconds| (seconds + 1_800) / 3_600);
    let times: Vec<(String, Vec<i64>)> = weeks
        .iter()
        .map(|week| (label(week), vec![hours(week.resolution.median), hours(week.resolution.p90)]))
        .collect();
    let typed = |typed: &str, week: Option<i64>, plus: i64| {
        if typed.is_empty() { week.map(|week| day(week + plus).to_string()).unwrap_or_default() } else { typed.into() }
    };
    let page = ReportsPage {
        layout: &layout,
        error,
        from: typed(&query.from, range.map(|(first, _)| first), 0),
        to: typed(&query.to, range.map(|(_, last)| last), 6),
        tag: &query.tag,
        sources: sources.into_iter().map(|(value, label)| choice(value, label, &query.source)).collect(),
        assignees,
        zone,
        is_building,
        has_replies: subject.is_some_and(|subject| subject.dimension == Dimension::All),
        total,
        counts: Bars::new(720, 160, &counts, &["opened", "closed", "reopened"]),
        times: Bars::new(720, 160, &times, &["median hours", "90th percentile hours"]),
        weeks,
        parts,
        visitors: visitors.collect(),
        oldest: oldest.collect(),
        csv: layout.list("/reports.csv", query.parts(), &[]),
    };
    layout.page_showing(page.error.as_ref(), &page)
}

impl ReportQuery {
    fn parts(&self) -> [(&'static str, &str); 5] {
        [
            ("from", &self.from),
            ("to", &self.to),
            ("tag", &self.tag),
            ("source", &self.source),
            ("assignee", &self.assignee),
        ]
    }
}

/// The same numbers by source, assignee and tag: those with the most tickets.
fn parts(
    conn: &mut Connection,
    account_id: i64,
    (first, last): (i64, i64),
) -> Result<Vec<(&'static str, Vec<Numbers>)>> {
    let sources = [(1, "Conversation"), (2, "Form"), (0, "None")].map(|(key, label)| (key, label.to_owned()));
    let mut assignees = vec![(0, "Unassigned".to_owned())];
    assignees.extend(user::members(conn, account_id)?.into_iter().map(|user| (user.id, user.name)));
    let mut themes = themes::of_account(conn, account_id, "")?;
    themes.truncate(10 * SHOWN);
    let tags = themes.into_iter().map(|theme| (theme.id, theme.name)).collect();
    let mut parts = Vec::new();
    for (title, dimension, keys) in [
        ("Source", Dimension::Source, sources.to_vec()),
        ("Assignee", Dimension::Assignee, assignees),
        ("Tag", Dimension::Tag, tags),
    ] {
        let ids: Vec<i64> = keys.iter().map(|(key, _)| *key).collect();
        let found: HashMap<i64, BTreeMap<i64, Week>> = read::weeks(conn, account_id, dimension, &ids, first..=last)?;
        let mut rows: Vec<Numbers> =
            keys.into_iter().map(|(key, label)| Numbers::new(label, &sum(found.get(&key)))).collect();
        rows.retain(|row| row.opened + row.closed + row.reopened > 0);
        rows.sort_by_key(|row| std::cmp::Reverse(row.opened + row.closed));
        rows.truncate(SHOWN);
        parts.push((title, rows));
    }
    Ok(parts)
}

/// `GET /reports.csv`: the weeks of the same report
pub async fn csv(app: AppData, agent: Agent, query: Query<ReportQuery>) -> Result<HttpResponse> {
    let (account_id, now) = (agent.account_id, app.clock.now());
    let load = move |conn: &mut Connection| {
        let zone = read::zone(conn, account_id)?.unwrap_or_default();
        let (range, subject) = (query.weeks(now, zone)?, query.wanted(conn, account_id)?);
        report(conn, account_id, &subject, range)
    };
    let report = app.db.read(load).await?;
    let mut rows = Rows::with_head([
        "week_from",
        "opened",
        "closed",
        "reopened",
        "resolution_median_seconds",
        "resolution_p90_seconds",
        "open_median_seconds",
        "open_p90_seconds",
        "first_reply_median_seconds",
        "first_reply_p90_seconds",
    ])?;
    for week in report.weeks {
        let number = |value: Option<i64>| value.map(|value| value.to_string()).unwrap_or_default();
        rows.add([
            week.label,
            week.opened.to_string(),
            week.closed.to_string(),
            week.reopened.to_string(),
            number(week.resolution.median),
            number(week.resolution.p90),
            number(week.open_time.median),
            number(week.open_time.p90),
            number(week.first_reply.median),
            number(week.first_reply.p90),
        ])?;
    }
    Ok(HttpResponse::Ok().content_type(CONTENT_TYPE).insert_header(download("report.csv")).body(rows.into_bytes()?))
}
