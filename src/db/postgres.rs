//! Postgres only: connections and their settings, session checks, locks, and notifications to other
//! programs.

use crate::db::purpose::Purpose;
use crate::db::rows::Number;
use crate::error::{Error, Result};
use diesel::connection::{AnsiTransactionManager, CacheSize, SimpleConnection};
use diesel::sql_types::Text;
use diesel::{Connection as _, ConnectionError, ConnectionResult, PgConnection, QueryResult, RunQueryDsl};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
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

/// How a server is connected to, unless its URL says otherwise. A lost network is noticed within
/// some 15 seconds, and after a failover the server that takes changes is found.
const DEFAULTS: [(&str, &str); 7] = [
    ("application_name", "docket"),
    ("connect_timeout", "3"),
    ("keepalives_idle", "5"),
    ("keepalives_interval", "3"),
    ("keepalives_count", "3"),
    ("tcp_user_timeout", "10000"),
    ("target_session_attrs", "read-write"),
];

/// Settings of every session or shared transaction. Compiling a query of a page takes longer than
/// running it. A server notices the loss of a client as soon as the client notices its own.
fn settings(set: &str, purpose: Purpose) -> String {
    let longest = match purpose {
        Purpose::Pages => LONGEST_PAGE.as_millis(),
        Purpose::Everything => 0,
    };
    let mut settings = String::new();
    for (name, value) in [
        ("TIME ZONE", "'UTC'"),
        ("client_min_messages TO", "warning"),
        ("jit TO", "off"),
        ("tcp_keepalives_idle TO", "5"),
        ("tcp_keepalives_interval TO", "3"),
        ("tcp_keepalives_count TO", "3"),
        ("idle_in_transaction_session_timeout TO", "60000"),
        ("statement_timeout TO", &longest.to_string()),
    ] {
        settings.extend([set, " ", name, " ", value, ";"]);
    }
    settings
}

/// Opens a connection that keeps its session.
pub(super) fn open(url: &str, purpose: Purpose) -> ConnectionResult<PgConnection> {
    let mut conn = establish(url)?;
    conn.batch_execute(&settings("SET", purpose)).map_err(ConnectionError::CouldntSetupConfiguration)?;
    Ok(conn)
}

/// Opens a connection through a pooler that may give each transaction another session, so that
/// nothing can be left in one: no setting, and no prepared statement.
pub(super) fn open_shared(url: &str) -> ConnectionResult<PgConnection> {
    let mut conn = establish(url)?;
    conn.set_prepared_statement_cache_size(CacheSize::Disabled);
    Ok(conn)
}

/// Begins a transaction on such a connection.
pub(super) fn begin_shared(conn: &mut PgConnection, purpose: Purpose) -> QueryResult<()> {
    let begin = format!("BEGIN;{}", settings("SET LOCAL", purpose));
    AnsiTransactionManager::begin_transaction_sql(conn, &begin)
}

fn establish(url: &str) -> ConnectionResult<PgConnection> {
    // Without this, OpenSSL frees its memory when the program ends, while a thread of a pool may
    // still be connecting: the program would crash now and then.
    openssl_sys::init();
    PgConnection::establish(&complete(url))
}

/// Adds the defaults that a URL does not set, and names the file of the system’s certificates where
/// it asks for them: the built-in OpenSSL does not know where the system keeps them.
fn complete(url: &str) -> String {
    let (place, query) = url.split_once('?').unwrap_or((url, ""));
    let mut options: Vec<(&str, String)> = query
        .split('&')
        .filter_map(|option| option.split_once('='))
        .map(|(name, value)| (name, value.into()))
        .collect();
    if let Some((_, file)) = options.iter_mut().find(|(name, value)| *name == "sslrootcert" && value == "system")
        && let Some(found) = openssl_probe::probe().cert_file
    {
        *file = utf8_percent_encode(&found.to_string_lossy(), NON_ALPHANUMERIC).to_string();
        // What libpq itself does with the system’s certificates.
        options.retain(|(name, _)| *name != "sslmode");
        options.push(("sslmode", "verify-full".into()));
    }
    for (name, value) in DEFAULTS {
        if options.iter().all(|(set, _)| *set != name) {
            options.push((name, value.into()));
        }
    }
    let options: Vec<String> = options.iter().map(|(name, value)| format!("{name}={value}")).collect();
    format!("{place}?{}", options.join("&"))
}

/// Advice for a pooler that loses the statements, locks and settings of a session.
pub(super) const POOLED: &str = "a connection pooler gives out sessions by transaction: set pool_mode = session for this database \
                      in pgbouncer, or let DATABASE_DIRECT_URL name Postgres itself";

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

#[cfg(test)]
mod tests {
    use super::complete;

    #[test]
    fn a_url_keeps_what_it_sets() {
        let url = complete("postgres://u:p@h1:5432,h2/d?connect_timeout=20&options=-c%20work_mem%3D64MB");
        assert!(
            url.starts_with("postgres://u:p@h1:5432,h2/d?connect_timeout=20&options=-c%20work_mem%3D64MB&"),
            "{url}"
        );
        assert!(url.contains("&target_session_attrs=read-write") && !url.contains("connect_timeout=3"), "{url}");
        assert!(complete("postgres://h/d").starts_with("postgres://h/d?application_name=docket&"));
    }
}
