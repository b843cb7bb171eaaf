//! Changes many tickets, a step at a time.

use crate::accounts::agent::Agent;
use crate::accounts::rights;
use crate::accounts::role::Action as Right;
use crate::app::App;
use crate::db::Connection;
use crate::error::{Error, Kind as ErrorKind, Result};
use crate::events::actor::Actor;
use crate::jobs::job::{Job, Kind, NewJob, State};
use crate::jobs::queue;
use crate::tickets::bulk;
use crate::tickets::bulk::{Action, Bulk, Scope};
use crate::tickets::list;
use crate::tickets::query::{Filter, Query};
use crate::upkeep::notices::{Notice, Topic};
use crate::values::page::{Place, Window};
use chrono::NaiveDateTime;

/// Up to so many tickets are changed before the response; more are a job for workers.
pub const AT_ONCE: i64 = 500;

/// Rows of one read while tickets are counted.
const CHUNK: usize = 2_000;

/// How many tickets a list shows, counted in many short reads.
///
/// # Errors
/// *Invalid* when the list cannot be searched for.
pub async fn count(app: &App, agent: &Agent, query: &Query) -> Result<i64> {
    let (mut place, mut count) = (Place::First, 0);
    loop {
        let (account_id, window) = (agent.account_id, Window { place, size: CHUNK });
        let filter = Filter { window, ..bulk::list_filter(query, agent) };
        let page = app.db.read(move |conn| list::page(conn, account_id, &filter)).await?;
        count += i64::try_from(page.rows.len()).unwrap_or(0);
        let Some(cursor) = page.older else { return Ok(count) };
        place = Place::After(cursor);
    }
}

/// Records a bulk action and its job, which the caller has to run if there are few tickets.
///
/// # Errors
/// *Conflict* when it undoes an action that is still being done.
pub fn add(
    conn: &mut Connection,
    by: &Actor,
    action: &Action,
    scope: &Scope,
    total: i64,
    now: NaiveDateTime,
) -> Result<(i64, Job)> {
    if let Scope::ChangedBy(other) = scope
        && let Some(job) = queue::find(conn, by.account_id, Kind::Bulk, &other.to_string())?
        && matches!(job.state, State::Waiting | State::Running)
    {
        return Err(Error::new(ErrorKind::Conflict, "This is still being done. Cancel it first, or wait for its end."));
    }
    let id = bulk::add(conn, by, action, scope, total, now)?;
    let job = NewJob {
        account_id: Some(by.account_id),
        kind: Kind::Bulk,
        key: id.to_string(),
        group_key: String::new(),
        data: "{}".into(),
        due_at: now,
    };
    Ok((id, queue::start(conn, &job, total, total > AT_ONCE, now)?))
}

/// Goes on where an earlier try has stopped. What a step changes and how far it has come are
/// one transaction, so each ticket is changed once.
///
/// # Errors
/// *Invalid* when the user may no longer change tickets.
pub async fn run(app: &App, job: &Job) -> Result<()> {
    let account_id = job.account_id.ok_or_else(|| Error::internal("a bulk action", "no account"))?;
    let id: i64 = job.key.parse().map_err(|source| Error::internal("a bulk action", source))?;
    let sends_mail = app.mail.is_some();
    let mut job = job.clone();
    loop {
        let (mut kept, now) = (job.clone(), app.clock.now());
        let step = move |conn: &mut Connection| {
            // First, so that nothing is changed for a job that was cancelled.
            if !queue::keep(conn, &kept, now)? {
                return Ok(None);
            }
            let bulk = bulk::find(conn, account_id, id)?;
            let user = rights::acting(conn, account_id, bulk.user_id, Right::Work).map_err(|error| {
                let is_final = error.kind == ErrorKind::Forbidden;
                if is_final { Error::invalid("the user may no longer change tickets") } else { error }
            })?;
            let next = bulk::step(conn, &bulk, &Agent::from(user), &kept.place, now)?;
            let bulk = bulk::find(conn, account_id, id)?;
            if next.is_none() && sends_mail {
                notify(conn, &bulk, now)?;
            }
            (kept.place, kept.done) = (next.clone().unwrap_or_default(), bulk.done());
            queue::keep(conn, &kept, now)?;
            Ok(next.map(|_| kept.clone()))
        };
        let Some(next) = app.db.write(step).await? else { return Ok(()) };
        job = next;
    }
}

/// One mail tells an assignee of all their tickets.
fn notify(conn: &mut Connection, bulk: &Bulk, now: NaiveDateTime) -> Result<()> {
    let Action::Assign(Some(user)) = bulk.action()? else { return Ok(()) };
    if user == bulk.user_id || bulk.changed == 0 {
        return Ok(());
    }
    let notice = Notice { user, topic: Topic::Assigned, subject: format!("bulk:{}", bulk.id) };
    let job = NewJob {
        account_id: Some(bulk.account_id),
        kind: Kind::Mail,
        key: format!("assigned:bulk:{}", bulk.id),
        group_key: format!("assigned:{user}"),
        data: notice.to_json()?,
        due_at: now,
    };
    queue::add(conn, &[job], now)
}
