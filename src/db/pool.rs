//! Connections of one kind, and the jobs that run on them.

use crate::db::job::Look;
use crate::db::progress::{Caller, Progress};
use crate::db::purpose::Purpose;
use crate::db::{Connection, DatabaseUrl, Engine, Settings, postgres, sqlite};
use crate::error::{Error, Result};
use diesel::connection::{SimpleConnection, TransactionManager};
use diesel::r2d2::{ManageConnection, Pool};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::time::timeout;

/// How long a request waits for a free connection before it is refused.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(2);
/// Idle connections close after this long: each holds about 3 MiB of pages and prepared
/// statements.
const IDLE_TIMEOUT: Duration = Duration::from_secs(20);

/// Opens connections of one kind.
#[derive(Clone, Debug)]
struct Source {
    url: DatabaseUrl,
    purpose: Purpose,
    /// Whether the URL names a pooler that gives out sessions by transaction.
    is_shared: bool,
}

impl Source {
    /// Whether reading needs a transaction: on SQLite so that all queries see one state, and with a
    /// pooler so that they all reach one server process.
    fn reads_in_transactions(&self) -> bool {
        self.is_shared || matches!(self.url, DatabaseUrl::Sqlite(_))
    }
}

impl ManageConnection for Source {
    type Connection = Connection;
    type Error = diesel::r2d2::Error;

    fn connect(&self) -> Result<Connection, Self::Error> {
        let connection = match &self.url {
            DatabaseUrl::Postgres(url) if self.is_shared => postgres::open_shared(url).map(Into::into),
            url => connect(url, self.purpose),
        };
        connection.map_err(diesel::r2d2::Error::ConnectionError)
    }

    fn is_valid(&self, conn: &mut Connection) -> Result<(), Self::Error> {
        match &mut conn.engine {
            // A file cannot disconnect.
            Engine::Sqlite(_) => Ok(()),
            Engine::Postgres(conn) => conn.batch_execute("SELECT 1").map_err(diesel::r2d2::Error::QueryError),
        }
    }

    fn has_broken(&self, conn: &mut Connection) -> bool {
        std::thread::panicking() || diesel::r2d2::R2D2Connection::is_broken(&mut conn.engine)
    }
}

pub(super) fn connect(url: &DatabaseUrl, purpose: Purpose) -> diesel::ConnectionResult<Connection> {
    match url {
        DatabaseUrl::Sqlite(path) => sqlite::open(path, purpose == Purpose::Pages).map(Into::into),
        DatabaseUrl::Postgres(url) => postgres::open(url, purpose).map(Into::into),
    }
}

/// A pool of connections of one kind.
#[derive(Clone)]
pub(super) struct Connections {
    source: Source,
    pool: Pool<Source>,
    /// One permit per connection. Callers wait here rather than on a thread each.
    places: Arc<Semaphore>,
    patience: Duration,
}

impl Connections {
    pub(super) fn open(settings: &Settings, purpose: Purpose, size: u32) -> Result<Self> {
        let source = Source { url: settings.url.clone(), purpose, is_shared: settings.direct.is_some() };
        let pool = Pool::builder().max_size(size).min_idle(Some(1)).connection_timeout(ACQUIRE_TIMEOUT);
        let pool = pool.idle_timeout(Some(IDLE_TIMEOUT)).build(source.clone()).map_err(Error::unavailable)?;
        let places = Arc::new(Semaphore::new(size as usize));
        Ok(Self { source, pool, places, patience: settings.patience })
    }

    pub(super) fn size(&self) -> usize {
        self.pool.max_size() as usize
    }

    pub(super) fn purpose(&self) -> &'static str {
        self.source.purpose.as_str()
    }

    /// How many of them are in use.
    pub(super) fn in_use(&self) -> usize {
        self.size() - self.places.available_permits()
    }

    /// Begins a transaction, with the settings that a connection of its own would have.
    pub(super) fn begin(&self, conn: &mut Connection) -> Result<()> {
        match &mut conn.engine {
            Engine::Postgres(conn) if self.source.is_shared => postgres::begin_shared(conn, self.source.purpose)?,
            engine => Engine::begin_transaction(engine)?,
        }
        Ok(())
    }

    /// Runs `work`, which only reads.
    pub(super) async fn read(&self, work: Look) -> Result<()> {
        if !self.source.reads_in_transactions() {
            return self.run(work).await;
        }
        let connections = self.clone();
        self.run(Box::new(move |conn| {
            connections.begin(conn)?;
            let result = work(conn);
            match &result {
                Ok(()) => Connection::commit_transaction(conn)?,
                // The connection may be gone, and with it the transaction.
                Err(_) => drop(Connection::rollback_transaction(conn)),
            }
            result
        }))
        .await
    }

    /// Runs `work` on a thread of its own, unless the caller disconnects before it starts. Later,
    /// `work` can check this with [`still_wanted`](super::still_wanted).
    ///
    /// # Errors
    /// *Unavailable* when no connection is free, or when a request has waited for too long. What was
    /// not yet being committed by then is rolled back.
    pub(super) async fn run(&self, work: Look) -> Result<()> {
        let place = timeout(ACQUIRE_TIMEOUT, self.places.clone().acquire_owned()).await;
        let place = place.map_err(Error::unavailable)?.map_err(Error::unavailable)?;
        let (pool, caller) = (self.pool.clone(), Caller::default());
        let progress = caller.progress();
        // As high as the span of the request, so that its lines name the request.
        let span = tracing::error_span!("database", purpose = self.purpose());
        let done = tokio::task::spawn_blocking(move || {
            let (_place, _span) = (place, span.entered());
            progress
                .during(|| Progress::still_wanted().and_then(|()| work(&mut *pool.get().map_err(Error::unavailable)?)))
        });
        caller.wait(done, self.patience).await
    }
}
