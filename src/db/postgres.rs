//! Postgres only: session checks, locks, and notifications to other programs.

use crate::db::rows::Number;
use crate::error::{Error, Result};
use diesel::connection::SimpleConnection;
use diesel::sql_types::Text;
use diesel::{Connection as _, ConnectionResult, PgConnection, QueryResult, RunQueryDsl};
use std::time::{Duration, Instant};

/// The advisory lock of migrations: an arbitrary number that nothing else uses.
const MIGRATION_LOCK: i64 = 0x0064_6f63_6b65_7401;

/// How long a start waits for another program's migrations.
const MIGRATION_PATIENCE: Duration = Duration::from_secs(300);

/// How long a start waits before it logs that it is waiting.
const QUIET_PATIENCE: Duration = Duration::from_secs(5);

/// The channel for notifications between instances.
const CHANNEL: &str = "docket";

/// How often a listener polls: libpq has no call that waits.
const LISTEN_PAUSE: Duration = Duration::from_millis(50);

/// How often a listener checks that its connection is alive.
const LISTEN_SIGN: Duration = Duration::from_secs(5);

/// Maximum time for a statement of a page on Postgres. SQLite has no such limit: Diesel
/// 2.3 does not offer its progress handler, so only the query itself bounds the time.
const LONGEST_PAGE: Duration = Duration::from_secs(5);

pub(super) fn open(url: &str, for_pages: bool) -> ConnectionResult<PgConnection> {
    let mut conn = PgConnection::establish(url)?;
    let longest = if for_pages { LONGEST_PAGE.as_millis() } else { 0 };
    // Compiling a query of a page takes longer than running it.
    let settings = format!(
        "SET TIME ZONE 'UTC'; SET client_min_messages TO warning; SET jit TO off; SET statement_timeout TO {longest}"
    );
    conn.batch_execute(&settings).map_err(diesel::ConnectionError::CouldntSetupConfiguration)?;
    Ok(conn)
}

/// Advice for a pooler that loses the statements, locks and settings of a session.
pub(super) const POOLED: &str = "a connection pooler gives out sessions by transaction: set pool_mode = session for this database \
                      in pgbouncer, or let DATABASE_URL name Postgres itself";

/// Refuses a pooler that assigns clients another server process for each transaction.
/// While `other` holds one process in a transaction, `one` shows whether it keeps its
/// own. Runs several rounds, because other clients use the pooler, too.
pub(super) fn check_sessions(one: &mut PgConnection, other: &mut PgConnection) -> Result<()> {
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
    if look()? { Err(Error::unavailable(POOLED)) } else { Ok(()) }
}

/// Gives that advice for a migration, whose error is not of Diesel's type.
pub(super) fn name_pooler(error: Error) -> Error {
    if error.cause().contains("prepared statement") { Error::unavailable(POOLED) } else { error }
}

/// Takes the migration lock until the end of the transaction, and logs if it has to wait.
pub(super) fn wait_for_lock(conn: &mut PgConnection) -> Result<()> {
    // Makes visible what others migrate in the meantime.
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
            return Err(Error::unavailable("another process has held the migration lock for five minutes"));
        }
        if !told && begun.elapsed() > QUIET_PATIENCE {
            tracing::warn!("another docket is migrating this database; waiting for it");
            told = true;
        }
        std::thread::sleep(LISTEN_PAUSE);
    }
}

/// Notifies every program that listens on the same database.
pub(super) fn announce(conn: &mut PgConnection, text: &str) -> QueryResult<()> {
    let query = format!("SELECT pg_notify('{CHANNEL}', $1)");
    diesel::sql_query(query).bind::<Text, _>(text).execute(conn).map(drop)
}

/// Passes announcements to `receive` as long as they are wanted. If it ends earlier, returns
/// the reason.
pub(super) fn listen(
    conn: &mut PgConnection,
    is_wanted: &dyn Fn() -> bool,
    receive: &dyn Fn(Option<String>),
) -> Option<String> {
    if let Err(error) = conn.batch_execute(&format!("LISTEN {CHANNEL}")) {
        return Some(error.to_string());
    }
    // Announcements between connecting and listening may be missed.
    receive(None);
    let mut last_sign = Instant::now();
    while is_wanted() {
        for notification in conn.notifications_iter() {
            match notification {
                Ok(notification) => receive(Some(notification.payload)),
                Err(error) => return Some(error.to_string()),
            }
        }
        if last_sign.elapsed() > LISTEN_SIGN {
            // A lost connection shows only when it is used.
            if let Err(error) = conn.batch_execute("SELECT 1") {
                return Some(error.to_string());
            }
            last_sign = Instant::now();
        }
        std::thread::sleep(LISTEN_PAUSE);
    }
    None
}
