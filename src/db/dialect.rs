//! Opening, locking, migrating and listening, as each engine does it. Together with
//! `index.rs` the only place that knows which engine it talks to.

use super::Connection;
use crate::error::{Error, Result};
use diesel::connection::{AnsiTransactionManager, SimpleConnection, TransactionManager};
use diesel::sql_types::{BigInt, Text};
use diesel::{Connection as _, ConnectionResult, PgConnection, QueryResult, RunQueryDsl, SqliteConnection};
use std::path::Path;
use std::time::{Duration, Instant};

/// The advisory lock of migrations on Postgres: any number that nobody else uses.
const MIGRATION_LOCK: i64 = 0x0064_6f63_6b65_7401;

/// Versions before this one can lose committed pages when two connections
/// write and checkpoint at the same instant (the WAL-reset bug).
const OLDEST_SAFE_SQLITE: (u32, u32, u32) = (3, 51, 3);

/// Withdrawn by its authors.
const WITHDRAWN_SQLITE: (u32, u32, u32) = (3, 52, 0);

/// How long opening waits for somebody else who is opening the same new file.
const LOCK_PATIENCE: Duration = Duration::from_secs(5);

const LOCK_PAUSE: Duration = Duration::from_millis(10);

/// How long a start waits for another program's migrations.
const MIGRATION_PATIENCE: Duration = Duration::from_secs(300);

/// The channel on which instances tell one another.
const CHANNEL: &str = "docket";

/// How often a listener looks: libpq has no call that waits.
const LISTEN_PAUSE: Duration = Duration::from_millis(50);

/// How often it makes sure that the connection lives.
const LISTEN_SIGN: Duration = Duration::from_secs(5);

/// Each alone and in this order: the first makes the others wait for a lock
/// that another process holds, instead of failing.
const SQLITE_PRAGMAS: [&str; 7] = [
    "PRAGMA busy_timeout = 5000",
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
    "PRAGMA trusted_schema = OFF",
    "PRAGMA cell_size_check = ON",
    "PRAGMA journal_size_limit = 67108864",
];

pub(super) fn open_sqlite(path: &Path, read_only: bool) -> ConnectionResult<SqliteConnection> {
    let mut conn = SqliteConnection::establish(&path.to_string_lossy())?;
    SQLITE_PRAGMAS.iter().try_for_each(|pragma| set(&mut conn, pragma))?;
    if read_only {
        set(&mut conn, "PRAGMA query_only = ON")?;
    }
    Ok(conn)
}

/// Sets one pragma. The step from a new file to WAL does not wait for others
/// that take it at the same moment, whatever the busy timeout says, so we do.
fn set(conn: &mut SqliteConnection, pragma: &str) -> ConnectionResult<()> {
    let begun = Instant::now();
    loop {
        match conn.batch_execute(pragma) {
            Err(error) if error.to_string().contains("locked") && begun.elapsed() < LOCK_PATIENCE => {
                std::thread::sleep(LOCK_PAUSE);
            }
            result => return result.map_err(diesel::ConnectionError::CouldntSetupConfiguration),
        }
    }
}

/// Longest statement of a page on Postgres. SQLite has no such bound here: Diesel
/// 2.3 does not offer its progress handler, so there only what a query asks for
/// bounds it.
const LONGEST_PAGE: Duration = Duration::from_secs(5);

pub(super) fn open_postgres(url: &str, for_pages: bool) -> ConnectionResult<PgConnection> {
    let mut conn = PgConnection::establish(url)?;
    let longest = if for_pages { LONGEST_PAGE.as_millis() } else { 0 };
    let settings =
        format!("SET TIME ZONE 'UTC'; SET client_min_messages TO warning; SET statement_timeout TO {longest}");
    conn.batch_execute(&settings).map_err(diesel::ConnectionError::CouldntSetupConfiguration)?;
    Ok(conn)
}

