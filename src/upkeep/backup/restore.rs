//! From a backup into an empty installation.

use super::manifest::Manifest;
use super::place::Place;
use super::target::Target;
use super::{Progress, Report};
use crate::config::Config;
use crate::db::portable::Table;
use crate::db::portable::load::Loader;
use crate::error::{Error, Result};
use tokio::sync::mpsc;

/// Rows that are added at once, in bytes.
const CHUNK: usize = 1 << 20;
/// Parts that wait to be added.
const WAITING: usize = 2;

/// Puts a backup into the installation that the settings name. Files come first, then all rows in
/// one transaction: when this was interrupted, it can be done again.
///
/// # Errors
/// *Conflict* when the installation is not empty or another version is needed, *invalid* when the
/// backup is damaged.
pub async fn restore(config: &Config, place: &Place, manifest: &Manifest, report: &Report) -> Result<()> {
    let target = Target::open(config, Some(&manifest.schema), &manifest.installation).await?;
    let files = place.files(manifest).await?;
    target.files(&files, report, |file| async move { place.read_file(&file.sha256).await }).await?;
    let loader = target.loader(&manifest.schema)?;
    rows(loader, place, manifest, report).await?;
    target.finish(report).await
}

async fn rows(mut loader: Loader, place: &Place, manifest: &Manifest, report: &Report) -> Result<()> {
    let (send, mut receive) = mpsc::channel::<(Table, String)>(WAITING);
    let (last_numbers, report) = (manifest.last_numbers.clone(), report.clone());
    let adding = tokio::task::spawn_blocking(move || {
        let mut total = 0;
        while let Some((table, part)) = receive.blocking_recv() {
            let mut chunk = Chunk::default();
            for row in part.lines() {
                chunk.push(row.to_owned(), |rows| loader.add(&table, rows))?;
                total += 1;
            }
            chunk.finish(|rows| loader.add(&table, rows))?;
            report(Progress::Rows(total));
        }
        Ok::<_, Error>(loader)
    });
    let sent = async {
        for rows in &manifest.tables {
            for hash in &rows.parts {
                let part = place.read_rows(hash).await?;
                if send.send((rows.table.clone(), part)).await.is_err() {
                    // The other side has failed, and says why.
                    return Ok(());
                }
            }
        }
        Ok::<_, Error>(())
    };
    let sent = sent.await;
    drop(send);
    let loader = adding.await.map_err(|panic| Error::internal("a restore panicked", panic))??;
    sent?;
    tokio::task::spawn_blocking(move || loader.finish(&last_numbers)).await.map_err(Error::unavailable)?
}

/// Rows that are added together.
#[derive(Default)]
pub(super) struct Chunk {
    rows: Vec<String>,
    bytes: usize,
}

impl Chunk {
    pub(super) fn push(&mut self, row: String, add: impl FnOnce(&[String]) -> Result<()>) -> Result<()> {
        self.bytes += row.len();
        self.rows.push(row);
        if self.bytes < CHUNK { Ok(()) } else { std::mem::take(self).finish(add) }
    }

    pub(super) fn finish(self, add: impl FnOnce(&[String]) -> Result<()>) -> Result<()> {
        if self.rows.is_empty() { Ok(()) } else { add(&self.rows) }
    }
}
