//! The only place that knows which engine it talks to.

use super::{Connection, MultiBackend};
use crate::db::schema::tickets;
use crate::error::{Error, Result};
use diesel::connection::{AnsiTransactionManager, SimpleConnection, TransactionManager};
use diesel::expression::BoxableExpression;
use diesel::sql_types::{BigInt, Bool, Text};
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

pub(super) fn open_postgres(url: &str) -> ConnectionResult<PgConnection> {
    let mut conn = PgConnection::establish(url)?;
    conn.batch_execute("SET TIME ZONE 'UTC'; SET client_min_messages TO warning")
        .map_err(diesel::ConnectionError::CouldntSetupConfiguration)?;
    Ok(conn)
}

/// Refuses an engine that could lose what it has acknowledged.
pub(super) fn check_engine(conn: &mut Connection) -> Result<()> {
    let Connection::Sqlite(conn) = conn else { return Ok(()) };
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

fn is_safe_sqlite(version: &str) -> bool {
    let mut parts = version.split('.').map(|part| part.parse::<u32>().unwrap_or(0));
    let mut next = || parts.next().unwrap_or(0);
    let version = (next(), next(), next());
    version >= OLDEST_SAFE_SQLITE && version != WITHDRAWN_SQLITE
}

#[derive(diesel::QueryableByName)]
struct Value {
    #[diesel(sql_type = Text)]
    value: String,
}

#[derive(diesel::QueryableByName)]
struct Number {
    #[diesel(sql_type = BigInt)]
    value: i64,
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

/// Runs `migrate` while no other program can run its own.
pub(super) fn exclusively(conn: &mut Connection, migrate: impl FnOnce(&mut Connection) -> Result<()>) -> Result<()> {
    if matches!(conn, Connection::Sqlite(_)) {
        begin_immediate(conn)?;
        let migrated = migrate(conn);
        match migrated {
            Ok(()) => Connection::commit_transaction(conn)?,
            Err(_) => Connection::rollback_transaction(conn)?,
        }
        return migrated;
    }
    conn.batch_execute(&format!("SELECT pg_advisory_lock({MIGRATION_LOCK})"))?;
    let migrated = migrate(conn);
    conn.batch_execute(&format!("SELECT pg_advisory_unlock({MIGRATION_LOCK})"))?;
    migrated
}

/// Words that must stand side by side, the last one perhaps unfinished.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Phrase {
    /// Letters and digits only, as the tokenizer leaves them.
    pub words: Vec<String>,
    /// Whether the last word matches every word that starts with it.
    pub prefix: bool,
}

/// Replaces what a ticket is found by. `terms` hold letters and digits only.
///
/// # Errors
/// When the database refuses.
pub fn index_terms(conn: &mut Connection, ticket_id: i64, terms: &[String]) -> QueryResult<()> {
    let (query, text) = match conn {
        Connection::Sqlite(_) => ("INSERT OR REPLACE INTO ticket_terms (rowid, terms) VALUES (?, ?)", terms.join(" ")),
        Connection::Postgres(_) => (
            "INSERT INTO ticket_terms (ticket_id, terms) VALUES ($1, $2::tsvector)
             ON CONFLICT (ticket_id) DO UPDATE SET terms = excluded.terms",
            lexemes(terms),
        ),
    };
    diesel::sql_query(query).bind::<BigInt, _>(ticket_id).bind::<Text, _>(text).execute(conn).map(drop)
}

/// Terms with their places, as a `tsvector` is written.
fn lexemes(terms: &[String]) -> String {
    let lexemes: Vec<String> =
        terms.iter().enumerate().map(|(index, term)| format!("'{term}':{}", index + 1)).collect();
    lexemes.join(" ")
}

/// Whether the index holds exactly these terms for a ticket, in this order.
///
/// # Errors
/// When the database fails.
pub fn has_terms(conn: &mut Connection, ticket_id: i64, terms: &[String]) -> QueryResult<bool> {
    let found: i64 = match conn {
        Connection::Sqlite(conn) => {
            // The number of tokens as FTS5 keeps it beside its index: a varint
            // of one or two bytes, since the terms of a ticket are capped.
            let size = match terms.len() {
                few @ 0..128 => format!("{few:02x}"),
                many => format!("{:02x}{:02x}", 0x80 | many >> 7, many & 0x7f),
            };
            let phrase = if terms.is_empty() { "" } else { " AND ticket_terms MATCH ?2" };
            let query = format!(
                "SELECT COUNT(*) AS value FROM ticket_terms JOIN ticket_terms_docsize AS size ON size.id = ticket_terms.rowid
                 WHERE ticket_terms.rowid = ?1 AND lower(hex(size.sz)) = '{size}'{phrase}"
            );
            let query = diesel::sql_query(query).bind::<BigInt, _>(ticket_id);
            query.bind::<Text, _>(format!("\"{}\"", terms.join(" "))).get_result::<Number>(conn)?.value
        }
        Connection::Postgres(conn) => {
            let query = "SELECT COUNT(*) AS value FROM ticket_terms WHERE ticket_id = $1 AND terms = $2::tsvector";
            let query = diesel::sql_query(query).bind::<BigInt, _>(ticket_id);
            query.bind::<Text, _>(lexemes(terms)).get_result::<Number>(conn)?.value
        }
    };
    Ok(found == 1)
}

/// Tickets that the index knows though nobody should find them: in the trash, or gone.
///
/// # Errors
/// When the database fails.
pub fn stray_terms(conn: &mut Connection) -> QueryResult<Vec<i64>> {
    let (id, index) = match conn {
        Connection::Sqlite(_) => ("id", "ticket_terms_docsize"),
        Connection::Postgres(_) => ("ticket_id", "ticket_terms"),
    };
    let query = format!(
        "SELECT {id} AS value FROM {index} WHERE {id} NOT IN (SELECT id FROM tickets WHERE deleted_at IS NULL)"
    );
    Ok(diesel::sql_query(query).load::<Number>(conn)?.into_iter().map(|number| number.value).collect())
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

/// Forgets what a ticket is found by.
///
/// # Errors
/// When the database refuses.
pub fn forget_terms(conn: &mut Connection, ticket_id: i64) -> QueryResult<()> {
    let query = match conn {
        Connection::Sqlite(_) => "DELETE FROM ticket_terms WHERE rowid = ?",
        Connection::Postgres(_) => "DELETE FROM ticket_terms WHERE ticket_id = $1",
    };
    diesel::sql_query(query).bind::<BigInt, _>(ticket_id).execute(conn).map(drop)
}

/// The condition "this ticket holds all of these phrases".
pub fn matches_terms(
    conn: &Connection,
    phrases: &[Phrase],
) -> Box<dyn BoxableExpression<tickets::table, MultiBackend, SqlType = Bool>> {
    let (before, after, query) = match conn {
        Connection::Sqlite(_) => (
            "tickets.id IN (SELECT rowid FROM ticket_terms WHERE ticket_terms MATCH ",
            ")",
            all_of(phrases, " ", |words, prefix| format!("\"{}\"{}", words.join(" "), if prefix { "*" } else { "" })),
        ),
        Connection::Postgres(_) => (
            "tickets.id IN (SELECT ticket_id FROM ticket_terms WHERE terms @@ ",
            "::tsquery)",
            all_of(phrases, " & ", |words, prefix| {
                let quoted: Vec<String> = words.iter().map(|word| format!("'{word}'")).collect();
                format!("({}{})", quoted.join(" <-> "), if prefix { ":*" } else { "" })
            }),
        ),
    };
    Box::new(diesel::dsl::sql::<Bool>(before).bind::<Text, _>(query).sql(after))
}

fn all_of(phrases: &[Phrase], and: &str, one: impl Fn(&[String], bool) -> String) -> String {
    let parts: Vec<String> = phrases.iter().map(|phrase| one(&phrase.words, phrase.prefix)).collect();
    parts.join(and)
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
