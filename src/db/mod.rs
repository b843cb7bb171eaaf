//! The database: `read` and `write`, on SQLite or Postgres, and nothing else.
//!
//! Both engines stand behind one [`Connection`] enum, so a query is written
//! once; what differs between them lives in [`dialect`]. Every call runs off
//! the web workers, because even getting a connection may block.

mod connection;
pub mod dialect;
pub mod schema;
mod writer;

pub use connection::{AnyConnection as Connection, MultiBackend};

use crate::error::{Error, Result};
use diesel::Connection as _;
use diesel::QueryResult;
use diesel::connection::SimpleConnection;
use diesel::r2d2::{ManageConnection, Pool};
use diesel::result::{DatabaseErrorKind, Error as DieselError};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::time::timeout;
use writer::Writer;

const SQLITE_MIGRATIONS: EmbeddedMigrations = embed_migrations!("migrations/sqlite");
const POSTGRES_MIGRATIONS: EmbeddedMigrations = embed_migrations!("migrations/postgres");

/// How long a request waits for a free connection before it is told to come back.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(2);
const SQLITE_READERS: u32 = 4;
const POSTGRES_CONNECTIONS: u32 = 10;
/// How often a Postgres transaction is tried again after a serialization failure or deadlock.
const POSTGRES_TRIES: u32 = 5;

/// How long a lost connection for listening stays lost at least.
const LISTEN_AGAIN: Duration = Duration::from_secs(1);

/// Where the database is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DatabaseUrl {
    /// The file of an embedded SQLite database.
    Sqlite(PathBuf),
    /// A libpq connection URL.
    Postgres(String),
}

impl std::str::FromStr for DatabaseUrl {
    type Err = String;

    fn from_str(url: &str) -> Result<Self, String> {
        if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            return Ok(Self::Postgres(url.to_owned()));
        }
        match url.strip_prefix("sqlite:") {
            Some(path) if !path.is_empty() => Ok(Self::Sqlite(path.into())),
            _ => Err("a database URL is sqlite:PATH or postgres://…".into()),
        }
    }
}

impl std::fmt::Display for DatabaseUrl {
    /// For people: without the password that a URL may hold.
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Sqlite(path) => write!(out, "the database {}", path.display()),
            Self::Postgres(url) => match url.parse::<url::Url>() {
                Ok(url) => write!(out, "the Postgres database {}{}", url.host_str().unwrap_or("localhost"), url.path()),
                Err(_) => out.write_str("the Postgres database"),
            },
        }
    }
}

/// Opens connections of one kind for the pool.
#[derive(Debug)]
struct Manager {
    url: DatabaseUrl,
    read_only: bool,
}

impl ManageConnection for Manager {
    type Connection = Connection;
    type Error = diesel::r2d2::Error;

    fn connect(&self) -> Result<Connection, Self::Error> {
        connect(&self.url, self.read_only).map_err(diesel::r2d2::Error::ConnectionError)
    }

    fn is_valid(&self, conn: &mut Connection) -> Result<(), Self::Error> {
        match conn {
            // A file does not hang up.
            Connection::Sqlite(_) => Ok(()),
            Connection::Postgres(conn) => conn.batch_execute("SELECT 1").map_err(diesel::r2d2::Error::QueryError),
        }
    }

    fn has_broken(&self, conn: &mut Connection) -> bool {
        std::thread::panicking() || diesel::r2d2::R2D2Connection::is_broken(conn)
    }
}

fn connect(url: &DatabaseUrl, read_only: bool) -> diesel::ConnectionResult<Connection> {
    match url {
        DatabaseUrl::Sqlite(path) => dialect::open_sqlite(path, read_only).map(Connection::Sqlite),
        DatabaseUrl::Postgres(url) => dialect::open_postgres(url).map(Connection::Postgres),
    }
}

/// The database of one running program. Cheap to clone.
#[derive(Clone)]
pub struct Db {
    readers: Pool<Manager>,
    /// As many as there are connections: who waits for one waits here, and not on
    /// a thread of its own.
    places: Arc<Semaphore>,
    /// SQLite has one writer; Postgres writes through the pool.
    writer: Option<Writer>,
    url: DatabaseUrl,
}

impl Db {
    /// Connects and runs pending migrations.
    ///
    /// # Errors
    /// When the database cannot be reached, is of an unusable SQLite version,
    /// or a migration fails.
    pub fn open(url: &DatabaseUrl) -> Result<Self> {
        let mut first = connect(url, false).map_err(Error::unavailable)?;
        dialect::check_engine(&mut first)?;
        migrate(&mut first)?;
        let (size, writer) = match url {
            DatabaseUrl::Sqlite(_) => {
                let url = url.clone();
                let reopen = move || connect(&url, false);
                (SQLITE_READERS, Some(Writer::start(first, reopen)?))
            }
            DatabaseUrl::Postgres(_) => (POSTGRES_CONNECTIONS, None),
        };
        let manager = Manager { url: url.clone(), read_only: writer.is_some() };
        let readers = Pool::builder()
            .max_size(size)
            .min_idle(Some(1))
            .connection_timeout(ACQUIRE_TIMEOUT)
            .build(manager)
            .map_err(Error::unavailable)?;
        let places = Arc::new(Semaphore::new(size as usize));
        Ok(Self { readers, places, writer, url: url.clone() })
    }

