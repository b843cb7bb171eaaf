//! Changing many tickets at once: the form on the list, and the page of results.

use crate::accounts::agent::Agent;
use crate::accounts::role::Action as Right;
use crate::accounts::user;
use crate::accounts::user::User;
use crate::db::Connection;
use crate::error::{Error, Kind, Result};
use crate::events::actor::Actor;
use crate::jobs::job::{Job, Kind as JobKind, State};
use crate::jobs::queue;
use crate::tickets::bulk;
use crate::tickets::bulk::{Action, Bulk, Outcome, Scope, TicketResult};
use crate::tickets::query::Query;
use crate::tickets::status::Status;
use crate::upkeep;
use crate::upkeep::worker;
use crate::values::text::count_of;
use crate::web::AppData;
use crate::web::fields::Form;
use crate::web::flash::Flash;
use crate::web::layout::Layout;
use crate::web::when::When;
use actix_web::{HttpResponse, web};
use askama::Template;
use serde::Deserialize;
use std::collections::BTreeSet;

/// Results on the page of a bulk action.
const SHOWN: i64 = 200;

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Sent {
    numbers: BTreeSet<i64>,
    /// The query of a list, instead of numbers.
    query: Option<String>,
    /// How many tickets the page said that the list has.
    expected: Option<i64>,
    action: String,
    value: Option<String>,
    /// The values that the form of the list has for each action.
    status: String,
    assignee: String,
    tag: String,
    /// The query of the list to go back to.
    back: String,
}

impl Sent {
    fn action(&self) -> Result<Action> {
        let value = match (&self.value, self.action.as_str()) {
            (Some(value), _) => value,
            (None, "status") => &self.status,
            (None, "assign") => &self.assignee,
            (None, "tag" | "untag") => &self.tag,
            (None, _) => "",
        };
        Action::parse(&self.action, value)
    }
}

/// `POST /tickets/bulk`: `numbers` (repeatable) or `query` with `expected`; `action`, `value`
pub async fn change(app: AppData, agent: Agent, layout: Layout, Form(sent): Form<Sent>) -> Result<HttpResponse> {
    let action = sent.action()?;
    let (scope, total) = match &sent.query {
        Some(typed) => {
            let query = Query::parse(typed)?;
            let total = upkeep::bulk::count(&app, &agent, &query).await?;
            if sent.expected != Some(total) {
                let message = format!(
                    "{} match now, not {}. Nothing was changed. Go back, reload the list and try again.",
                    count_of(total, "ticket"),
                    sent.expected.map_or_else(|| "the number you saw".into(), |count| count.to_string())
                );
                return Err(Error::new(Kind::Conflict, message));
            }
            (Scope::List(Box::new(query)), total)
        }
        None => {
            let numbers: Vec<i64> = sent.numbers.iter().copied().collect();
            let total = i64::try_from(numbers.len()).unwrap_or(i64::MAX);
            (Scope::Numbers(numbers), total)
        }
    };
    if total == 0 {
        return Err(Error::invalid("Select at least one ticket first."));
    }
    let back = Query::parse(&sent.back).unwrap_or_default();
    start(&app, &agent, &layout, action, scope, total, &back.path()).await
}

/// `POST /tickets/bulk/{id}/undo`
pub async fn undo(app: AppData, agent: Agent, layout: Layout, path: web::Path<i64>) -> Result<HttpResponse> {
    let (id, account_id) = (path.into_inner(), agent.account_id);
    let undone = app.db.read(move |conn| bulk::find(conn, account_id, id)).await?;
    start(&app, &agent, &layout, Action::Undo, Scope::ChangedBy(id), undone.changed, "/tickets").await
}

/// Changes few tickets at once and shows the outcome on the page at `back`. Many are a job.
pub async fn start(
    app: &AppData,
    agent: &Agent,
    layout: &Layout,
    action: Action,
    scope: Scope,
    total: i64,
    back: &str,
) -> Result<HttpResponse> {
    let now = app.clock.now();
    let write = move |conn: &mut _, actor: &_| upkeep::bulk::add(conn, actor, &action, &scope, total, now);
    let (id, job) = app.write_as(agent, Right::Work, write).await?;
    if job.state == State::Running {
        worker::run(app, job).await?;
    }
    let account_id = agent.account_id;
    let (bulk, job, team) = app
        .db
        .read(move |conn| {
            let job = job_of(conn, account_id, id)?;
            Ok((bulk::find(conn, account_id, id)?, job, user::members(conn, account_id)?))
        })
        .await?;
    if bulk.refused > 0 || job.is_none_or(|job| job.state != State::Done) {
        return Ok(layout.see_other(format!("/tickets/bulk/{id}")));
    }
    let text = format!("{}.", said(&bulk, &team)?);
    let undo = format!("/tickets/bulk/{id}/undo");
    let may_undo = bulk.undoes.is_none() && bulk.changed > 0;
    let flash = if may_undo { Flash::with_undo(text, undo) } else { Flash::new(text) };
    layout.see_other_with(back, &flash)
}

