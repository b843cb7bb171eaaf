//! Backups: all rows of one moment and the files they name, in a form that belongs to no engine.
//!
//! A place for backups is a folder or a bucket:
//!
//! | object | what |
//! | --- | --- |
//! | `snapshots/<time>.json` | one backup: its tables, with the names of the objects that hold their rows, in order |
//! | `rows/<ab>/<name>.gz` | some rows of a table, one JSON array a line ([`crate::db::portable`]), or some lines of the list of files: key, size, SHA-256 |
//! | `files/<ab>/<name>` | a file |
//!
//! Objects are named after the SHA-256 of their content, so what has not changed is stored once. The
//! snapshot is written last: a backup that was interrupted does not exist, and the next one finds
//! the objects that are there already. With a key ([`crate::values::backup_key`]) all content is
//! encrypted, names tell nothing, and `.encrypted` is added to them.

mod files;
mod manifest;
mod parts;
pub mod place;
pub mod relocation;
pub mod restore;
pub mod runs;
pub mod take;
mod target;

use crate::app::App;
use crate::error::{Error, Kind, Result};
use crate::jobs::queue::Outcome;
use crate::values::backup_plan::BackupPlan;
use chrono::TimeDelta;
use place::Place;
use std::sync::Arc;
use take::take;

/// How far a backup, or its way back, has come.
#[derive(Clone, Copy, Debug)]
pub enum Progress {
    Rows(u64),
    /// Bytes of files, of all of them.
    Files(u64, u64),
    /// Texts that search can find, of all of them.
    Words(i64, i64),
}

/// Told now and then how far it has come.
pub type Report = Arc<dyn Fn(Progress) + Send + Sync>;

/// Files that are read or written at the same time.
const LANES: usize = 8;

/// How long a planned backup waits while another one runs, or after a stopped server has left one
/// unfinished.
const AFTER_ANOTHER: TimeDelta = TimeDelta::minutes(1);

/// Makes a backup as planned, and says when the next one is due.
pub async fn planned(app: &App, plan: &BackupPlan) -> Result<Outcome> {
    let begun = app.clock.now();
    let place = match open_again(app, plan).await {
        Ok(place) => place,
        Err(error) => return runs::record(app, &plan.place, |_| async { Err(error) }).await,
    };
    let taken = match take(app, &place, &plan.place, Some(plan.keep), &(Arc::new(|_| {}) as Report)).await {
        Err(error) if error.kind == Kind::Conflict && error.message() == runs::RUNNING => {
            return Ok(Outcome::Later(begun + AFTER_ANOTHER));
        }
        taken => taken?,
    };
    tracing::info!(name = taken.name, rows = taken.rows, files = taken.files, stored = taken.stored, "backup made");
    for key in &taken.lost {
        tracing::warn!(key, "a file is damaged or missing; run docket check");
    }
    Ok(Outcome::Later(begun + plan.every))
}

/// Opens the place of planned backups. Where there were some and are none, a disk is probably missing.
/// Where there are some and this database has made none, it is probably a copy of another.
async fn open_again(app: &App, plan: &BackupPlan) -> Result<Place> {
    let place = Place::open(&plan.place, app.config.backup_key.clone()).await.map_err(Error::unavailable)?;
    let named = plan.place.clone();
    let has_made_some = app.db.scan(move |conn| runs::has_one_at(conn, &named)).await?;
    let trouble = match (place.snapshots().await?.is_empty(), has_made_some) {
        (true, true) => "has no backups any more: is the disk mounted? If they were removed on purpose,",
        (false, false) => {
            "has backups that this database has not made: is it a copy of another? If it has taken its place,"
        }
        _ => return Ok(place),
    };
    Err(Error::unavailable(format!("{} {trouble} run docket backup there once", plan.place)))
}