    /// Runs `job` on a connection for reading. All its queries see one state
    /// of an SQLite database; on Postgres each statement sees the newest.
    ///
    /// # Errors
    /// Those of `job`, and *unavailable* when no connection is free in time.
    pub async fn read<T, F>(&self, job: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&mut Connection) -> Result<T> + Send + 'static,
    {
        let pool = self.readers.clone();
        self.blocking(move || {
            let mut conn = pool.get().map_err(Error::unavailable)?;
            if matches!(*conn, Connection::Sqlite(_)) {
                return (*conn).transaction(job);
            }
            job(&mut conn)
        })
        .await
    }

    /// Runs `job` in a transaction and answers once it is durable. An error
    /// from `job` rolls back everything that it did, and nothing else.
    ///
    /// `job` may run again after a serialization failure, so it must not keep
    /// state between runs.
    ///
    /// # Errors
    /// Those of `job`, and *unavailable* when the database is away.
    pub async fn write<T, F>(&self, mut job: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnMut(&mut Connection) -> Result<T> + Send + 'static,
    {
        if let Some(writer) = &self.writer {
            return writer.run(job).await;
        }
        let pool = self.readers.clone();
        self.blocking(move || {
            let mut conn = pool.get().map_err(Error::unavailable)?;
            let mut tries = 1;
            loop {
                match (*conn).transaction(|conn| job(conn)) {
                    Err(error) if error.is_worth_retrying() && tries < POSTGRES_TRIES => tries += 1,
                    result => return result,
                }
            }
        })
        .await
    }
}

impl Db {
    async fn blocking<T: Send + 'static>(&self, work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
        let place = timeout(ACQUIRE_TIMEOUT, self.places.clone().acquire_owned()).await;
        let place = place.map_err(Error::unavailable)?.map_err(Error::unavailable)?;
        let done = tokio::task::spawn_blocking(move || {
            let _place = place;
            work()
        });
        match done.await {
            Ok(result) => result,
            Err(panic) => Err(Error::internal("a database job panicked", panic)),
        }
    }

    /// Whether other programs may serve the same database.
    #[must_use]
    pub fn has_other_instances(&self) -> bool {
        self.writer.is_none()
    }

    /// Tells every program that listens, this one too. Fewer than 8,000 bytes.
    ///
    /// # Errors
    /// When the database is away, or is one that only we use.
    pub async fn announce(&self, text: String) -> Result<()> {
        self.read(move |conn| Ok(dialect::announce(conn, &text)?)).await
    }

    /// Hears what is announced, on a thread of its own, until `hear` says that
    /// nobody wants to know any more. `None`: it begins, and something may have been missed.
    pub fn listen(&self, hear: impl Fn(Option<String>) -> bool + Send + 'static) {
        let url = self.url.clone();
        let listen = move || {
            loop {
                let lost = match connect(&url, false) {
                    Ok(mut conn) => dialect::listen(&mut conn, &|text| hear(text)),
                    Err(error) => Some(error.to_string()),
                };
                let Some(reason) = lost else { return };
                tracing::warn!(%reason, "other instances cannot be heard; trying again");
                std::thread::sleep(LISTEN_AGAIN);
            }
        };
        if let Err(error) = std::thread::Builder::new().name("docket-listener".into()).spawn(listen) {
            tracing::error!(%error, "other instances cannot be heard");
        }
    }
}

/// What an insert made, or nothing where its unique key is taken. In a savepoint,
/// because Postgres gives up a transaction after an error.
///
/// # Errors
/// When the database fails.
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

/// Brings the database up to this program's schema. Programs that start
/// together wait for each other.
fn migrate(conn: &mut Connection) -> Result<()> {
    dialect::exclusively(conn, |conn| match conn {
        Connection::Sqlite(conn) => run_pending(conn, SQLITE_MIGRATIONS),
        Connection::Postgres(conn) => run_pending(conn, POSTGRES_MIGRATIONS),
    })
}

fn run_pending<C, DB>(conn: &mut C, migrations: EmbeddedMigrations) -> Result<()>
where
    DB: diesel::backend::Backend,
    C: MigrationHarness<DB>,
{
    let ran =
        conn.run_pending_migrations(migrations).map_err(|source| Error::internal("a migration failed", source))?;
    for migration in ran {
        tracing::info!(%migration, "migrated");
    }
    Ok(())
}
