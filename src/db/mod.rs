//! The database: `read` and `write`, on SQLite or Postgres, and nothing else.
//!
//! Both engines stand behind one [`Connection`], so a query is written once. What
//! differs between them lives in the files that `lib.rs` names. Every call
//! runs off the web workers, because even getting a connection may block.

pub mod cells;
mod commit;
mod connection;
pub mod copies;
mod engine;
mod error;
pub mod fixed;
pub mod held_words;
pub mod index;
pub mod installation;
mod job;
mod migrations;
mod order;
mod pool;
pub mod portable;
mod postgres;
mod progress;
mod purpose;
mod rows;
pub mod schema;
mod slow;
mod sqlite;
mod stored_words;
pub mod ticket_index;
mod url;
pub mod words;
mod writer;

pub use connection::Connection;
pub use engine::{Engine, MultiBackend};
pub use order::{Numbering, number_events};
pub use progress::without_time_limit;
pub use slow::log_slow_statements;
pub use url::DatabaseUrl;

use crate::error::{Error, Result};
use diesel::Connection as _;
use diesel::QueryResult;
use diesel::result::{DatabaseErrorKind, Error as DieselError};
use job::{Change, Slot};
use pool::{Connections, connect};
use portable::read::Snapshot;
use progress::Progress;
use purpose::Purpose;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::sync::{Mutex, Notify};
use writer::Writer;

/// Read connections on SQLite.
const SQLITE_READERS: u32 = 4;
/// Read connections on Postgres, unless the settings say otherwise. There are as many for writing.
pub const POSTGRES_READERS: u32 = 6;
/// How long a request waits for the database, unless the settings say otherwise.
pub const PATIENCE: Duration = Duration::from_secs(10);
/// Minimum wait before a lost listener connects again.
const LISTEN_AGAIN: Duration = Duration::from_secs(1);

/// Where the database is, and how it is used.
#[derive(Clone)]
pub struct Settings {
    pub url: DatabaseUrl,
    /// Postgres itself, where `url` names a pooler that gives out sessions by transaction.
    pub direct: Option<DatabaseUrl>,
    /// Connections to Postgres for reading, and as many for writing.
    pub connections: u32,
    /// How long a request waits for the database.
    pub patience: Duration,
}

impl Settings {
    /// Leads to the database itself, never to a pooler that gives out sessions by transaction.
    ///
    /// # Errors
    /// *Unavailable* when there is a second URL, and not both are of Postgres.
    pub fn direct_url(&self) -> Result<&DatabaseUrl> {
        match (&self.url, &self.direct) {
            (url, None) => Ok(url),
            (DatabaseUrl::Postgres(_), Some(direct @ DatabaseUrl::Postgres(_))) => Ok(direct),
            _ => Err(Error::unavailable("DATABASE_DIRECT_URL is only for Postgres, beside a DATABASE_URL of a pooler")),
        }
    }
}

impl From<&DatabaseUrl> for Settings {
    fn from(url: &DatabaseUrl) -> Self {
        Self { url: url.clone(), direct: None, connections: POSTGRES_READERS, patience: PATIENCE }
    }
}

/// The database of one running program. Cheap to clone.
#[derive(Clone)]
pub struct Db {
    readers: Connections,
    changes: Changes,
    /// As [`Settings::direct_url`].
    url: DatabaseUrl,
    written: Arc<Notify>,
    rewrites: Arc<Rewrites>,
    /// Why nothing is written, while that is so.
    closed: Arc<OnceLock<String>>,
}

