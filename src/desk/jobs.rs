//! `/settings/jobs`: what Docket does in the background, and what it has given up.

use crate::accounts::agent::Agent;
use crate::accounts::role::Action;
use crate::accounts::user;
use crate::accounts::user::User;
use crate::error::Result;
use crate::jobs::job::{Job, Kind, State};
use crate::jobs::{list, queue};
use crate::upkeep::link_mails::LinkMail;
use crate::upkeep::notices::Notice;
use crate::web::AppData;
use crate::web::flash::Flash;
use crate::web::layout::Layout;
use crate::web::lists::Choice;
use crate::web::query::Query;
use crate::web::when::When;
use actix_web::{HttpResponse, web};
use askama::Template;
use serde::Deserialize;

/// The newest jobs on the page.
const SHOWN: i64 = 200;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct JobsQuery {
    state: String,
}

struct Row {
    id: i64,
    what: String,
    state: State,
    label: &'static str,
    /// When it is due or has ended.
    at: When,
    /// Such as “200 of 1,000”.
    progress: Option<String>,
    tries: i64,
    error: String,
    may_cancel: bool,
    may_resume: bool,
}

#[derive(Template)]
#[template(path = "desk/jobs.html")]
struct JobsPage<'a> {
    layout: &'a Layout,
    states: Vec<Choice>,
    rows: Vec<Row>,
}

/// `GET /settings/jobs`
pub async fn show(app: AppData, agent: Agent, layout: Layout, query: Query<JobsQuery>) -> Result<HttpResponse> {
    let (state, account_id) = (query.state.parse::<State>().ok(), agent.account_id);
    let load =
        move |conn: &mut _| Ok((list::newest(conn, account_id, state, SHOWN)?, user::members(conn, account_id)?));
    let (jobs, team) = app.db.read(load).await?;
    let mut states = vec![Choice { value: String::new(), label: "All".into(), is_chosen: state.is_none() }];
    states.extend(State::ALL.into_iter().map(|choice| Choice {
        value: choice.as_str().into(),
        label: label(choice).into(),
        is_chosen: state == Some(choice),
    }));
    let row = |job: Job| {
        let has_ended = job.ended_at.is_some();
        let is_own = job.account_id == Some(account_id);
        Row {
            id: job.id,
            what: what(&job, &team),
            state: job.state,
            label: label(job.state),
            at: When::new(job.ended_at.unwrap_or(job.due_at), agent.zone),
            progress: (job.total > 0).then(|| format!("{} of {}", job.done, job.total)),
            tries: job.tries,
            error: job.error,
            may_cancel: is_own && !has_ended && job.kind != Kind::Erasure,
            may_resume: is_own && matches!(job.state, State::GivenUp | State::Cancelled),
        }
    };
    layout.page(&JobsPage { layout: &layout, states, rows: jobs.into_iter().map(row).collect() })
}

/// `POST /settings/jobs/{id}/cancel`
pub async fn cancel(app: AppData, agent: Agent, layout: Layout, path: web::Path<i64>) -> Result<HttpResponse> {
    let (id, now) = (path.into_inner(), app.clock.now());
    app.write_as(&agent, Action::Configure, move |conn, actor| queue::cancel(conn, actor.account_id, id, now)).await?;
    let flash = Flash::with_undo("Job cancelled.", format!("/settings/jobs/{id}/resume"));
    layout.see_other_with("/settings/jobs", &flash)
}

/// `POST /settings/jobs/{id}/resume`
pub async fn resume(app: AppData, agent: Agent, layout: Layout, path: web::Path<i64>) -> Result<HttpResponse> {
    let (id, now) = (path.into_inner(), app.clock.now());
    app.write_as(&agent, Action::Configure, move |conn, actor| queue::resume(conn, actor.account_id, id, now)).await?;
    layout.see_other_with("/settings/jobs", &Flash::new("Job resumed. It starts in a moment."))
}

fn what(job: &Job, team: &[User]) -> String {
    match job.kind {
        Kind::Mail => {
            let notice = Notice::of(&job.data).ok();
            let name = notice.as_ref().and_then(|notice| team.iter().find(|user| user.id == notice.user));
            let name = name.map_or("a former user", |user| user.name.as_str());
            let topic = notice.map_or("", |notice| notice.topic.several());
            format!("Email to {name}: {topic}")
        }
        Kind::LinkMail => match LinkMail::of(job) {
            Ok(LinkMail::Invitation(_)) => "Email with an invitation".into(),
            _ => "Email with a link for a new password".into(),
        },
        Kind::ReplyMail => "Email to a visitor with unseen replies".into(),
        Kind::Mailbox => "Looking for answers in a mailbox".into(),
        Kind::Cleanup => "Removing what has been in the trash for 30 days".into(),
        Kind::Bulk => "Changing many tickets".into(),
        Kind::Figures => "Counting for reports".into(),
        Kind::SampleRemoval => "Removing sample data".into(),
        Kind::Erasure => "Erasing a person".into(),
        Kind::Upgrade => "Updating the data of older versions".into(),
        Kind::Backup => "Making a backup".into(),
    }
}

fn label(state: State) -> &'static str {
    match state {
        State::Waiting => "Waiting",
        State::Running => "Running",
        State::Done => "Done",
        State::GivenUp => "Given up",
        State::Cancelled => "Cancelled",
    }
}
