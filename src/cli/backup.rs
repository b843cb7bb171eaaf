//! `docket backup`, `docket restore` and `docket move`

use crate::app::App;
use crate::clock::Clock;
use crate::config::Config;
use crate::db::DatabaseUrl;
use crate::error::{Error, Kind, Result};
use crate::upkeep::backup::place::Place;
use crate::upkeep::backup::take::Taken;
use crate::upkeep::backup::{Progress, Report, relocation, restore, take};
use crate::upkeep::marker;
use bytesize::ByteSize;
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use std::sync::Arc;
use std::time::Duration;

#[derive(Args)]
pub(super) struct Options {
    /// A folder, or s3://bucket/prefix
    #[arg(value_name = "DIR")]
    place: String,
    /// Afterwards keep only this many backups, the newest
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..))]
    keep: Option<u16>,
}

#[derive(Args)]
pub(super) struct RestoreOptions {
    /// A folder, or s3://bucket/prefix
    #[arg(value_name = "DIR")]
    place: String,
    /// Which backup, as --list shows it [default: the newest]
    #[arg(long, value_name = "NAME")]
    snapshot: Option<String>,
    /// List the backups and stop
    #[arg(long)]
    list: bool,
}

#[derive(Args)]
pub(super) struct MoveOptions {
    /// An empty database, not behind a pooler: sqlite:PATH or postgres://… [default: the database stays]
    #[arg(long, value_name = "URL")]
    to_database: Option<DatabaseUrl>,
    /// An empty storage: file:PATH or s3://bucket/prefix [default: the files stay]
    #[arg(long, value_name = "URL")]
    to_storage: Option<String>,
}

/// Shows on a terminal how far it has come.
fn bar() -> (ProgressBar, Report) {
    let bar = ProgressBar::new_spinner();
    bar.enable_steady_tick(Duration::from_millis(200));
    let style = |template| ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    let rows = style("{spinner} {pos} rows, {elapsed}");
    let files = style("{bar:40} {bytes}/{total_bytes} of files, {elapsed}");
    let words = style("{bar:40} {pos}/{len} texts in the search index, {elapsed}");
    let shown = bar.clone();
    let report = move |progress| {
        let (style, done, all) = match progress {
            Progress::Rows(done) => (&rows, done, 0),
            Progress::Files(done, all) => (&files, done, all),
            Progress::Words(done, all) => (&words, done.unsigned_abs(), all.unsigned_abs()),
        };
        shown.set_style(style.clone());
        shown.set_length(all);
        shown.set_position(done);
    };
    (bar, Arc::new(report))
}

async fn open(config: &Config, place: &str) -> Result<Place> {
    let opened = Place::open(place, config.backup_key.clone()).await;
    opened.map_err(|message| Error::new(Kind::Unavailable, message))
}

pub(super) async fn back_up(app: &App, options: &Options) -> Result<()> {
    marker::expect(app).await.map_err(|message| Error::new(Kind::Unavailable, message))?;
    let place = open(&app.config, &options.place).await?;
    let (bar, report) = bar();
    let taken = take::take(app, &place, &options.place, options.keep.map(usize::from), &report).await;
    bar.finish_and_clear();
    let Taken { name, rows, files, stored, lost } = taken?;
    println!("Backup {name}: {rows} rows, {files} files. Newly stored: {}.", ByteSize(stored));
    for key in &lost {
        println!("{key} is damaged or missing");
    }
    if lost.is_empty() {
        return Ok(());
    }
    Err(Error::new(Kind::Conflict, "the backup was made, without what the desk has lost: run docket check"))
}

pub(super) async fn restore(config: &Config, options: &RestoreOptions) -> Result<()> {
    let place = open(config, &options.place).await?;
    if options.list {
        for name in place.snapshots().await? {
            println!("{name}");
        }
        return Ok(());
    }
    let (name, manifest) = place.find(options.snapshot.as_deref()).await?;
    let (bar, report) = bar();
    let restored = restore::restore(config, &place, &manifest, &report).await;
    bar.finish_and_clear();
    restored?;
    println!("Restored {name}: {} rows, {} files.", manifest.rows(), manifest.files.count);
    println!("Data: {} and {}", config.database(), config.storage());
    Ok(())
}

pub(super) async fn relocate(config: Config, options: MoveOptions) -> Result<()> {
    let mut to = config.clone();
    if let Some(database) = options.to_database {
        (to.database_url, to.database_direct_url) = (Some(database), None);
    }
    to.storage_url = Some(options.to_storage.unwrap_or_else(|| config.storage()));
    let app = App::open(config, Clock::system()).await.map_err(|message| Error::new(Kind::Unavailable, message))?;
    marker::expect(&app).await.map_err(|message| Error::new(Kind::Unavailable, message))?;
    let (bar, report) = bar();
    let moved = relocation::copy(&app, &to, &report).await;
    bar.finish_and_clear();
    moved?;
    println!("Everything is in {} and {}.", to.database(), to.storage());
    println!("Set DATABASE_URL and STORAGE_URL to these, and start the server. The old data is still there.");
    Ok(())
}