/// What one program uses of its database.
#[derive(Clone, Debug, Default)]
pub struct Usage {
    /// For each purpose: how many connections may be open, and how many are in use.
    pub connections: Vec<(&'static str, usize, usize)>,
    /// Changes that wait for SQLite's one writer.
    pub write_queue: usize,
}

/// Wishes to rewrite the files, in the order of their numbers.
#[derive(Default)]
struct Rewrites {
    /// How many wishes there were.
    wished: AtomicU64,
    /// The last wish that is fulfilled. Locked while the files are rewritten.
    fulfilled: Mutex<u64>,
}

/// Where writes go.
#[derive(Clone)]
enum Changes {
    /// SQLite has one writer.
    Sqlite(Writer),
    Postgres(Connections),
}

impl Db {
    /// Connects and runs pending migrations.
    pub fn open(settings: impl Into<Settings>) -> Result<Self> {
        let settings = settings.into();
        let url = settings.direct_url()?;
        let mut first = connect(url, Purpose::Everything).map_err(Error::unavailable)?;
        check_engine(&mut first, url)?;
        migrations::run(&mut first, url)?;
        let (size, changes) = match url {
            DatabaseUrl::Sqlite(_) => {
                let url = url.clone();
                let reopen = move || connect(&url, Purpose::Everything);
                (SQLITE_READERS, Changes::Sqlite(Writer::start(first, reopen)?))
            }
            DatabaseUrl::Postgres(_) => {
                let size = settings.connections;
                (size, Changes::Postgres(Connections::open(&settings, Purpose::Everything, size)?))
            }
        };
        Ok(Self {
            readers: Connections::open(&settings, Purpose::Pages, size)?,
            changes,
            url: url.clone(),
            written: Arc::default(),
            rewrites: Arc::default(),
            closed: Arc::default(),
        })
    }

    /// How many page reads run at once.
    pub fn readers(&self) -> usize {
        self.readers.size()
    }

    /// What is in use at this moment.
    pub fn usage(&self) -> Usage {
        let of = |connections: &Connections| (connections.purpose(), connections.size(), connections.in_use());
        let reading = of(&self.readers);
        match &self.changes {
            Changes::Sqlite(writer) => Usage { connections: vec![reading], write_queue: writer.waiting() },
            Changes::Postgres(writers) => Usage { connections: vec![reading, of(writers)], write_queue: 0 },
        }
    }

    /// Runs `job` on a connection for reading. On SQLite all its queries see one state of
    /// the database. On Postgres each statement sees the latest state, and a slow
    /// statement is cancelled.
    pub async fn read<T, F>(&self, job: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&mut Connection) -> Result<T> + Send + 'static,
    {
        let (slot, look) = Slot::of_look(job);
        self.readers.read(look).await?;
        slot.take()
    }

    /// Like [`Db::read`], but for upkeep: without a time limit.
    pub async fn scan<T, F>(&self, job: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&mut Connection) -> Result<T> + Send + 'static,
    {
        let connections = match &self.changes {
            Changes::Sqlite(_) => &self.readers,
            Changes::Postgres(connections) => connections,
        };
        let (slot, look) = Slot::of_look(job);
        without_time_limit(connections.read(look)).await?;
        slot.take()
    }

