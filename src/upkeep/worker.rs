//! Does the jobs that are due, on every instance.

use crate::app::App;
use crate::db::without_time_limit;
use crate::error::{Error, Kind as ErrorKind, Result};
use crate::figures::build;
use crate::jobs::job::{Job, Kind};
use crate::jobs::queue;
use crate::jobs::queue::Outcome;
use crate::upkeep::notices::{plan, send};
use crate::upkeep::sample::removal;
use crate::upkeep::{backup, bulk, erasure, figures, janitor, link_mails, mailbox, replies, upgrade};
use crate::values::email;
use actix_web::web::Data;
use chrono::TimeDelta;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Semaphore, watch};
use tokio::time::{sleep, timeout};

/// How often a worker looks for jobs that are due.
const POLL: Duration = Duration::from_secs(1);
/// Jobs that one instance does at once. A mail server that is slow to answer must not keep
/// the others waiting.
const LANES: u32 = 4;
/// How often a running job's lease is renewed, and a cancelled job noticed.
const RENEW: Duration = Duration::from_secs(20);
/// When to see again whether a backup has ended.
const AFTER_BACKUP: TimeDelta = TimeDelta::seconds(10);
/// How long running jobs may take to end when the program stops.
const GRACE: Duration = Duration::from_secs(5);
/// How long to wait after the database has failed.
const TRY_AGAIN: Duration = Duration::from_secs(10);

/// Whether the worker goes on.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Working,
    /// It claims no further job.
    Ending,
    /// It leaves jobs that still run to another worker.
    Leaving,
}

/// Does jobs until it is stopped.
pub struct Worker {
    lanes: Arc<Semaphore>,
    stage: watch::Sender<Stage>,
}

impl Worker {
    pub fn start(app: Data<App>) -> Self {
        let (lanes, stage) = (Arc::new(Semaphore::new(LANES as usize)), watch::Sender::new(Stage::Working));
        actix_web::rt::spawn(work(app, lanes.clone(), stage.subscribe()));
        Self { lanes, stage }
    }

    /// Lets running jobs end. What takes longer goes on where the next worker claims it, without
    /// waiting for the lease to end.
    pub async fn stop(self) {
        let all_ended = || async { self.lanes.acquire_many(LANES).await.map(drop) };
        self.stage.send_replace(Stage::Ending);
        if timeout(GRACE, all_ended()).await.is_err() {
            self.stage.send_replace(Stage::Leaving);
            if timeout(GRACE, all_ended()).await.is_err() {
                tracing::warn!("jobs were left half done; they go on in a few minutes");
            }
        }
    }
}

async fn work(app: Data<App>, lanes: Arc<Semaphore>, stage: watch::Receiver<Stage>) {
    let mut is_prepared = false;
    while let Ok(lane) = lanes.clone().acquire_owned().await {
        if *stage.borrow() != Stage::Working {
            return;
        }
        if !is_prepared {
            is_prepared = log(prepare(&app).await).is_some();
        }
        let pause = match log(next(&app).await) {
            Some(Some(job)) => {
                let (app, mut stage) = (app.clone(), stage.clone());
                actix_web::rt::spawn(async move {
                    let held = job.clone();
                    tokio::select! {
                        done = run(&app, job) => log(done),
                        _ = stage.wait_for(|stage| *stage == Stage::Leaving) => log(hand_over(&app, held).await),
                    };
                    drop(lane);
                });
                continue;
            }
            Some(None) => POLL,
            None => TRY_AGAIN,
        };
        drop(lane);
        sleep(pause).await;
    }
}

/// Makes a job that this worker does not end due again.
async fn hand_over(app: &App, job: Job) -> Result<()> {
    let now = app.clock.now();
    app.db.write(move |conn| queue::hand_over(conn, &job, now)).await
}

/// Does all jobs that are due, one after another.
pub async fn run_due(app: &App) -> Result<()> {
    prepare(app).await?;
    while let Some(job) = next(app).await? {
        run(app, job).await?;
    }
    Ok(())
}

fn log<T>(result: Result<T>) -> Option<T> {
    result.map_err(|error| tracing::error!(cause = error.cause(), "a job could not be done; trying again")).ok()
}

