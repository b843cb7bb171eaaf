//! Connections of one kind, and the jobs that run on them.

use crate::db::{Connection, DatabaseUrl, postgres, sqlite};
use crate::error::{Error, Result};
use diesel::connection::SimpleConnection;
use diesel::r2d2::{ManageConnection, Pool};
use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::time::timeout;

/// How long a request waits for a free connection before it is refused.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(2);
/// Idle connections close after this long: each holds about 3 MiB of pages and prepared
/// statements.
const IDLE_TIMEOUT: Duration = Duration::from_secs(20);

/// What a connection is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// Reads for pages, with a time limit on Postgres.
    Pages,
    /// Changes, and upkeep's long reads.
    Everything,
}

/// Opens connections of one kind for a pool.
#[derive(Debug)]
struct Manager {
    url: DatabaseUrl,
    purpose: Purpose,
}

impl ManageConnection for Manager {
    type Connection = Connection;
    type Error = diesel::r2d2::Error;

    fn connect(&self) -> Result<Connection, Self::Error> {
        connect(&self.url, self.purpose).map_err(diesel::r2d2::Error::ConnectionError)
    }

    fn is_valid(&self, conn: &mut Connection) -> Result<(), Self::Error> {
        match conn {
            // A file cannot disconnect.
            Connection::Sqlite(_) => Ok(()),
            Connection::Postgres(conn) => conn.batch_execute("SELECT 1").map_err(diesel::r2d2::Error::QueryError),
        }
    }

    fn has_broken(&self, conn: &mut Connection) -> bool {
        std::thread::panicking() || diesel::r2d2::R2D2Connection::is_broken(conn)
    }
}

pub(super) fn connect(url: &DatabaseUrl, purpose: Purpose) -> diesel::ConnectionResult<Connection> {
    let for_pages = purpose == Purpose::Pages;
    match url {
        DatabaseUrl::Sqlite(path) => sqlite::open(path, for_pages).map(Connection::Sqlite),
        DatabaseUrl::Postgres(url) => postgres::open(url, for_pages).map(Connection::Postgres),
    }
}

/// A pool of connections of one kind.
#[derive(Clone)]
pub(super) struct Connections {
    pool: Pool<Manager>,
    /// One permit per connection. Callers wait here rather than on a thread each.
    places: Arc<Semaphore>,
}

impl Connections {
    pub(super) fn open(url: &DatabaseUrl, purpose: Purpose, size: u32) -> Result<Self> {
        let pool = Pool::builder().max_size(size).min_idle(Some(1)).connection_timeout(ACQUIRE_TIMEOUT);
        let pool = pool.idle_timeout(Some(IDLE_TIMEOUT));
        let pool = pool.build(Manager { url: url.clone(), purpose }).map_err(Error::unavailable)?;
        Ok(Self { pool, places: Arc::new(Semaphore::new(size as usize)) })
    }

    pub(super) fn size(&self) -> usize {
        self.pool.max_size() as usize
    }

    /// Runs `work` on a thread of its own, unless the caller disconnects before it
    /// starts. Later, `work` can check this with [`still_wanted`].
    pub(super) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let place = timeout(ACQUIRE_TIMEOUT, self.places.clone().acquire_owned()).await;
        let place = place.map_err(Error::unavailable)?.map_err(Error::unavailable)?;
        let (pool, caller) = (self.pool.clone(), Caller::default());
        let has_gone = caller.0.clone();
        let done = tokio::task::spawn_blocking(move || {
            let _place = place;
            HAS_GONE.set(Some(has_gone));
            let result = still_wanted().and_then(|()| work(&mut *pool.get().map_err(Error::unavailable)?));
            HAS_GONE.set(None);
            result
        });
        match done.await {
            Ok(result) => result,
            Err(panic) => Err(Error::internal("a database job panicked", panic)),
        }
    }
}

/// A request that waits for a job; dropped when its client disconnects.
#[derive(Default)]
struct Caller(Arc<AtomicBool>);

impl Drop for Caller {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

thread_local! {
    static HAS_GONE: RefCell<Option<Arc<AtomicBool>>> = const { RefCell::new(None) };
}

/// Returns an error when the caller has disconnected, to end a job of several queries
/// early.
pub fn still_wanted() -> Result<()> {
    let has_gone = HAS_GONE.with_borrow(|flag| flag.as_ref().is_some_and(|flag| flag.load(Ordering::Relaxed)));
    if has_gone { Err(Error::unavailable("the client disconnected")) } else { Ok(()) }
}
