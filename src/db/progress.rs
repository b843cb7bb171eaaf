//! How far a database job has come, and how long its caller waits for it.
//!
//! A library call that waits for a database cannot be interrupted. So the caller stops waiting, and
//! the job ends at its next step. Whether a change is made is decided once: by the job, when it
//! begins to commit, or by the caller, when it stops waiting.

use crate::error::{Error, Result};
use std::cell::RefCell;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// The caller waits.
const WANTED: u8 = 0;
/// The caller has disconnected. Reads end; a change is still made.
const LEFT: u8 = 1;
/// The caller was told that nothing was changed.
const REFUSED: u8 = 2;
/// The job commits.
const COMMITTING: u8 = 3;

/// How long a caller waits for a commit that has begun, with all that is done to find out whether it
/// succeeded.
pub(super) const COMMIT_PATIENCE: Duration = Duration::from_secs(15);

tokio::task_local! {
    static UNHURRIED: ();
}

/// Lets all database jobs inside `work` take as long as they need: for commands and background jobs.
pub async fn without_time_limit<T>(work: impl Future<Output = T>) -> T {
    UNHURRIED.scope((), work).await
}

/// What a job and its caller share.
#[derive(Clone, Default)]
pub(super) struct Progress(Arc<AtomicU8>);

thread_local! {
    static CURRENT: RefCell<Option<Progress>> = const { RefCell::new(None) };
}

impl Progress {
    /// Stores a value unless the present one is `fixed`. Returns whether it did.
    fn set_unless(&self, fixed: u8, value: u8) -> bool {
        self.0.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |now| (now != fixed).then_some(value)).is_ok()
    }

    /// Runs a job on this thread.
    pub(super) fn during<T>(self, job: impl FnOnce() -> T) -> T {
        CURRENT.set(Some(self));
        let result = job();
        CURRENT.set(None);
        result
    }

    /// Returns an error when the caller no longer waits.
    pub(super) fn still_wanted() -> Result<()> {
        let has_gone = CURRENT.with_borrow(|current| {
            current.as_ref().is_some_and(|progress| matches!(progress.0.load(Ordering::SeqCst), LEFT | REFUSED))
        });
        if has_gone { Err(Error::unavailable("the client disconnected")) } else { Ok(()) }
    }

    /// Called before a commit. Returns an error when the caller was told that nothing was changed.
    pub(super) fn begin_commit() -> Result<()> {
        let may_commit = CURRENT
            .with_borrow(|current| current.as_ref().is_none_or(|progress| progress.set_unless(REFUSED, COMMITTING)));
        if may_commit { Ok(()) } else { Err(Error::unavailable("the caller has stopped waiting")) }
    }
}

/// Who waits for a job; dropped when its client disconnects.
#[derive(Default)]
pub(super) struct Caller(Progress);

impl Caller {
    pub(super) fn progress(&self) -> Progress {
        self.0.clone()
    }

    /// Waits for the job: in a request, not longer than `patience`.
    pub(super) async fn wait<T>(self, mut done: JoinHandle<Result<T>>, patience: Duration) -> Result<T> {
        let result = if UNHURRIED.try_with(|()| ()).is_ok() {
            done.await
        } else {
            match timeout(patience, &mut done).await {
                Ok(result) => result,
                Err(_) if self.0.set_unless(COMMITTING, REFUSED) => {
                    return Err(Error::unavailable(format!("the database has not answered for {patience:?}")));
                }
                Err(_) => match timeout(COMMIT_PATIENCE, done).await {
                    Ok(result) => result,
                    Err(_) => return Err(Error::undecided("the database has not answered to a commit")),
                },
            }
        };
        result.unwrap_or_else(|panic| Err(Error::internal("a database job panicked", panic)))
    }
}

impl Drop for Caller {
    fn drop(&mut self) {
        // Of a job that commits or was refused, nothing changes any more.
        let _ = self.0.0.compare_exchange(WANTED, LEFT, Ordering::SeqCst, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Kind;
    use std::sync::mpsc;

    /// Starts a job that waits for a word before it commits.
    fn job(caller: &Caller) -> (JoinHandle<Result<bool>>, mpsc::Sender<()>) {
        let (go, waiting) = mpsc::channel::<()>();
        let progress = caller.progress();
        let done = tokio::task::spawn_blocking(move || {
            progress.during(|| {
                let _ = waiting.recv();
                Ok(Progress::begin_commit().is_ok())
            })
        });
        (done, go)
    }

    #[tokio::test]
    async fn what_was_refused_is_not_committed() {
        let caller = Caller::default();
        let progress = caller.progress();
        let (done, go) = job(&caller);
        let (told, commits) = tokio::join!(caller.wait(done, Duration::ZERO), async move {
            while progress.0.load(Ordering::SeqCst) != REFUSED {
                tokio::task::yield_now().await;
            }
            drop(go);
            progress.during(|| Progress::begin_commit().is_ok())
        });
        assert_eq!(told.unwrap_err().kind, Kind::Unavailable);
        assert!(!commits);
    }

    #[tokio::test]
    async fn a_commit_that_has_begun_is_waited_for() {
        let caller = Caller::default();
        assert!(caller.progress().during(|| Progress::begin_commit().is_ok()));
        let (done, go) = job(&caller);
        drop(go);
        assert!(caller.wait(done, Duration::ZERO).await.unwrap());
    }

    #[tokio::test]
    async fn a_change_of_somebody_who_left_is_made() {
        let caller = Caller::default();
        let (done, go) = job(&caller);
        let progress = caller.progress();
        drop(caller);
        assert!(progress.during(Progress::still_wanted).is_err());
        drop(go);
        assert!(done.await.unwrap().unwrap());
    }

    #[tokio::test]
    async fn a_background_job_has_no_time_limit() {
        let caller = Caller::default();
        let (done, go) = job(&caller);
        let waits = without_time_limit(caller.wait(done, Duration::ZERO));
        let (committed, ()) = tokio::join!(waits, async move { drop(go) });
        assert!(committed.unwrap());
    }
}
