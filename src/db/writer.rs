//! SQLite's one writer, with group commit.
//!
//! A commit with `synchronous=FULL` waits for the disk. The writer takes all waiting
//! jobs, runs each in a savepoint of one transaction, commits once and only then returns
//! all results. In a burst, durable writes cost a fraction of a disk sync each.

use super::Connection;
use super::job::{Change, Look};
use crate::error::{Error, Result};
use diesel::connection::TransactionManager;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use tokio::sync::oneshot;
use tracing::Span;

/// Bounds how long the first job of a batch waits for the last.
const MAX_BATCH: usize = 256;

/// What the writer's thread does next.
enum Work {
    /// A change, in one transaction with others.
    Change(Queued<Change>),
    /// Something that no transaction can hold. Changes wait.
    Alone(Queued<Look>),
}

/// A job and who waits for it.
struct Queued<J> {
    job: J,
    /// Of the request, so that the job's log lines name it.
    span: Span,
    answer: oneshot::Sender<Result<()>>,
}

/// A handle to the writer's thread, which ends with the last handle.
#[derive(Clone)]
pub(super) struct Writer {
    jobs: mpsc::Sender<Work>,
    waiting: Arc<AtomicUsize>,
}

impl Writer {
    /// Starts the thread on `conn`. `reopen` creates a new connection after a whole batch
    /// has failed.
    pub(super) fn start(
        conn: Connection,
        reopen: impl Fn() -> diesel::ConnectionResult<Connection> + Send + 'static,
    ) -> Result<Self> {
        let (jobs, queue) = mpsc::channel();
        let waiting = Arc::<AtomicUsize>::default();
        let left = waiting.clone();
        std::thread::Builder::new()
            .name("docket-writer".into())
            .spawn(move || work(&queue, &left, conn, &reopen))
            .map_err(|source| Error::internal("the database writer could not start", source))?;
        Ok(Self { jobs, waiting })
    }

    /// How many changes wait.
    pub(super) fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }

    async fn send<J>(&self, job: J, work: impl FnOnce(Queued<J>) -> Work) -> Result<()> {
        let (answer, answered) = oneshot::channel();
        let span = tracing::error_span!("database", purpose = "writing");
        self.waiting.fetch_add(1, Ordering::Relaxed);
        self.jobs.send(work(Queued { job, span, answer })).map_err(|_| gone())?;
        answered.await.map_err(|_| gone())?
    }

    /// Runs `change` in a transaction.
    pub(super) async fn run(&self, change: Change) -> Result<()> {
        self.send(change, Work::Change).await
    }

    /// Runs `work` outside any transaction, while all changes wait.
    pub(super) async fn run_alone(&self, work: Look) -> Result<()> {
        self.send(work, Work::Alone).await
    }
}

fn gone() -> Error {
    Error::unavailable("the database writer has stopped")
}

/// A failed job rolls back alone. If that fails as well, or the engine itself has failed,
/// the second value says why the batch is lost.
fn in_savepoint(conn: &mut Connection, job: &mut Change) -> (Result<()>, Option<String>) {
    if let Err(error) = Connection::begin_transaction(conn) {
        let text = error.to_string();
        return (Err(error.into()), Some(text));
    }
    let Ok(result) = catch_unwind(AssertUnwindSafe(|| job(conn))) else {
        // It is unknown how many savepoints are open.
        return (Err(Error::internal("a database job panicked", "see the log above")), Some("a job panicked".into()));
    };
    let ended = match &result {
        Ok(()) => Connection::commit_transaction(conn),
        Err(_) => Connection::rollback_transaction(conn),
    };
    let broken = match (&result, ended) {
        (_, Err(error)) => Some(error.to_string()),
        (Err(error), Ok(())) if error.is_engine_trouble() => Some(error.cause()),
        _ => None,
    };
    (result, broken)
}

fn work(
    queue: &mpsc::Receiver<Work>,
    waiting: &AtomicUsize,
    conn: Connection,
    reopen: &dyn Fn() -> diesel::ConnectionResult<Connection>,
) {
    let mut conn = Some(conn);
    while let Ok(first) = queue.recv() {
        let (mut batch, mut alone, mut next) = (Vec::new(), None, Some(first));
        while let Some(work) = next {
            waiting.fetch_sub(1, Ordering::Relaxed);
            match work {
                Work::Change(job) => batch.push(job),
                Work::Alone(work) => alone = Some(work),
            }
            next = if alone.is_none() && batch.len() < MAX_BATCH { queue.try_recv().ok() } else { None };
        }
        let Some(live) = conn.take().or_else(|| reopen().ok()) else {
            // Dropping a job tells its caller that the writer is gone.
            tracing::error!("the database cannot be opened for writing");
            continue;
        };
        conn = if batch.is_empty() { Some(live) } else { run_batch(live, batch) };
        if let (Some(live), Some(Queued { job, span, answer })) = (&mut conn, alone) {
            match catch_unwind(AssertUnwindSafe(|| span.in_scope(|| job(live)))) {
                Ok(result) => drop(answer.send(result)),
                Err(_) => conn = None,
            }
        }
    }
}

/// Returns the connection if it can be used again.
fn run_batch(mut conn: Connection, batch: Vec<Queued<Change>>) -> Option<Connection> {
    let mut answers = Vec::with_capacity(batch.len());
    let mut broken = super::migrations::begin_immediate(&mut conn).err().map(|error| error.to_string());
    for Queued { mut job, span, answer } in batch {
        if broken.is_some() {
            // Dropping the jobs that have not run returns *unavailable* to their callers.
            break;
        }
        let result;
        (result, broken) = span.in_scope(|| in_savepoint(&mut conn, &mut job));
        answers.push((answer, result));
    }
    if broken.is_none() {
        broken = Connection::commit_transaction(&mut conn).err().map(|error| error.to_string());
    }
    if let Some(reason) = &broken {
        tracing::error!(%reason, jobs = answers.len(), "a batch of writes failed");
    }
    for (answer, result) in answers {
        let result = match &broken {
            None => result,
            Some(reason) => Err(result.err().unwrap_or_else(|| Error::from_storage_text(reason))),
        };
        // The client may have disconnected; the write stays.
        let _ = answer.send(result);
    }
    broken.is_none().then_some(conn)
}
