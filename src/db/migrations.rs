//! Migrations, run at startup. Programs that start together wait for each other.

use crate::db::{Connection, DatabaseUrl, postgres, sqlite};
use crate::error::{Error, Result};
use diesel::QueryResult;
use diesel::SqliteConnection;
use diesel::connection::{AnsiTransactionManager, TransactionManager};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};
use std::path::Path;
use std::sync::mpsc;
use std::sync::mpsc::RecvTimeoutError;
use std::time::{Duration, Instant};

/// How often a long step says that it goes on.
const REPORT: Duration = Duration::from_secs(10);

const SQLITE: EmbeddedMigrations = embed_migrations!("migrations/sqlite");
const POSTGRES: EmbeddedMigrations = embed_migrations!("migrations/postgres");

/// Brings the database up to this program's schema. Before that, copies an SQLite database
/// that an older version has written.
pub(super) fn run(conn: &mut Connection, url: &DatabaseUrl) -> Result<()> {
    if let (Connection::Sqlite(conn), DatabaseUrl::Sqlite(path)) = (&mut *conn, url) {
        copy_old(conn, path)?;
    }
    exclusively(conn, |conn| match conn {
        Connection::Sqlite(conn) => run_pending(conn, SQLITE),
        Connection::Postgres(conn) => run_pending(conn, POSTGRES),
    })
}

/// Copies a database with rows of an older version to a file beside it, named after the
/// version that it has.
fn copy_old(conn: &mut SqliteConnection, path: &Path) -> Result<()> {
    let failed = |source| Error::internal("the versions of the database", source);
    let is_old = conn.has_pending_migration(SQLITE).map_err(failed)?;
    let applied = conn.applied_migrations().map_err(failed)?;
    let Some(version) = applied.iter().max().filter(|_| is_old) else { return Ok(()) };
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let copy = path.with_file_name(format!("{name}.{version}"));
    tracing::info!(copy = %copy.display(), "copying the database before its migration");
    reporting("copying the database", || sqlite::copy(conn, &copy))
}

/// Starts the writer's transaction with the write lock already held, so that it never has
/// to be abandoned halfway.
pub(super) fn begin_immediate(conn: &mut Connection) -> QueryResult<()> {
    match conn {
        Connection::Sqlite(conn) => AnsiTransactionManager::begin_transaction_sql(conn, "BEGIN IMMEDIATE"),
        Connection::Postgres(conn) => AnsiTransactionManager::begin_transaction(conn),
    }
}

/// Runs `migrate` in a transaction, while no other program can run its own.
fn exclusively(conn: &mut Connection, migrate: impl FnOnce(&mut Connection) -> Result<()>) -> Result<()> {
    begin_immediate(conn)?;
    match wait_for_others(conn).and_then(|()| migrate(conn)) {
        Ok(()) => Ok(Connection::commit_transaction(conn)?),
        Err(error) => {
            // The connection may be gone, and with it the transaction.
            let _ = Connection::rollback_transaction(conn);
            Err(postgres::name_pooler(error))
        }
    }
}

/// Waits until no other program migrates. On SQLite the transaction already ensures that.
fn wait_for_others(conn: &mut Connection) -> Result<()> {
    match conn {
        Connection::Sqlite(_) => Ok(()),
        Connection::Postgres(conn) => postgres::wait_for_lock(conn),
    }
}

/// Adds advice to the message of a migration that failed for lack of a permission.
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
    let failed = |source| Error::internal("a migration failed", advice(source));
    let pending = conn.pending_migrations(migrations).map_err(failed)?;
    let total = pending.len();
    for (index, migration) in pending.iter().enumerate() {
        let name = migration.name();
        tracing::info!(migration = %name, step = index + 1, of = total, "migrating");
        reporting("migrating", || conn.run_migration(migration).map(drop)).map_err(failed)?;
    }
    Ok(())
}

/// Logs now and then that a long step goes on.
fn reporting<T>(what: &'static str, step: impl FnOnce() -> T) -> T {
    let (done, is_done) = mpsc::channel::<()>();
    let begun = Instant::now();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            while is_done.recv_timeout(REPORT) == Err(RecvTimeoutError::Timeout) {
                tracing::info!(seconds = begun.elapsed().as_secs(), "still {what}");
            }
        });
        let result = step();
        drop(done);
        result
    })
}
