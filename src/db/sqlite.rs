//! SQLite only: its settings, and checks for its known problems.

use crate::db::rows::Text as Value;
use crate::error::{Error, Kind, Result};
use crate::private;
use diesel::connection::SimpleConnection;
use diesel::sql_types::{Integer, Text};
use diesel::{Connection as _, ConnectionResult, QueryResult, QueryableByName, RunQueryDsl, SqliteConnection};
use std::path::Path;
use std::time::{Duration, Instant};

/// Versions before this one can lose committed pages when two connections
/// write and checkpoint at the same instant (the WAL-reset bug).
const OLDEST_SAFE: (u32, u32, u32) = (3, 51, 3);

/// Withdrawn by its authors.
const WITHDRAWN: (u32, u32, u32) = (3, 52, 0);

/// How long opening waits for another process that opens the same new file.
const LOCK_PATIENCE: Duration = Duration::from_secs(5);

const LOCK_PAUSE: Duration = Duration::from_millis(10);

/// Run one by one and in this order: the first makes the others wait for a lock that
/// another process holds, instead of failing.
const PRAGMAS: [&str; 7] = [
    "PRAGMA busy_timeout = 5000",
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
    "PRAGMA trusted_schema = OFF",
    "PRAGMA cell_size_check = ON",
    "PRAGMA journal_size_limit = 67108864",
];

pub(super) fn open(path: &Path, read_only: bool) -> ConnectionResult<SqliteConnection> {
    let mut conn = SqliteConnection::establish(&path.to_string_lossy())?;
    PRAGMAS.iter().try_for_each(|pragma| set(&mut conn, pragma))?;
    if read_only {
        set(&mut conn, "PRAGMA query_only = ON")?;
    }
    Ok(conn)
}

/// Sets one pragma. Switching a new file to WAL does not wait for other processes that do
/// the same, whatever the busy timeout is, so this function tries again.
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

/// Refuses a version or a file system that could lose acknowledged data.
pub(super) fn check(conn: &mut SqliteConnection) -> Result<()> {
    let version = ask(conn, "SELECT sqlite_version() AS value")?;
    if !is_safe(&version) {
        return Err(Error::unavailable(format!(
            "SQLite {version} can lose committed data (the WAL-reset bug); build with 3.51.3 or newer, but not 3.52.0"
        )));
    }
    for (pragma, wanted) in [("synchronous", "2"), ("journal_mode", "wal"), ("foreign_keys", "1")] {
        let query = format!("SELECT CAST({pragma} AS TEXT) AS value FROM pragma_{pragma}");
        let found = ask(conn, &query)?;
        if found != wanted {
            return Err(Error::unavailable(format!(
                "SQLite did not accept {pragma} = {wanted} and uses {found}; is the data folder on a local disk?"
            )));
        }
    }
    Ok(())
}

fn is_safe(version: &str) -> bool {
    let mut parts = version.split('.').map(|part| part.parse::<u32>().unwrap_or(0));
    let mut next = || parts.next().unwrap_or(0);
    let version = (next(), next(), next());
    version >= OLDEST_SAFE && version != WITHDRAWN
}

fn ask(conn: &mut SqliteConnection, query: &str) -> Result<String> {
    let row: Value = diesel::sql_query(query).get_result(conn)?;
    Ok(row.value)
}

/// Writes a copy of the whole database to a file, and replaces an earlier copy.
pub(super) fn copy(conn: &mut SqliteConnection, to: &Path) -> Result<()> {
    let failed = |source| Error::internal("the database could not be copied before its migration", source);
    // A copy that was cut off must not look like a whole one.
    let unfinished = to.with_extension("unfinished");
    match std::fs::remove_file(&unfinished) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(failed(error)),
        _ => {}
    }
    diesel::sql_query("VACUUM INTO ?").bind::<Text, _>(unfinished.to_string_lossy()).execute(conn)?;
    private::own_file(&unfinished).map_err(Error::unavailable)?;
    std::fs::rename(&unfinished, to).map_err(failed)
}

/// The tables of FTS5, which keep the words of removed rows until they are merged.
const FTS5_TABLES: [&str; 4] = ["ticket_words", "ticket_terms", "message_terms", "submission_terms"];

/// Rewrites the database file, and empties its log.
///
/// # Errors
/// *Unavailable* when a reader needs an older state for so long that the log cannot be emptied,
/// *full* without room for a copy.
pub(super) fn rewrite(conn: &mut SqliteConnection, path: &Path) -> Result<()> {
    expect_room(path)?;
    // First, because a whole copy would be added to a log that cannot be emptied.
    empty_log(conn)?;
    for table in FTS5_TABLES {
        // FTS5 merges in small steps, too, but then it leaves old segments as soon as others write.
        conn.batch_execute(&format!("INSERT INTO {table} ({table}) VALUES ('optimize')"))?;
    }
    conn.batch_execute("VACUUM")?;
    empty_log(conn)
}

/// Refuses to fill the disk, on which others write, too. A system that cannot tell is believed.
fn expect_room(path: &Path) -> Result<()> {
    let size = std::fs::metadata(path).map_err(Error::unavailable)?.len();
    let free = rustix::fs::statvfs(path).map_or(u64::MAX, |disk| disk.f_bavail.saturating_mul(disk.f_frsize));
    if free > size {
        return Ok(());
    }
    let message = format!("The disk has no room for a copy of the database, {} MB.", size >> 20);
    Err(Error::new(Kind::Full, message))
}

fn empty_log(conn: &mut SqliteConnection) -> Result<()> {
    match diesel::sql_query("PRAGMA wal_checkpoint(TRUNCATE)").get_result(conn)? {
        Checkpoint { busy: 0 } => Ok(()),
        Checkpoint { .. } => Err(Error::unavailable("the database's log is being read and cannot be emptied")),
    }
}

#[derive(QueryableByName)]
struct Checkpoint {
    /// 1 when a reader was in the way.
    #[diesel(sql_type = Integer)]
    busy: i32,
}

/// Damage that the engine finds in its own file.
pub(super) fn damage(conn: &mut SqliteConnection) -> QueryResult<Vec<String>> {
    for table in FTS5_TABLES {
        // A query makes FTS5 forget what it knew of the table. The check alone does not, and takes
        // what another connection has merged since for damage.
        diesel::sql_query(format!("SELECT rowid FROM {table} WHERE rowid = 0")).execute(conn)?;
    }
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
    use super::is_safe;

    #[test]
    fn versions_with_the_wal_reset_bug_are_refused() {
        for unsafe_version in ["3.40.1", "3.51.2", "3.52.0", ""] {
            assert!(!is_safe(unsafe_version), "{unsafe_version}");
        }
        for safe in ["3.51.3", "3.53.2", "4.0.0"] {
            assert!(is_safe(safe), "{safe}");
        }
    }
}