/// Refuses an engine that could lose what it has acknowledged, or a way to it that
/// does not keep sessions.
pub(super) fn check_engine(conn: &mut Connection, again: impl Fn() -> ConnectionResult<Connection>) -> Result<()> {
    let conn = match conn {
        Connection::Sqlite(conn) => conn,
        Connection::Postgres(conn) => {
            let Connection::Postgres(other) = &mut again().map_err(Error::unavailable)? else { return Ok(()) };
            return check_sessions(conn, other);
        }
    };
    let version = ask(conn, "SELECT sqlite_version() AS value")?;
    if !is_safe_sqlite(&version) {
        return Err(Error::unavailable(format!(
            "SQLite {version} can lose committed data (the WAL-reset bug); build with 3.51.3 or newer, but not 3.52.0"
        )));
    }
    for (pragma, wanted) in [("synchronous", "2"), ("journal_mode", "wal"), ("foreign_keys", "1")] {
        let query = format!("SELECT CAST({pragma} AS TEXT) AS value FROM pragma_{pragma}");
        let found = ask(conn, &query)?;
        if found != wanted {
            return Err(Error::unavailable(format!(
                "SQLite did not accept {pragma}: it says {found} where {wanted} was set; is the data folder on a local disk?"
            )));
        }
    }
    Ok(())
}

/// What to do about a pooler behind which statements, locks and settings of a
/// session get lost.
const POOLED: &str = "a connection pooler gives out sessions by transaction: set pool_mode = session for this database \
                      in pgbouncer, or let DATABASE_URL name Postgres itself";

/// Refuses a pooler that gives clients another server process for each
/// transaction. While `other` holds one process in a transaction, `one` shows
/// whether it keeps its own; several rounds, because other clients use the pooler as well.
fn check_sessions(one: &mut PgConnection, other: &mut PgConnection) -> Result<()> {
    let process = |conn: &mut PgConnection| -> Result<i64> {
        let row: Number = diesel::sql_query("SELECT CAST(pg_backend_pid() AS BIGINT) AS value").get_result(conn)?;
        Ok(row.value)
    };
    let mut look = || -> Result<bool> {
        for _ in 0..3 {
            let before = process(one)?;
            let (theirs, after) = other.transaction(|other| Ok::<_, Error>((process(other)?, process(one)?)))?;
            if before != after || theirs == before {
                return Ok(true);
            }
        }
        Ok(false)
    };
    if look().map_err(name_pooler)? { Err(Error::unavailable(POOLED)) } else { Ok(()) }
}

/// A prepared statement that is there already, or not at all, is another session's.
fn name_pooler(error: Error) -> Error {
    if error.to_string().contains("prepared statement") { Error::unavailable(POOLED) } else { error }
}

fn is_safe_sqlite(version: &str) -> bool {
    let mut parts = version.split('.').map(|part| part.parse::<u32>().unwrap_or(0));
    let mut next = || parts.next().unwrap_or(0);
    let version = (next(), next(), next());
    version >= OLDEST_SAFE_SQLITE && version != WITHDRAWN_SQLITE
}

#[derive(diesel::QueryableByName)]
pub(super) struct Value {
    #[diesel(sql_type = Text)]
    value: String,
}

#[derive(diesel::QueryableByName)]
pub(super) struct Number {
    #[diesel(sql_type = BigInt)]
    pub(super) value: i64,
}

fn ask(conn: &mut SqliteConnection, query: &str) -> Result<String> {
    let row: Value = diesel::sql_query(query).get_result(conn)?;
    Ok(row.value)
}

/// Starts the writer's transaction with the write lock already held, so that it
/// never has to be given up half way.
pub(super) fn begin_immediate(conn: &mut Connection) -> QueryResult<()> {
    match conn {
        Connection::Sqlite(conn) => AnsiTransactionManager::begin_transaction_sql(conn, "BEGIN IMMEDIATE"),
        Connection::Postgres(conn) => AnsiTransactionManager::begin_transaction(conn),
    }
}

/// Runs `migrate` in a transaction, while no other program can run its own.
pub(super) fn exclusively(conn: &mut Connection, migrate: impl FnOnce(&mut Connection) -> Result<()>) -> Result<()> {
    begin_immediate(conn)?;
    match wait_for_lock(conn).and_then(|()| migrate(conn)) {
        Ok(()) => Ok(Connection::commit_transaction(conn)?),
        Err(error) => {
            // The connection may be gone, and with it the transaction.
            let _ = Connection::rollback_transaction(conn);
            Err(name_pooler(error))
        }
    }
}

