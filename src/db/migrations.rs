//! Migrations, run at startup. Programs that start together wait for each other.

use crate::db::rows::Text;
use crate::db::{Connection, DatabaseUrl, Engine, postgres, sqlite};
use crate::error::{Error, Kind, Result};
use diesel::connection::{AnsiTransactionManager, TransactionManager};
use diesel::migration::{Migration, MigrationSource};
use diesel::{QueryResult, RunQueryDsl, SqliteConnection};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};
use std::cmp::Ordering;
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
    if let (Engine::Sqlite(conn), DatabaseUrl::Sqlite(path)) = (&mut conn.engine, url) {
        copy_old(conn, path)?;
    }
    run_rest(conn)
}

/// Brings an empty database up to an older version, or to this program's own.
///
/// # Errors
/// *Conflict* when the database is newer than that version, or the version is unknown.
pub(super) fn run_to(conn: &mut Connection, version: &str) -> Result<()> {
    exclusively(conn, |conn| match &mut conn.engine {
        Engine::Sqlite(conn) => run_pending(conn, SQLITE, Some(version)),
        Engine::Postgres(conn) => run_pending(conn, POSTGRES, Some(version)),
    })?;
    let reached = self::version(conn)?;
    match reached.as_str().cmp(version) {
        Ordering::Equal => Ok(()),
        Ordering::Less => Err(Error::new(Kind::Conflict, "these rows are of a newer Docket: use that version")),
        Ordering::Greater => Err(Error::new(
            Kind::Conflict,
            "these rows are of an older Docket, and this database was set up by a newer one: use a new, empty database",
        )),
    }
}

/// Brings a database up to this program's schema, without a copy of it.
pub(super) fn run_rest(conn: &mut Connection) -> Result<()> {
    exclusively(conn, |conn| match &mut conn.engine {
        Engine::Sqlite(conn) => run_pending(conn, SQLITE, None),
        Engine::Postgres(conn) => run_pending(conn, POSTGRES, None),
    })
}

/// The version of the last migration that was applied.
pub(super) fn version(conn: &mut Connection) -> Result<String> {
    // Diesel's own function would create the table, which a snapshot cannot.
    let query = "SELECT CAST(max(version) AS TEXT) AS value FROM __diesel_schema_migrations";
    Ok(diesel::sql_query(query).get_result::<Text>(conn)?.value)
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
    match &mut conn.engine {
        Engine::Sqlite(conn) => AnsiTransactionManager::begin_transaction_sql(conn, "BEGIN IMMEDIATE"),
        Engine::Postgres(conn) => AnsiTransactionManager::begin_transaction(conn),
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
    match &mut conn.engine {
        Engine::Sqlite(_) => Ok(()),
        Engine::Postgres(conn) => postgres::wait_for_lock(conn),
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

/// Runs the pending migrations, up to a version if one is given.
fn run_pending<C, DB>(conn: &mut C, migrations: EmbeddedMigrations, last: Option<&str>) -> Result<()>
where
    DB: diesel::backend::Backend,
    C: MigrationHarness<DB>,
{
    let failed = |source| Error::internal("a migration failed", advice(source));
    refuse_newer(conn, &migrations)?;
    let mut pending = conn.pending_migrations(migrations).map_err(failed)?;
    pending.retain(|migration| last.is_none_or(|last| migration.name().version().to_string().as_str() <= last));
    let total = pending.len();
    for (index, migration) in pending.iter().enumerate() {
        let name = migration.name();
        tracing::info!(migration = %name, step = index + 1, of = total, "migrating");
        reporting("migrating", || conn.run_migration(migration).map(drop)).map_err(failed)?;
    }
    Ok(())
}

/// Refuses a database that a newer program has migrated.
fn refuse_newer<C, DB>(conn: &mut C, migrations: &EmbeddedMigrations) -> Result<()>
where
    DB: diesel::backend::Backend,
    C: MigrationHarness<DB>,
{
    let failed = |source| Error::internal("the versions of the database", advice(source));
    let known: Vec<Box<dyn Migration<DB>>> = migrations.migrations().map_err(failed)?;
    let known = known.iter().map(|migration| migration.name().version().to_string()).max().unwrap_or_default();
    let applied = conn.applied_migrations().map_err(failed)?.iter().max().map(ToString::to_string);
    match applied.filter(|applied| *applied > known) {
        None => Ok(()),
        Some(applied) => Err(Error::new(
            Kind::Conflict,
            format!(
                "a newer Docket has written it (version {applied}; this one knows {known}): use that Docket again, or \
                 restore a backup from before"
            ),
        )),
    }
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