/// The job of a bulk action, unless it ended long ago.
fn job_of(conn: &mut Connection, account_id: i64, id: i64) -> Result<Option<Job>> {
    queue::find(conn, account_id, JobKind::Bulk, &id.to_string())
}

/// Such as “12 tickets closed”.
fn said(bulk: &Bulk, team: &[User]) -> Result<String> {
    let tickets = count_of(bulk.changed, "ticket");
    let text = match bulk.action()? {
        Action::Status(Status::Closed) => format!("{tickets} closed"),
        Action::Status(status) => format!("{tickets} set to “{}”", status.label()),
        Action::Assign(None) => format!("{tickets} unassigned"),
        Action::Assign(Some(id)) => {
            let user = team.iter().find(|user| user.id == id);
            format!("{tickets} assigned to {}", user.map_or("a former user", |user| user.name.as_str()))
        }
        Action::Tag(name) => format!("{tickets} tagged “{name}”"),
        Action::Untag(name) => format!("Tag “{name}” removed from {tickets}"),
        Action::Retag(from, to) => format!("Tag “{from}” replaced with “{to}” on {tickets}"),
        Action::Delete => format!("{tickets} moved to the trash"),
        Action::Undo => format!("Undone for {tickets}"),
    };
    Ok(match bulk.unchanged {
        0 => text,
        count => format!("{text}; {count} needed no change"),
    })
}

struct Row {
    number: i64,
    title: Option<String>,
    outcome: &'static str,
    reason: String,
}

#[derive(Template)]
#[template(path = "desk/tickets/bulk.html")]
struct BulkPage<'a> {
    layout: &'a Layout,
    bulk: Bulk,
    title: String,
    by: String,
    at: When,
    job: Option<Job>,
    rows: Vec<Row>,
    is_undone: bool,
}

impl BulkPage<'_> {
    fn is_running(&self) -> bool {
        self.job.as_ref().is_some_and(|job| matches!(job.state, State::Waiting | State::Running))
    }

    fn may_resume(&self) -> bool {
        !self.is_undone && self.job.as_ref().is_some_and(|job| matches!(job.state, State::Cancelled | State::GivenUp))
    }
}

/// `GET /tickets/bulk/{id}`
pub async fn show(app: AppData, agent: Agent, layout: Layout, path: web::Path<i64>) -> Result<HttpResponse> {
    let (id, account_id) = (path.into_inner(), agent.account_id);
    let (bulk, job, results, team, undone_by) = app
        .db
        .read(move |conn| {
            let bulk = bulk::find(conn, account_id, id)?;
            let job = job_of(conn, account_id, id)?;
            let results = bulk::results(conn, id, SHOWN)?;
            Ok((bulk, job, results, user::members(conn, account_id)?, bulk::undone_by(conn, id)?))
        })
        .await?;
    let row = |(result, title): (TicketResult, Option<String>)| Row {
        number: result.number,
        title,
        outcome: match result.outcome {
            Outcome::Changed => "Changed",
            Outcome::Unchanged => "No change needed",
            Outcome::Refused => "Not changed",
        },
        reason: result.reason,
    };
    let page = BulkPage {
        layout: &layout,
        title: said(&bulk, &team)?,
        by: team.iter().find(|user| user.id == bulk.user_id).map(|user| user.name.clone()).unwrap_or_default(),
        at: When::new(bulk.created_at, agent.zone),
        bulk,
        job,
        rows: results.into_iter().map(row).collect(),
        is_undone: undone_by.is_some(),
    };
    layout.page(&page)
}

/// `POST /tickets/bulk/{id}/cancel`: what was changed stays changed
pub async fn cancel(app: AppData, agent: Agent, layout: Layout, path: web::Path<i64>) -> Result<HttpResponse> {
    let (id, now) = (path.into_inner(), app.clock.now());
    let write = move |conn: &mut Connection, actor: &Actor| {
        let job = job_of(conn, actor.account_id, id)?.ok_or_else(Error::not_found)?;
        queue::cancel(conn, actor.account_id, job.id, now)
    };
    app.write_as(&agent, Right::Work, write).await?;
    layout.see_other_with(format!("/tickets/bulk/{id}"), &Flash::new("Cancelled. What was changed stays changed."))
}

/// `POST /tickets/bulk/{id}/resume`
pub async fn resume(app: AppData, agent: Agent, layout: Layout, path: web::Path<i64>) -> Result<HttpResponse> {
    let (id, now) = (path.into_inner(), app.clock.now());
    let write = move |conn: &mut Connection, actor: &Actor| {
        let job = job_of(conn, actor.account_id, id)?.ok_or_else(Error::not_found)?;
        if bulk::undone_by(conn, id)?.is_some() {
            return Err(Error::new(Kind::Conflict, "This was undone, so it can’t go on."));
        }
        queue::resume(conn, actor.account_id, job.id, now)
    };
    app.write_as(&agent, Right::Work, write).await?;
    Ok(layout.see_other(format!("/tickets/bulk/{id}")))
}
