//! The database: `read` and `write`, on SQLite or Postgres, and nothing else.
//!
//! Both engines stand behind one [`Connection`] enum, so a query is written
//! once; what differs between them lives in [`dialect`]. Every call runs off
//! the web workers, because even getting a connection may block.

mod connection;
pub mod dialect;
pub mod index;
pub mod installation;
pub mod schema;
pub mod words;
mod writer;

pub use connection::{AnyConnection as Connection, MultiBackend};

use crate::error::{Error, Result};
use diesel::Connection as _;
use diesel::QueryResult;
use diesel::connection::SimpleConnection;
use diesel::r2d2::{ManageConnection, Pool};
use diesel::result::{DatabaseErrorKind, Error as DieselError};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};
use std::cell::RefCell;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::time::timeout;
use writer::Writer;

const SQLITE_MIGRATIONS: EmbeddedMigrations = embed_migrations!("migrations/sqlite");
const POSTGRES_MIGRATIONS: EmbeddedMigrations = embed_migrations!("migrations/postgres");

/// How long a request waits for a free connection before it is told to come back.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(2);
/// Connections that read. On Postgres as many others write.
const READERS: [u32; 2] = [4, 6];
/// How often a Postgres transaction is tried again after a serialization failure or deadlock.
const POSTGRES_TRIES: u32 = 5;

/// How long a lost connection for listening stays lost at least.
const LISTEN_AGAIN: Duration = Duration::from_secs(1);

/// Where the database is.
#[derive(Clone, PartialEq, Eq)]
pub enum DatabaseUrl {
    /// The file of an embedded SQLite database.
    Sqlite(PathBuf),
    /// A libpq connection URL.
    Postgres(String),
}

impl std::fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Sqlite(path) => write!(f, "sqlite:{}", path.display()),
            // It holds a password.
            Self::Postgres(_) => f.write_str("postgres:…"),
        }
    }
}

impl std::str::FromStr for DatabaseUrl {
    type Err = String;

    /// What it says of a URL that it refuses never holds a part of the password:
    /// that is also why libpq only gets URLs that it can read.
    fn from_str(url: &str) -> Result<Self, String> {
        let (scheme, rest) = url.split_once(':').unwrap_or(("", ""));
        match scheme.to_ascii_lowercase().as_str() {
            "sqlite" if !rest.is_empty() => Ok(Self::Sqlite(rest.into())),
            "postgres" | "postgresql" => match rest.strip_prefix("//") {
                Some(place) if is_readable(place) => Ok(Self::Postgres(format!("postgres://{place}"))),
                _ => Err("the Postgres URL can't be read: it is postgres://USER:SECRET@HOST:PORT/DATABASE, and before its @ \
                          the signs @ # / % are written as %40 %23 %2F %25"
                    .into()),
            },
            _ if url.starts_with(['"', '\'']) => Err("remove the quotation marks around the database URL".into()),
            _ => Err("a database URL is sqlite:PATH or postgres://USER:SECRET@HOST:PORT/DATABASE".into()),
        }
    }
}

/// Whether libpq reads a URL as it was meant, so that none of its messages can
/// hold what was meant as a password.
fn is_readable(place: &str) -> bool {
    let (authority, path) = place.split_at(place.find(['/', '?']).unwrap_or(place.len()));
    let (user, hosts) = authority.rsplit_once('@').unwrap_or(("", authority));
    let is_encoded = |text: &str| {
        text.split('%')
            .skip(1)
            .all(|after| after.as_bytes().get(..2).is_some_and(|two| two.iter().all(u8::is_ascii_hexdigit)))
    };
    let has_port = |host: &str| {
        let after = host.rsplit_once(']').map_or(host, |(_, after)| after);
        after.split_once(':').is_none_or(|(_, port)| port.is_empty() || port.parse::<u16>().is_ok())
    };
    !place.contains(['#', ' '])
        && is_encoded(place)
        && !user.contains('@')
        && hosts.split(',').all(has_port)
        && !path.split('?').next().unwrap_or("").contains('@')
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

/// What a connection is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Purpose {
    /// The reads of pages, which end after a while.
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
            // A file does not hang up.
            Connection::Sqlite(_) => Ok(()),
            Connection::Postgres(conn) => conn.batch_execute("SELECT 1").map_err(diesel::r2d2::Error::QueryError),
        }
    }

    fn has_broken(&self, conn: &mut Connection) -> bool {
        std::thread::panicking() || diesel::r2d2::R2D2Connection::is_broken(conn)
    }
}

