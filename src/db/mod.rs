//! The database: `read` and `write`, on SQLite or Postgres, and nothing else.
//!
//! Both engines stand behind one [`Connection`] enum, so a query is written once. What
//! differs between them lives in `sqlite.rs`, `postgres.rs` and [`index`]. Every call
//! runs off the web workers, because even getting a connection may block.

mod connection;
mod error;
pub mod index;
pub mod installation;
mod migrations;
mod pool;
mod postgres;
mod rows;
pub mod schema;
mod sqlite;
mod url;
pub mod words;
mod writer;

pub use connection::{AnyConnection as Connection, MultiBackend};
pub use pool::still_wanted;
pub use url::DatabaseUrl;

use crate::error::{Error, Result};
use diesel::Connection as _;
use diesel::QueryResult;
use diesel::result::{DatabaseErrorKind, Error as DieselError};
use pool::{Connections, Purpose, connect};
use std::time::Duration;
use writer::Writer;

/// Connections that read. On Postgres as many others write.
const READERS: [u32; 2] = [4, 6];
/// How often a Postgres transaction is tried again after a serialization failure or deadlock.
const POSTGRES_TRIES: u32 = 5;
/// How long a lost connection for listening stays lost at least.
const LISTEN_AGAIN: Duration = Duration::from_secs(1);

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
        check_engine(&mut first, url)?;
        migrations::run(&mut first)?;
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
        self.readers.size()
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
    pub async fn announce(&self, text: String) -> Result<()> {
        self.scan(move |conn| match conn {
            // Nobody else uses it.
            Connection::Sqlite(_) => Ok(()),
            Connection::Postgres(conn) => Ok(postgres::announce(conn, &text)?),
        })
        .await
    }

    /// Hears what is announced, on a thread of its own, until `hear` says that
    /// nobody wants to know any more. `None`: it begins, and something may have been missed.
    pub fn listen(&self, hear: impl Fn(Option<String>) -> bool + Send + 'static) {
        let url = self.url.clone();
        let listen = move || {
            loop {
                let lost = match connect(&url, Purpose::Everything) {
                    Ok(Connection::Postgres(mut conn)) => postgres::listen(&mut conn, &|text| hear(text)),
                    Ok(Connection::Sqlite(_)) => None,
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

/// Refuses an engine that could lose what it has acknowledged, or a way to it that
/// does not keep sessions.
fn check_engine(conn: &mut Connection, url: &DatabaseUrl) -> Result<()> {
    match conn {
        Connection::Sqlite(conn) => sqlite::check(conn),
        Connection::Postgres(conn) => match connect(url, Purpose::Everything).map_err(Error::unavailable)? {
            Connection::Postgres(mut other) => postgres::check_sessions(conn, &mut other),
            Connection::Sqlite(_) => Ok(()),
        },
    }
}

/// What the engine itself finds wrong with its file.
pub fn damage(conn: &mut Connection) -> QueryResult<Vec<String>> {
    match conn {
        Connection::Sqlite(conn) => sqlite::damage(conn),
        Connection::Postgres(_) => Ok(Vec::new()),
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
