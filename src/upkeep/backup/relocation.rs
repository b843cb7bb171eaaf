//! Moving an installation to another database, another storage, or both.

use super::restore::Chunk;
use super::target::Target;
use super::{Progress, Report, files};
use crate::app::App;
use crate::config::Config;
use crate::db::portable::load::Loader;
use crate::db::portable::read::Snapshot;
use crate::error::{Error, Kind, Result};
use crate::values::token;
use bytes::Bytes;

/// How many rows pass between two reports.
const REPORT: u64 = 10_000;

/// Copies all rows, all files, or both, to where `to` has another database or storage. These must be
/// empty. What is here stays as it is.
///
/// # Errors
/// *Invalid* when neither is another, *conflict* when one is not empty, or a file is damaged or missing.
pub async fn copy(app: &App, to: &Config, report: &Report) -> Result<()> {
    let (has_rows, has_files) = (to.database() != app.config.database(), to.storage() != app.config.storage());
    if !has_rows && !has_files {
        return Err(Error::invalid("Name another database, another storage, or both."));
    }
    let (db, at) = (app.db.clone(), app.clock.now());
    let opened = move || {
        let mut snapshot = db.snapshot()?;
        let (version, files) = (snapshot.version()?, snapshot.read(|conn| files::list(conn, at))?);
        Ok::<_, Error>((snapshot, version, files))
    };
    let (snapshot, version, files) = tokio::task::spawn_blocking(opened).await.map_err(Error::unavailable)??;
    let target = Target::open(to, has_rows.then_some(version.as_str()), &app.installation.id).await?;
    if has_files {
        target.files(&files, report, |file| read(app, file)).await?;
    }
    if has_rows {
        let (loader, report) = (target.loader(&version)?, report.clone());
        let moved = tokio::task::spawn_blocking(move || rows(snapshot, loader, &report)).await;
        moved.map_err(|panic| Error::internal("a move panicked", panic))??;
    }
    target.finish(report).await
}

async fn read(app: &App, file: files::File) -> Result<Bytes> {
    let missing = || Error::new(Kind::Conflict, format!("{} is damaged or missing: run docket check", file.key));
    match app.storage.read(&file.key).await {
        Ok(content) if file.sha256.is_empty() || token::sha256(&content) == file.sha256 => Ok(content),
        Err(error) if error.kind != Kind::NotFound => Err(error),
        _ => Err(missing()),
    }
}

fn rows(mut snapshot: Snapshot, mut loader: Loader, report: &Report) -> Result<()> {
    let mut total = 0;
    for table in snapshot.tables().to_vec() {
        let mut chunk = Chunk::default();
        snapshot.rows(&table, |row| {
            total += 1;
            if total % REPORT == 0 {
                report(Progress::Rows(total));
            }
            chunk.push(row, |rows| loader.add(&table, rows))
        })?;
        chunk.finish(|rows| loader.add(&table, rows))?;
    }
    report(Progress::Rows(total));
    loader.finish(&snapshot.last_numbers()?)
}