fn connect(url: &DatabaseUrl, purpose: Purpose) -> diesel::ConnectionResult<Connection> {
    let for_pages = purpose == Purpose::Pages;
    match url {
        DatabaseUrl::Sqlite(path) => dialect::open_sqlite(path, for_pages).map(Connection::Sqlite),
        DatabaseUrl::Postgres(url) => dialect::open_postgres(url, for_pages).map(Connection::Postgres),
    }
}

/// Some connections of one kind.
#[derive(Clone)]
struct Connections {
    pool: Pool<Manager>,
    /// As many as there are connections: who waits for one waits here, and not on
    /// a thread of its own.
    places: Arc<Semaphore>,
}

impl Connections {
    fn open(url: &DatabaseUrl, purpose: Purpose, size: u32) -> Result<Self> {
        let pool = Pool::builder().max_size(size).min_idle(Some(1)).connection_timeout(ACQUIRE_TIMEOUT);
        let pool = pool.build(Manager { url: url.clone(), purpose }).map_err(Error::unavailable)?;
        Ok(Self { pool, places: Arc::new(Semaphore::new(size as usize)) })
    }

    /// Runs `work` on a thread of its own. When the caller has gone before it
    /// begins, it does not begin; [`still_wanted`] tells it later.
    async fn run<T: Send + 'static>(
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

/// Ends a job of several queries when nobody waits for it any more.
///
/// # Errors
/// *Unavailable*, which nobody reads.
pub fn still_wanted() -> Result<()> {
    let has_gone = HAS_GONE.with_borrow(|flag| flag.as_ref().is_some_and(|flag| flag.load(Ordering::Relaxed)));
    if has_gone { Err(Error::unavailable("the client has gone")) } else { Ok(()) }
}

/// The database of one running program. Cheap to clone.
#[derive(Clone)]
pub struct Db {
    readers: Connections,
    changes: Changes,
    url: DatabaseUrl,
}

/// Where changes are made.
#[derive(Clone)]
enum Changes {
    /// SQLite has one writer.
    Sqlite(Writer),
    Postgres(Connections),
}

impl Db {
    /// Connects and runs pending migrations.
    pub fn open(url: &DatabaseUrl) -> Result<Self> {
        let mut first = connect(url, Purpose::Everything).map_err(Error::unavailable)?;
        dialect::check_engine(&mut first, || connect(url, Purpose::Everything))?;
        migrate(&mut first)?;
        let [sqlite, postgres] = READERS;
        let (size, changes) = match url {
            DatabaseUrl::Sqlite(_) => {
                let url = url.clone();
                let reopen = move || connect(&url, Purpose::Everything);
                (sqlite, Changes::Sqlite(Writer::start(first, reopen)?))
            }
            DatabaseUrl::Postgres(_) => {
                (postgres, Changes::Postgres(Connections::open(url, Purpose::Everything, postgres)?))
            }
        };
        Ok(Self { readers: Connections::open(url, Purpose::Pages, size)?, changes, url: url.clone() })
    }

    /// How many page reads run at once.
    pub fn readers(&self) -> usize {
        self.readers.pool.max_size() as usize
    }

    /// Runs `job` on a connection for reading. All its queries see one state
    /// of an SQLite database; on Postgres each statement sees the newest, and one
    /// that takes too long is ended.
    pub async fn read<T, F>(&self, job: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&mut Connection) -> Result<T> + Send + 'static,
    {
        let read = |conn: &mut Connection| {
            if matches!(conn, Connection::Sqlite(_)) { conn.transaction(job) } else { job(conn) }
        };
        self.readers.run(read).await
    }

    /// The same for upkeep, whose reads may take their time.
    pub async fn scan<T, F>(&self, job: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&mut Connection) -> Result<T> + Send + 'static,
    {
        match &self.changes {
            Changes::Sqlite(_) => self.read(job).await,
            Changes::Postgres(connections) => connections.run(job).await,
        }
    }

