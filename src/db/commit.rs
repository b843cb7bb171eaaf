//! A change on Postgres: tries it again after a conflict, and finds out what became of it when the
//! connection breaks while it is committed.

use crate::db::job::Change;
use crate::db::pool::Connections;
use crate::db::progress::{COMMIT_PATIENCE, Progress};
use crate::db::purpose::Purpose;
use crate::db::rows::Text;
use crate::db::{Connection, DatabaseUrl, postgres};
use crate::error::{Error, Result};
use diesel::connection::TransactionManager;
use diesel::sql_types::{BigInt, Integer, Nullable};
use diesel::{PgConnection, QueryResult, QueryableByName, RunQueryDsl};
use std::time::{Duration, Instant};

/// How many times a transaction runs before a serialization failure or deadlock is returned.
const TRIES: u32 = 5;
/// How often it is asked what became of a transaction.
const ASK_AGAIN: Duration = Duration::from_millis(100);

/// The names by which a transaction is found again on another connection.
#[derive(Clone, Copy, QueryableByName)]
struct Transaction {
    /// Empty when it has changed nothing.
    #[diesel(sql_type = Nullable<BigInt>)]
    id: Option<i64>,
    /// The server process that runs it.
    #[diesel(sql_type = Integer)]
    process: i32,
}

/// Runs `job` in a transaction. `url` leads to the server, also when the connection is lost.
///
/// # Errors
/// Those of `job`; *unavailable* when nothing was changed, and *undecided* when nobody could say.
pub(super) fn run(connections: &Connections, conn: &mut Connection, url: &DatabaseUrl, job: &mut Change) -> Result<()> {
    let mut tries = 1;
    loop {
        match once(connections, conn, url, job) {
            Err(error) if error.is_worth_retrying() && tries < TRIES => tries += 1,
            result => return result,
        }
    }
}

fn once(connections: &Connections, conn: &mut Connection, url: &DatabaseUrl, job: &mut Change) -> Result<()> {
    connections.begin(conn)?;
    let done = job(conn).and_then(|()| {
        let transaction = transaction(conn)?;
        Progress::begin_commit()?;
        Ok(transaction)
    });
    let transaction = match done {
        Ok(transaction) => transaction,
        Err(error) => {
            // The connection may be gone, and with it the transaction.
            let _ = Connection::rollback_transaction(conn);
            return Err(error);
        }
    };
    let Err(failed) = Connection::commit_transaction(conn) else { return Ok(()) };
    let reason = failed.to_string();
    let error = Error::from(failed);
    let Some(id) = transaction.id.filter(|_| !error.is_worth_retrying()) else { return Err(error) };
    tracing::warn!(reason, "a commit failed; finding out what became of it");
    match outcome(url, id, transaction.process) {
        Some(true) => Ok(()),
        Some(false) => Err(error),
        None => Err(Error::undecided(reason)),
    }
}

fn transaction(conn: &mut Connection) -> QueryResult<Transaction> {
    let query =
        "SELECT CAST(CAST(pg_current_xact_id_if_assigned() AS TEXT) AS BIGINT) AS id, pg_backend_pid() AS process";
    diesel::sql_query(query).get_result(conn)
}

/// Whether a transaction was committed. `None` if that could not be found out in time. Ends its
/// server process if that still waits for a client that is gone.
fn outcome(url: &DatabaseUrl, id: i64, process: i32) -> Option<bool> {
    let end = Instant::now() + COMMIT_PATIENCE;
    while Instant::now() < end {
        if let DatabaseUrl::Postgres(url) = url
            && let Ok(mut conn) = postgres::open(url, Purpose::Everything)
            && let Ok(status) = ask(&mut conn, id, process)
        {
            match status.as_str() {
                "committed" => return Some(true),
                "aborted" => return Some(false),
                _ => {}
            }
        }
        std::thread::sleep(ASK_AGAIN);
    }
    None
}

fn ask(conn: &mut PgConnection, id: i64, process: i32) -> QueryResult<String> {
    // Another session may have the number of the process by now.
    diesel::sql_query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid = $1 AND CAST(CAST(backend_xid AS TEXT) AS BIGINT) = $2 % 4294967296")
        .bind::<Integer, _>(process)
        .bind::<BigInt, _>(id)
        .execute(conn)?;
    let query = "SELECT COALESCE(pg_xact_status(CAST(CAST($1 AS TEXT) AS xid8)), '') AS value";
    Ok(diesel::sql_query(query).bind::<BigInt, _>(id).get_result::<Text>(conn)?.value)
}