/// Adds the jobs of the installation.
async fn prepare(app: &App) -> Result<()> {
    let now = app.clock.now();
    let has_mailbox = app.mailbox.is_some();
    let backups = app.config.backup.as_ref().map(|plan| now + plan.every);
    let add = move |conn: &mut _| {
        queue::ensure(conn, Kind::Cleanup, None, now)?;
        queue::ensure(conn, Kind::Upgrade, None, now)?;
        if has_mailbox {
            queue::ensure(conn, Kind::Mailbox, None, now)?;
        }
        if let Some(latest) = backups {
            queue::ensure(conn, Kind::Backup, None, now)?;
            queue::hasten(conn, Kind::Backup, latest)?;
        }
        for account_id in build::requested(conn)? {
            queue::ensure(conn, Kind::Figures, Some(account_id), now)?;
        }
        Ok(())
    };
    app.db.write(add).await
}

/// Claims the next job, after reading what has happened.
async fn next(app: &App) -> Result<Option<Job>> {
    let now = app.clock.now();
    let sends_mail = app.mail.is_some();
    while sends_mail
        && app.db.scan(plan::is_behind).await?
        && app.db.write(move |conn| plan::read_on(conn, now)).await?
    {}
    let can = |kind: &Kind| match kind {
        Kind::Mailbox => app.mailbox.is_some(),
        Kind::Backup => app.config.backup.is_some(),
        kind => sends_mail || !kind.needs_mail(),
    };
    let kinds: Vec<Kind> = Kind::ALL.into_iter().filter(can).collect();
    loop {
        let kinds = kinds.clone();
        let Some(id) = app.db.scan(move |conn| queue::next_due(conn, &kinds, now)).await? else { return Ok(None) };
        // Another instance may be faster.
        if let Some(job) = app.db.write(move |conn| queue::claim(conn, id, now)).await? {
            return Ok(Some(job));
        }
    }
}

/// Does a claimed job, however long that takes, and records the outcome.
pub async fn run(app: &App, job: Job) -> Result<()> {
    without_time_limit(run_unhurried(app, job)).await
}

async fn run_unhurried(app: &App, job: Job) -> Result<()> {
    let work = async {
        let done = match (job.kind, &app.mail) {
            (Kind::ReplyMail, Some(mailer)) => return replies::send(app, mailer, &job).await,
            (Kind::Mail, Some(mailer)) => send::send(app, mailer, &job).await,
            (Kind::LinkMail, Some(mailer)) => link_mails::send(app, mailer, &job).await,
            (Kind::Mail | Kind::LinkMail | Kind::ReplyMail, None) => {
                Err(Error::unavailable("no mail server is configured"))
            }
            (Kind::Mailbox, _) => match &app.mailbox {
                Some(mailbox) => return mailbox::read(app, mailbox).await,
                None => Err(Error::unavailable("no mailbox is configured")),
            },
            (Kind::Cleanup, _) => janitor::clear(app).await,
            (Kind::Bulk, _) => bulk::run(app, &job).await,
            (Kind::Figures, _) => figures::build(app, &job).await,
            (Kind::SampleRemoval, _) => removal::remove(app, &job).await,
            (Kind::Backup, _) => match &app.config.backup {
                Some(plan) => return backup::planned(app, plan).await,
                None => Err(Error::unavailable("no backups are configured")),
            },
            (Kind::Erasure, _) => {
                let now = app.clock.now();
                // It may still need the files.
                if app.db.scan(move |conn| backup::runs::is_running(conn, now)).await? {
                    return Ok(Outcome::Later(now + AFTER_BACKUP));
                }
                erasure::run(app, &job).await
            }
            (Kind::Upgrade, _) => upgrade::run(app, &job, 1, &|_, _| {}).await,
        };
        done.map(|()| Outcome::Done)
    };
    let done = tokio::select! {
        done = work => done,
        () = lost(app, &job) => return Ok(()),
    };
    let outcome = match done {
        Ok(outcome) => outcome,
        Err(error) => {
            let cause = error.cause();
            let shown = email::hidden(&cause);
            tracing::warn!(cause = shown, job = job.id, kind = job.kind.as_str(), tries = job.tries, "a job failed");
            if error.kind == ErrorKind::Invalid { Outcome::Hopeless(cause) } else { Outcome::Failed(cause) }
        }
    };
    if let Some(metrics) = &app.metrics {
        metrics.ended(job.kind.as_str(), outcome.as_str());
    }
    let now = app.clock.now();
    app.db.write(move |conn| queue::settle(conn, &job, &outcome, now)).await
}

/// Renews the lease of a job. Ends when the job was cancelled, or claimed by another worker
/// after this one could not reach the database for as long as the lease.
async fn lost(app: &App, job: &Job) {
    loop {
        sleep(RENEW).await;
        let (now, held) = (app.clock.now(), job.clone());
        if let Ok(false) = app.db.write(move |conn| queue::renew(conn, &held, now)).await {
            return;
        }
    }
}
