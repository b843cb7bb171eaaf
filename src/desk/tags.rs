//! `/tags`: tags as themes, with what many tickets ask for.

use crate::accounts::agent::Agent;
use crate::db::Connection;
use crate::desk::charts::Bars;
use crate::desk::tickets::bulk::start;
use crate::error::{Error, Kind, OfField, Result};
use crate::figures::read::Week;
use crate::figures::{Dimension, day, read, week_of};
use crate::tickets::bulk::{Action, Scope};
use crate::tickets::line::Line;
use crate::tickets::operators::Searcher;
use crate::tickets::query::{Filter, Query};
use crate::tickets::tags::parse_tag;
use crate::tickets::themes::{Asker, Theme};
use crate::tickets::ticket::if_there;
use crate::tickets::{list, themes};
use crate::upkeep;
use crate::values::text::grouped;
use crate::web::AppData;
use crate::web::fields::Form;
use crate::web::layout::Layout;
use crate::web::query;
use crate::web::when::When;
use actix_web::{HttpResponse, web};
use askama::Template;
use chrono::NaiveDateTime;
use chrono_tz::Tz;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use std::collections::BTreeMap;

/// Themes on a page. Others are found by their name.
const SHOWN: usize = 200;
/// Weeks of the trend in the list, and on the page of a theme.
const TREND: i64 = 8;
const LONG_TREND: i64 = 26;
/// Requesters and tickets on the page of a theme.
const ASKERS: usize = 50;
const TICKETS: usize = 20;

/// The local path of a theme's page.
pub fn path(name: &str) -> String {
    format!("/tags/{}", utf8_percent_encode(name, NON_ALPHANUMERIC))
}

struct Row {
    theme: Theme,
    path: String,
    trend: Bars,
    /// Tickets opened in the weeks of the trend.
    opened: i64,
    last: Option<When>,
}

#[derive(Template)]
#[template(path = "desk/tags/list.html")]
struct TagsPage<'a> {
    layout: &'a Layout,
    q: &'a str,
    rows: Vec<Row>,
    /// How many more there are.
    more: usize,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct TagsQuery {
    q: String,
}

/// The beginnings of the last weeks, oldest first.
fn last_weeks(now: NaiveDateTime, zone: Tz, count: i64) -> Vec<i64> {
    let this = week_of(now, zone);
    (0..count).rev().map(|back| this - 7 * back).collect()
}

fn opened(weeks: Option<&BTreeMap<i64, Week>>, of: &[i64]) -> Vec<i64> {
    of.iter().map(|week| weeks.and_then(|weeks| weeks.get(week)).map_or(0, |week| week.opened)).collect()
}

/// `GET /tags`
pub async fn show(app: AppData, agent: Agent, layout: Layout, query: query::Query<TagsQuery>) -> Result<HttpResponse> {
    let (account_id, now) = (agent.account_id, app.clock.now());
    let part = parse_tag(&query.q).unwrap_or_default();
    let load = move |conn: &mut Connection| {
        let mut themes = themes::of_account(conn, account_id, &part)?;
        let more = themes.len().saturating_sub(SHOWN);
        themes.truncate(SHOWN);
        let weeks = last_weeks(now, read::zone(conn, account_id)?.unwrap_or_default(), TREND);
        let ids: Vec<i64> = themes.iter().map(|theme| theme.id).collect();
        let trends = read::weeks(conn, account_id, Dimension::Tag, &ids, weeks[0]..=weeks[weeks.len() - 1])?;
        Ok((themes, more, weeks, trends))
    };
    let (themes, more, weeks, trends) = app.db.read(load).await?;
    let row = |theme: Theme| {
        let values = opened(trends.get(&theme.id), &weeks);
        let groups: Vec<(String, Vec<i64>)> = values.iter().map(|value| (String::new(), vec![*value])).collect();
        Row {
            path: path(&theme.name),
            trend: Bars::new(80, 24, &groups, &["opened"]),
            opened: values.iter().sum(),
            last: theme.last_at.map(|at| When::new(at, agent.zone).since(now)),
            theme,
        }
    };
    let rows = themes.into_iter().map(row).collect();
    layout.page(&TagsPage { layout: &layout, q: query.q.trim(), rows, more })
}

#[derive(Template)]
#[template(path = "desk/tags/show.html")]
struct TagPage<'a> {
    layout: &'a Layout,
    theme: Theme,
    here: String,
    chart: Bars,
    /// Each week with the tickets opened and closed in it.
    weeks: Vec<(String, Vec<i64>)>,
    askers: Vec<Asker>,
    /// Such as “12 people asked for this”.
    asked: String,
    tickets: Vec<Line>,
    /// The list of all its tickets.
    all: String,
    /// The other tags, to merge into.
    others: Vec<String>,
    error: Option<Error>,
    /// What was typed as the new name.
    typed: Option<String>,
}

/// `GET /tags/{name}`
pub async fn theme(app: AppData, agent: Agent, layout: Layout, name: web::Path<String>) -> Result<HttpResponse> {
    render(&app, &agent, &layout, &name, None, None).await
}

