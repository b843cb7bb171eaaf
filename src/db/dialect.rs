//! The only place that knows which engine it talks to.

use super::Connection;
use crate::error::{Error, Result};
use diesel::connection::{AnsiTransactionManager, SimpleConnection, TransactionManager};
use diesel::dsl::AsExprOf;
use diesel::expression::{SqlLiteral, UncheckedBind};
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
/// whether it keeps its own; several rounds, because others may take turns, too.
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

/// Takes the lock of migrations until the end of the transaction. Whoever waits for
/// it says so.
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

/// Words that must stand side by side, the last one perhaps unfinished.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Phrase {
    /// Letters and digits only, as the tokenizer leaves them.
    pub words: Vec<String>,
    /// Whether the last word matches every word that starts with it.
    pub prefix: bool,
}

/// The full-text indexes. Each holds one text of terms for each id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Index {
    /// By the id of a ticket.
    Tickets,
    /// By conversation and position in one number, see [`message_id`].
    Messages,
    /// By the sequence number of a submission.
    Submissions,
}

/// How many messages a conversation can hold.
pub const MAX_MESSAGES: i64 = 1 << MESSAGE_BITS;
const MESSAGE_BITS: u32 = 20;

/// What a message is called in the index: conversation and position in one number.
pub fn message_id(conversation_seq: i64, position: i64) -> i64 {
    (conversation_seq << MESSAGE_BITS) | position
}

impl Index {
    fn table(self) -> &'static str {
        match self {
            Self::Tickets => "ticket_terms",
            Self::Messages => "message_terms",
            Self::Submissions => "submission_terms",
        }
    }

    /// What the id is called on Postgres; FTS5 always calls it `rowid`.
    fn id(self) -> &'static str {
        match self {
            Self::Tickets => "ticket_id",
            Self::Messages => "message_id",
            Self::Submissions => "submission_id",
        }
    }
}

/// Replaces what something is found by. `terms` hold letters and digits only.
pub fn index_terms(conn: &mut Connection, index: Index, id: i64, terms: &[String]) -> QueryResult<()> {
    let (table, column) = (index.table(), index.id());
    let (query, text) = match conn {
        Connection::Sqlite(_) => {
            (format!("INSERT OR REPLACE INTO {table} (rowid, terms) VALUES (?, ?)"), terms.join(" "))
        }
        Connection::Postgres(_) => (
            format!(
                "INSERT INTO {table} ({column}, terms) VALUES ($1, $2::tsvector)
                 ON CONFLICT ({column}) DO UPDATE SET terms = excluded.terms"
            ),
            lexemes(terms),
        ),
    };
    diesel::sql_query(query).bind::<BigInt, _>(id).bind::<Text, _>(text).execute(conn).map(drop)
}

/// Terms with their places, as a `tsvector` is written.
fn lexemes(terms: &[String]) -> String {
    let lexemes: Vec<String> =
        terms.iter().enumerate().map(|(index, term)| format!("'{term}':{}", index + 1)).collect();
    lexemes.join(" ")
}

/// Whether an index holds exactly these terms under an id, in this order.
pub fn has_terms(conn: &mut Connection, index: Index, id: i64, terms: &[String]) -> QueryResult<bool> {
    let (table, column) = (index.table(), index.id());
    let found: i64 = match conn {
        Connection::Sqlite(conn) => {
            // The number of tokens as FTS5 keeps it beside its index: a varint
            // of one or two bytes, since the terms of one text are capped.
            let size = match terms.len() {
                few @ 0..128 => format!("{few:02x}"),
                many => format!("{:02x}{:02x}", 0x80 | many >> 7, many & 0x7f),
            };
            let phrase = if terms.is_empty() { String::new() } else { format!(" AND {table} MATCH ?2") };
            let query = format!(
                "SELECT COUNT(*) AS value FROM {table} JOIN {table}_docsize AS size ON size.id = {table}.rowid
                 WHERE {table}.rowid = ?1 AND lower(hex(size.sz)) = '{size}'{phrase}"
            );
            let query = diesel::sql_query(query).bind::<BigInt, _>(id);
            query.bind::<Text, _>(format!("\"{}\"", terms.join(" "))).get_result::<Number>(conn)?.value
        }
        Connection::Postgres(conn) => {
            let query = format!("SELECT COUNT(*) AS value FROM {table} WHERE {column} = $1 AND terms = $2::tsvector");
            let query = diesel::sql_query(query).bind::<BigInt, _>(id);
            query.bind::<Text, _>(lexemes(terms)).get_result::<Number>(conn)?.value
        }
    };
    Ok(found == 1)
}

/// Ids that an index knows though nobody should find them: in the trash, or gone.
pub fn stray_terms(conn: &mut Connection, index: Index) -> QueryResult<Vec<i64>> {
    let (column, table) = match conn {
        Connection::Sqlite(_) => ("id", format!("{}_docsize", index.table())),
        Connection::Postgres(_) => (index.id(), index.table().to_owned()),
    };
    let owner = match index {
        Index::Tickets => format!("{column} NOT IN (SELECT id FROM tickets WHERE deleted_at IS NULL)"),
        Index::Messages => format!("({column} >> {MESSAGE_BITS}) NOT IN (SELECT seq FROM conversations)"),
        Index::Submissions => format!("{column} NOT IN (SELECT seq FROM submissions)"),
    };
    let query = format!("SELECT {column} AS value FROM {table} WHERE {owner}");
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

/// Forgets what something is found by.
pub fn forget_terms(conn: &mut Connection, index: Index, id: i64) -> QueryResult<()> {
    let query = match conn {
        Connection::Sqlite(_) => format!("DELETE FROM {} WHERE rowid = ?", index.table()),
        Connection::Postgres(_) => format!("DELETE FROM {} WHERE {} = $1", index.table(), index.id()),
    };
    diesel::sql_query(query).bind::<BigInt, _>(id).execute(conn).map(drop)
}

/// A condition in words of SQL around one bound text.
pub type Condition = SqlLiteral<Bool, UncheckedBind<SqlLiteral<Bool>, AsExprOf<String, Text>>>;

/// The condition "this ticket, one message of this conversation, or this
/// submission holds all of these phrases".
pub fn matches_terms(conn: &Connection, index: Index, phrases: &[Phrase]) -> Condition {
    let (table, column) = match conn {
        Connection::Sqlite(_) => (index.table(), "rowid"),
        Connection::Postgres(_) => (index.table(), index.id()),
    };
    let row = match index {
        Index::Tickets => format!("tickets.id IN (SELECT {column}"),
        Index::Messages => format!("conversations.seq IN (SELECT {column} >> {MESSAGE_BITS}"),
        Index::Submissions => format!("submissions.seq IN (SELECT {column}"),
    };
    let (matches, after, query) = match conn {
        Connection::Sqlite(_) => (
            format!("{table} MATCH "),
            ")",
            all_of(phrases, " ", |words, prefix| format!("\"{}\"{}", words.join(" "), if prefix { "*" } else { "" })),
        ),
        Connection::Postgres(_) => (
            "terms @@ ".to_owned(),
            "::tsquery)",
            all_of(phrases, " & ", |words, prefix| {
                let quoted: Vec<String> = words.iter().map(|word| format!("'{word}'")).collect();
                format!("({}{})", quoted.join(" <-> "), if prefix { ":*" } else { "" })
            }),
        ),
    };
    diesel::dsl::sql::<Bool>(&format!("{row} FROM {table} WHERE {matches}")).bind::<Text, _>(query).sql(after)
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