/// Takes the migration lock until the end of the transaction, and logs that it
/// waits for it.
fn wait_for_lock(conn: &mut Connection) -> Result<()> {
    let Connection::Postgres(conn) = conn else { return Ok(()) };
    // So that what others have migrated meanwhile is seen.
    conn.batch_execute("SET TRANSACTION ISOLATION LEVEL READ COMMITTED")?;
    let query = format!("SELECT CAST(pg_try_advisory_xact_lock({MIGRATION_LOCK}) AS INTEGER)::BIGINT AS value");
    let begun = Instant::now();
    let mut told = false;
    loop {
        let row: Number = diesel::sql_query(&query).get_result(conn)?;
        if row.value == 1 {
            return Ok(());
        }
        if begun.elapsed() > MIGRATION_PATIENCE {
            return Err(Error::unavailable("another program has held the lock of migrations for five minutes"));
        }
        if !told && begun.elapsed() > LOCK_PATIENCE {
            tracing::warn!("another docket is migrating this database; waiting for it");
            told = true;
        }
        std::thread::sleep(LISTEN_PAUSE);
    }
}

/// Tells every program that listens on the same database.
///
/// # Errors
/// When the database is away.
pub(super) fn announce(conn: &mut Connection, text: &str) -> QueryResult<()> {
    if matches!(conn, Connection::Sqlite(_)) {
        // Nobody else uses it.
        return Ok(());
    }
    let query = format!("SELECT pg_notify('{CHANNEL}', $1)");
    diesel::sql_query(query).bind::<Text, _>(text).execute(conn).map(drop)
}

/// Passes on what is announced until `hear` says that it is enough. Returns why
/// that ended before.
pub(super) fn listen(conn: &mut Connection, hear: &dyn Fn(Option<String>) -> bool) -> Option<String> {
    let Connection::Postgres(conn) = conn else { return None };
    if let Err(error) = conn.batch_execute(&format!("LISTEN {CHANNEL}")) {
        return Some(error.to_string());
    }
    // What came between connecting and listening.
    let mut wanted = hear(None);
    let mut last_sign = Instant::now();
    while wanted {
        for heard in conn.notifications_iter() {
            match heard {
                Ok(heard) => wanted = hear(Some(heard.payload)),
                Err(error) => return Some(error.to_string()),
            }
        }
        if last_sign.elapsed() > LISTEN_SIGN {
            // A connection that is gone says so only when it is used.
            if let Err(error) = conn.batch_execute("SELECT 1") {
                return Some(error.to_string());
            }
            last_sign = Instant::now();
        }
        std::thread::sleep(LISTEN_PAUSE);
    }
    None
}

/// What the engine itself finds wrong with its file.
///
/// # Errors
/// When the database cannot even be asked.
pub fn damage(conn: &mut Connection) -> QueryResult<Vec<String>> {
    let Connection::Sqlite(conn) = conn else { return Ok(Vec::new()) };
    let mut damage: Vec<Value> =
        diesel::sql_query("SELECT integrity_check AS value FROM pragma_integrity_check").load(conn)?;
    damage.retain(|row| row.value != "ok");
    let broken_links = "SELECT 'a row of ' || \"table\" || ' names one of ' || parent || ' that is not there' AS value
         FROM pragma_foreign_key_check";
    damage.extend(diesel::sql_query(broken_links).load::<Value>(conn)?);
    Ok(damage.into_iter().map(|row| row.value).collect())
}

#[cfg(test)]
mod tests {
    use super::is_safe_sqlite;

    #[test]
    fn versions_with_the_wal_reset_bug_are_refused() {
        for unsafe_version in ["3.40.1", "3.51.2", "3.52.0", ""] {
            assert!(!is_safe_sqlite(unsafe_version), "{unsafe_version}");
        }
        for safe in ["3.51.3", "3.53.2", "4.0.0"] {
            assert!(is_safe_sqlite(safe), "{safe}");
        }
    }
}