async fn render(
    app: &AppData,
    agent: &Agent,
    layout: &Layout,
    name: &str,
    error: Option<Error>,
    typed: Option<String>,
) -> Result<HttpResponse> {
    let (account_id, now, name) = (agent.account_id, app.clock.now(), parse_tag(name)?);
    let query = Query { tag: name.clone(), status: "all".into(), sort: "created".into(), ..Query::default() };
    let mut filter = Filter::new(&query, Searcher { user_id: Some(agent.id), zone: agent.zone });
    filter.window.size = TICKETS;
    let load = move |conn: &mut Connection| {
        let theme = themes::find(conn, account_id, &name)?;
        let weeks = last_weeks(now, read::zone(conn, account_id)?.unwrap_or_default(), LONG_TREND);
        let range = weeks[0]..=weeks[weeks.len() - 1];
        let trend = read::weeks(conn, account_id, Dimension::Tag, &[theme.id], range)?;
        let (askers, is_whole) = themes::askers(conn, account_id, theme.id)?;
        let page = list::page(conn, account_id, &filter)?;
        let others = themes::of_account(conn, account_id, "")?.into_iter().map(|other| other.name);
        let others: Vec<String> = others.filter(|other| *other != theme.name).take(SHOWN).collect();
        Ok((theme, weeks, trend, askers, is_whole, page.rows, others))
    };
    let (theme, weeks, trend, mut askers, is_whole, tickets, others) = app.db.read(load).await?;
    let of_theme = trend.get(&theme.id);
    let values = |week: &i64| {
        let week = of_theme.and_then(|weeks| weeks.get(week)).cloned().unwrap_or_default();
        vec![week.opened, week.resolution.count()]
    };
    let groups: Vec<(String, Vec<i64>)> =
        weeks.iter().map(|week| (day(*week).format("%-d %b").to_string(), values(week))).collect();
    let count = i64::try_from(askers.len()).unwrap_or(0);
    let people = if count == 1 { "1 person".into() } else { format!("{} people", grouped(count)) };
    let asked = format!("{}{people} asked for this", if is_whole { "" } else { "At least " });
    askers.truncate(ASKERS);
    let all = format!("/tickets?{}", Query { sort: String::new(), ..query }.encoded());
    let page = TagPage {
        layout,
        here: path(&theme.name),
        chart: Bars::new(720, 140, &groups, &["opened", "closed"]),
        weeks: groups,
        theme,
        askers,
        asked,
        tickets,
        all,
        others,
        error,
        typed,
    };
    layout.page_showing(page.error.as_ref(), &page)
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Sent {
    name: String,
    into: String,
}

/// `POST /tags/{name}/rename`: `name`
pub async fn rename(
    app: AppData,
    agent: Agent,
    layout: Layout,
    name: web::Path<String>,
    Form(sent): Form<Sent>,
) -> Result<HttpResponse> {
    let account_id = agent.account_id;
    let to = match parse_tag(&sent.name).of_field("name") {
        Ok(to) => to,
        Err(error) => return render(&app, &agent, &layout, &name, Some(error), Some(sent.name)).await,
    };
    let (from, wanted) = (parse_tag(&name)?, to.clone());
    let find = move |conn: &mut Connection| {
        themes::find(conn, account_id, &from)?;
        let theme = if_there(themes::find(conn, account_id, &wanted))?;
        Ok(wanted != from && theme.is_some_and(|theme| theme.open + theme.closed > 0))
    };
    if app.db.read(find).await? {
        let message = format!("There is a tag “{to}” already. Merge into it instead.");
        let error = Error::new(Kind::Conflict, message);
        return render(&app, &agent, &layout, &name, Some(error), Some(sent.name)).await;
    }
    retag(&app, &agent, &layout, &name, to).await
}

/// `POST /tags/{name}/merge`: `into`
pub async fn merge(
    app: AppData,
    agent: Agent,
    layout: Layout,
    name: web::Path<String>,
    Form(sent): Form<Sent>,
) -> Result<HttpResponse> {
    match parse_tag(&sent.into).of_field("into") {
        Ok(into) => retag(&app, &agent, &layout, &name, into).await,
        Err(error) => render(&app, &agent, &layout, &name, Some(error), None).await,
    }
}

/// `POST /tags/{name}/delete`: removes it from all tickets
pub async fn delete(app: AppData, agent: Agent, layout: Layout, name: web::Path<String>) -> Result<HttpResponse> {
    let name = parse_tag(&name)?;
    change(&app, &agent, &layout, &name, Action::Untag(name.clone()), "/tags".into()).await
}

async fn retag(app: &AppData, agent: &Agent, layout: &Layout, name: &str, to: String) -> Result<HttpResponse> {
    let (from, back) = (parse_tag(name)?, path(&to));
    change(app, agent, layout, &from, Action::Retag(from.clone(), to), back).await
}

/// Changes all tickets that have a tag.
async fn change(
    app: &AppData,
    agent: &Agent,
    layout: &Layout,
    name: &str,
    action: Action,
    back: String,
) -> Result<HttpResponse> {
    let (account_id, wanted) = (agent.account_id, name.to_owned());
    app.db.read(move |conn| themes::find(conn, account_id, &wanted)).await?;
    let query = Query { tag: name.to_owned(), status: "all".into(), ..Query::default() };
    let total = upkeep::bulk::count(app, agent, &query).await?;
    if total == 0 {
        return Err(Error::new(Kind::Conflict, format!("No ticket has the tag “{name}” any more.")));
    }
    start(app, agent, layout, action, Scope::List(Box::new(query)), total, &back).await
}