    /// Runs `job` in a transaction and answers once it is durable. An error
    /// from `job` rolls back everything that it did, and nothing else.
    ///
    /// `job` may run again after a serialization failure, so it must not keep
    /// state between runs.
    pub async fn write<T, F>(&self, mut job: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnMut(&mut Connection) -> Result<T> + Send + 'static,
    {
        let connections = match &self.changes {
            Changes::Sqlite(writer) => return writer.run(job).await,
            Changes::Postgres(connections) => connections,
        };
        let write = move |conn: &mut Connection| {
            let mut tries = 1;
            loop {
                match conn.transaction(&mut job) {
                    Err(error) if error.is_worth_retrying() && tries < POSTGRES_TRIES => tries += 1,
                    result => return result,
                }
            }
        };
        connections.run(write).await
    }

    /// Whether other programs may serve the same database.
    pub fn has_other_instances(&self) -> bool {
        matches!(self.changes, Changes::Postgres(_))
    }

    /// Tells every program that listens, this one too. Fewer than 8,000 bytes.
    ///
    /// # Errors
    /// When the database is away, or is one that only we use.
    pub async fn announce(&self, text: String) -> Result<()> {
        self.scan(move |conn| Ok(dialect::announce(conn, &text)?)).await
    }

    /// Hears what is announced, on a thread of its own, until `hear` says that
    /// nobody wants to know any more. `None`: it begins, and something may have been missed.
    pub fn listen(&self, hear: impl Fn(Option<String>) -> bool + Send + 'static) {
        let url = self.url.clone();
        let listen = move || {
            loop {
                let lost = match connect(&url, Purpose::Everything) {
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

/// What to do where a migration failed for want of a right.
fn advice(source: Box<dyn std::error::Error + Send + Sync>) -> String {
    let text = source.to_string();
    if text.contains("permission denied for schema") {
        return format!(
            "{text}; let the owner of the database run: GRANT CREATE ON SCHEMA public TO the role of DATABASE_URL"
        );
    }
    text
}

fn run_pending<C, DB>(conn: &mut C, migrations: EmbeddedMigrations) -> Result<()>
where
    DB: diesel::backend::Backend,
    C: MigrationHarness<DB>,
{
    let ran = conn
        .run_pending_migrations(migrations)
        .map_err(|source| Error::internal("a migration failed", advice(source)))?;
    for migration in ran {
        tracing::info!(%migration, "migrated");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::DatabaseUrl;

    #[test]
    fn a_database_url_is_read_or_refused_without_a_word_of_its_password() {
        let fine = [
            "postgres://u@h/d",
            "Postgres://u:SECRETpw@127.0.0.1:5432/d",
            "postgresql://u:p%40ss%23w%2F1%25@localhost/d",
            "postgres://u:p@h1:5432,h2:5433/d?sslmode=verify-full",
            "postgres:///d?host=/var/run/postgresql",
            "postgres://u:p@[::1]:5432/d",
            "postgres://u:p@[::1]/d",
            "postgres://",
        ];
        for url in fine {
            assert!(matches!(url.parse(), Ok(DatabaseUrl::Postgres(_))), "{url}");
        }
        assert!(matches!("sqlite:/a/b.db".parse(), Ok(DatabaseUrl::Sqlite(_))));
        let refused = [
            ("\"postgres://u:SECRETpw@127.0.0.1:5432/d\"", "SECRETpw"),
            ("mysql://u:SECRETpw@127.0.0.1/d", "SECRETpw"),
            ("postgres://u:p%ss@127.0.0.1/d", "p%ss"),
            ("postgres://u:p@ss#w/1%@localhost/d", "ss"),
            ("postgres://u:abc/def@127.0.0.1/d", "abc"),
            ("postgres://u:abc?def@127.0.0.1/d", "abc"),
            ("postgres://u:ab@cd@127.0.0.1/d", "cd"),
            ("postgres:u:SECRETpw@h", "SECRETpw"),
            ("SECRETpw://x", "SECRETpw"),
            ("SECRETpw", "SECRETpw"),
            ("", "?"),
        ];
        for (url, secret) in refused {
            let error = url.parse::<DatabaseUrl>().unwrap_err();
            assert!(!error.to_lowercase().contains(&secret.to_lowercase()), "{url}: {error}");
        }
    }
}
