//! Removing the sample data of an account: all of it, and nothing else.

use crate::accounts::samples::Sample;
use crate::accounts::{account, samples};
use crate::app::App;
use crate::conversations::widgets;
use crate::db::Connection;
use crate::error::{Error, Result};
use crate::jobs::job::{Job, Kind, NewJob};
use crate::jobs::queue;
use crate::submissions::form;
use crate::upkeep::janitor;
use crate::{conversations, submissions, tickets};
use chrono::NaiveDateTime;

/// Rows per step, so that other requests do not wait long.
const CHUNK: i64 = 200;

/// Adds the job, if the account has sample data.
pub fn request(conn: &mut Connection, account_id: i64, now: NaiveDateTime) -> Result<()> {
    let jobs = samples::of(conn, account_id)?.into_iter().map(|sample| NewJob {
        account_id: Some(account_id),
        kind: Kind::SampleRemoval,
        key: sample.run,
        group_key: String::new(),
        data: "{}".into(),
        due_at: now,
    });
    let jobs: Vec<NewJob> = jobs.collect();
    queue::add(conn, &jobs, now)
}

/// Removes the sample data that a job names. Every step can be repeated.
pub async fn remove(app: &App, job: &Job) -> Result<()> {
    let account_id = job.account_id.ok_or_else(|| Error::internal("sample data", "no account"))?;
    let of = app.db.scan(move |conn| samples::of(conn, account_id)).await?;
    let Some(sample) = of.into_iter().find(|sample| sample.run == job.key) else { return Ok(()) };
    loop {
        let ids = sample.ids();
        let step = move |conn: &mut Connection| {
            let of_tickets = tickets::trash::matching(conn, account_id, &ids, CHUNK)?;
            let of_conversations = conversations::trash::matching(conn, account_id, &ids, CHUNK)?;
            let of_submissions = submissions::trash::matching(conn, account_id, &ids, CHUNK)?;
            Ok(tickets::trash::expire(conn, &of_tickets)?.len()
                + conversations::trash::expire(conn, &of_conversations)?.len()
                + submissions::trash::expire(conn, &of_submissions)?.len())
        };
        if app.db.write(step).await? == 0 {
            break;
        }
    }
    // What is at the end of its time in the trash goes with its files.
    janitor::purge(app).await?;
    app.db.write(move |conn| forget(conn, &sample)).await
}

fn forget(conn: &mut Connection, sample: &Sample) -> Result<()> {
    samples::forget(conn, &sample.run)?;
    form::forget_if_unused(conn, sample.form_id)?;
    widgets::forget_if_unused(conn, sample.widget_id)?;
    if let Some(other) = samples::of(conn, sample.account_id)?.first() {
        // The last one to go knows how many numbers samples have used.
        return samples::count(conn, &other.run, sample.tickets);
    }
    account::restart_numbers(conn, sample.account_id, sample.tickets)
}