    /// Runs `job` in a transaction and returns once it is durable. An error from `job`
    /// rolls back everything that it did, and nothing else.
    ///
    /// `job` may run again after a serialization failure, so it must not keep state
    /// between runs.
    ///
    /// # Errors
    /// Those of `job`; *unavailable* and *full*: nothing was changed; *undecided*: the connection to
    /// Postgres broke during the commit, and nobody could say in time whether it succeeded.
    pub async fn write<T, F>(&self, job: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnMut(&mut Connection) -> Result<T> + Send + 'static,
    {
        let (slot, change) = Slot::of_change(job);
        self.commit(change).await?;
        self.written.notify_one();
        slot.take()
    }

    /// Wakes one waiting task after every write.
    pub fn written(&self) -> Arc<Notify> {
        self.written.clone()
    }

    /// From now on, refuses every write for this reason.
    pub fn close(&self, reason: &str) {
        // A second reason changes nothing.
        let _ = self.closed.set(reason.to_owned());
    }

    async fn commit(&self, mut change: Change) -> Result<()> {
        if let Some(reason) = self.closed.get() {
            return Err(Error::maintenance(reason));
        }
        let connections = match &self.changes {
            Changes::Sqlite(writer) => return writer.run(change).await,
            Changes::Postgres(connections) => connections,
        };
        let (own, url) = (connections.clone(), self.url.clone());
        connections.run(Box::new(move |conn| commit::run(&own, conn, &url, &mut change))).await
    }

    /// Rewrites SQLite's files, so that they hold no byte of rows that were removed. Changes wait
    /// meanwhile, some 17 s for each GB. Calls that come in the meantime share the next rewrite.
    /// Postgres is cleaned by its operator.
    ///
    /// # Errors
    /// *Unavailable* as long as a reader needs an older state, *full* without room for a copy.
    pub async fn rewrite(&self) -> Result<()> {
        let (Changes::Sqlite(writer), DatabaseUrl::Sqlite(path)) = (&self.changes, self.url.clone()) else {
            return Ok(());
        };
        let wish = self.rewrites.wished.fetch_add(1, Ordering::SeqCst) + 1;
        let mut fulfilled = self.rewrites.fulfilled.lock().await;
        if *fulfilled >= wish {
            return Ok(());
        }
        let wished = self.rewrites.wished.load(Ordering::SeqCst);
        let rewrite = move |conn: &mut Connection| match &mut conn.engine {
            Engine::Sqlite(conn) => sqlite::rewrite(conn, &path),
            Engine::Postgres(_) => Ok(()),
        };
        writer.run_alone(Box::new(rewrite)).await?;
        *fulfilled = wished;
        Ok(())
    }

    /// One state of all rows, on a connection of its own. Blocks.
    pub fn snapshot(&self) -> Result<Snapshot> {
        Snapshot::open(&self.url)
    }

    /// Whether other programs may serve the same database.
    pub fn has_other_instances(&self) -> bool {
        matches!(self.changes, Changes::Postgres(_))
    }

    /// Sends a text of less than 8,000 bytes to every listening program, including this
    /// one.
    pub async fn announce(&self, text: String) -> Result<()> {
        self.scan(move |conn| match &mut conn.engine {
            // No other program uses the database.
            Engine::Sqlite(_) => Ok(()),
            Engine::Postgres(conn) => Ok(postgres::announce(conn, &text)?),
        })
        .await
    }

    /// Passes announcements to `receive`, on a thread of its own, as long as they are wanted.
    /// `None` means that listening has just started and something may have been missed.
    pub fn listen(
        &self,
        is_wanted: impl Fn() -> bool + Send + 'static,
        receive: impl Fn(Option<String>) + Send + 'static,
    ) {
        let url = self.url.clone();
        let listen = move || {
            while is_wanted() {
                let lost = match connect(&url, Purpose::Everything).map(|conn| conn.engine) {
                    Ok(Engine::Postgres(mut conn)) => postgres::listen(&mut conn, &is_wanted, &receive),
                    Ok(Engine::Sqlite(_)) => None,
                    Err(error) => Some(error.to_string()),
                };
                let Some(reason) = lost else { return };
                tracing::warn!(%reason, "messages of other instances cannot be received; trying again");
                std::thread::sleep(LISTEN_AGAIN);
            }
        };
        if let Err(error) = std::thread::Builder::new().name("docket-listener".into()).spawn(listen) {
            tracing::error!(%error, "messages of other instances cannot be received");
        }
    }
}

/// Returns an error when the caller has disconnected or has stopped waiting. Ends a job of several
/// queries early.
pub fn still_wanted() -> Result<()> {
    Progress::still_wanted()
}

/// Refuses an engine that could lose acknowledged data, or a connection pooler that does
/// not keep sessions.
fn check_engine(conn: &mut Connection, url: &DatabaseUrl) -> Result<()> {
    match &mut conn.engine {
        Engine::Sqlite(conn) => sqlite::check(conn),
        Engine::Postgres(conn) => match connect(url, Purpose::Everything).map_err(Error::unavailable)?.engine {
            Engine::Postgres(mut other) => postgres::check_sessions(conn, &mut other),
            Engine::Sqlite(_) => Ok(()),
        },
    }
}

/// Damage that the engine finds in its own file.
pub fn damage(conn: &mut Connection) -> QueryResult<Vec<String>> {
    match &mut conn.engine {
        Engine::Sqlite(conn) => sqlite::damage(conn),
        Engine::Postgres(_) => Ok(Vec::new()),
    }
}

/// Runs an insert. Returns `None` if its unique key is taken. Uses a savepoint, because
/// Postgres aborts a transaction after an error.
pub fn unless_taken<T>(
    conn: &mut Connection,
    insert: impl FnOnce(&mut Connection) -> QueryResult<T>,
) -> Result<Option<T>> {
    match conn.transaction(insert) {
        Ok(made) => Ok(Some(made)),
        Err(DieselError::DatabaseError(DatabaseErrorKind::UniqueViolation, _)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}
