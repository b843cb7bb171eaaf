//! Making a backup.

use super::files::File;
use super::manifest::{FORMAT, Files, Manifest, Rows};
use super::parts::Cutter;
use super::place::{Object, Place};
use super::{LANES, Progress, Report, files, runs};
use crate::app::App;
use crate::attachments::inventory;
use crate::db::Connection;
use crate::db::portable::read::Snapshot;
use crate::error::{Error, Kind, Result};
use crate::source_files::inventory as source_files;
use crate::values::token;
use chrono::NaiveDateTime;
use futures_util::{StreamExt, stream};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::mpsc;

/// Parts that wait to be stored.
const WAITING: usize = 4;
/// How many rows pass between two reports.
const REPORT: u64 = 10_000;

/// A backup that was made.
#[derive(Clone, Debug)]
pub struct Taken {
    pub name: String,
    pub rows: u64,
    pub files: u64,
    /// What was stored, in bytes. The rest was there already.
    pub stored: u64,
    /// Keys of files that are damaged or missing.
    pub lost: Vec<String>,
}

/// Makes a backup, and keeps the newest `keep` ones if a number is given. `shown` is what people call
/// the place.
///
/// # Errors
/// *Conflict* while another backup is running, or when the place has backups of another
/// installation. Nothing is lost then.
pub async fn take(app: &App, place: &Place, shown: &str, keep: Option<usize>, report: &Report) -> Result<Taken> {
    runs::record(app, shown, |id| run(app, id, place, keep, report)).await
}

async fn run(app: &App, id: i64, place: &Place, keep: Option<usize>, report: &Report) -> Result<Taken> {
    let earlier = place.snapshots().await?.pop();
    let mut known = HashMap::new();
    if let Some(name) = &earlier {
        let manifest = place.manifest(name).await?;
        if manifest.installation != app.installation.id {
            return Err(Error::new(Kind::Conflict, "This place has backups of another installation: choose another."));
        }
        known = place.files(&manifest).await?.into_iter().map(|file| (file.key.clone(), file)).collect();
    }
    let mut work = Work {
        stored: Arc::new(place.stored().await?),
        bytes: Arc::default(),
        place: place.clone(),
        report: report.clone(),
    };
    let at = app.clock.now();
    let (snapshot, files) = work.rows(app, at).await?;
    let (files, lost) = work.files(app, files, &known).await?;
    let count = lost.len();
    app.db.write(move |conn| runs::set_lost(conn, id, count)).await?;
    let list = work.list(&files).await?;
    let manifest = Manifest { files: list, installation: app.installation.id.clone(), ..snapshot };
    // If another backup has begun since, it may have removed what this one stored.
    let may_go_on = async || {
        let now = app.clock.now();
        app.db.write(move |conn| runs::renew(conn, id, now)).await
    };
    may_go_on().await?;
    let name = at.format("%Y-%m-%dT%H-%M-%S%.3fZ").to_string();
    place.add(&name, &manifest).await?;
    if let Some(number) = keep {
        place.keep(number, may_go_on).await?;
    }
    let stored = work.bytes.load(Ordering::Relaxed);
    Ok(Taken { name, rows: manifest.rows(), files: manifest.files.count, stored, lost })
}

/// A backup under way.
struct Work {
    place: Place,
    /// What the place had before.
    stored: Arc<HashSet<String>>,
    /// How much was stored since.
    bytes: Arc<AtomicU64>,
    report: Report,
}

impl Work {
    /// Stores all rows of one moment, and returns what they are and which files they name.
    async fn rows(&mut self, app: &App, at: NaiveDateTime) -> Result<(Manifest, Vec<File>)> {
        let (send, mut receive) = mpsc::channel(WAITING);
        let (db, place, stored, report) =
            (app.db.clone(), self.place.clone(), self.stored.clone(), self.report.clone());
        let reading = tokio::task::spawn_blocking(move || {
            let mut snapshot = db.snapshot()?;
            let pack = Pack { place, stored, send };
            let manifest = read(&mut snapshot, &pack, at, &report)?;
            let files = snapshot.read(|conn| files::list(conn, at))?;
            Ok((manifest, files))
        });
        // If storing fails, the other side finds the channel closed.
        while let Some(object) = receive.recv().await {
            self.store(object).await?;
        }
        drop(receive);
        reading.await.map_err(|panic| Error::internal("a backup panicked", panic))?
    }

    async fn store(&self, object: Object) -> Result<()> {
        let size = object.content.len() as u64;
        self.place.store(object).await?;
        self.bytes.fetch_add(size, Ordering::Relaxed);
        Ok(())
    }

    /// Stores the files that are not there yet. Returns those that the backup has, with size and hash,
    /// and the keys of those that are damaged or missing.
    async fn files(
        &mut self,
        app: &App,
        files: Vec<File>,
        known: &HashMap<String, File>,
    ) -> Result<(Vec<File>, Vec<String>)> {
        let total = files.iter().map(|file| file.size).sum();
        let done = AtomicU64::new(0);
        let this = &*self;
        let copies = stream::iter(files).map(|file| {
            let done = &done;
            async move {
                let (size, copied) = (file.size, this.file(app, file, known).await);
                let done = done.fetch_add(size, Ordering::Relaxed) + size;
                (this.report)(Progress::Files(done, total));
                copied
            }
        });
        let copied: Vec<Result<Copied>> = copies.buffered(LANES).collect().await;
        let (mut kept, mut lost, mut missing) = (Vec::with_capacity(copied.len()), Vec::new(), Vec::new());
        for copied in copied {
            match copied? {
                Copied::Whole(file) => kept.push(file),
                Copied::Damaged(file) => {
                    lost.push(file.key.clone());
                    kept.push(file);
                }
                Copied::Missing(key) => missing.push(key),
            }
        }
        if !missing.is_empty() {
            let asked = missing.clone();
            let gone = move |conn: &mut Connection| {
                let unknown = inventory::unknown_keys(conn, asked)?;
                source_files::unknown_keys(conn, unknown)
            };
            // Their rows have been removed since.
            let gone = app.db.scan(gone).await?;
            lost.extend(missing.into_iter().filter(|key| !gone.contains(key)));
        }
        Ok((kept, lost))
    }

    async fn file(&self, app: &App, file: File, known: &HashMap<String, File>) -> Result<Copied> {
        // What is stored under a key never changes.
        let known = known.get(&file.key).filter(|known| file.sha256.is_empty() || known.sha256 == file.sha256);
        if let Some(known) = known
            && self.stored.contains(&self.place.path_of_file(&known.sha256))
        {
            return Ok(Copied::Whole(known.clone()));
        }
        if !file.sha256.is_empty() && self.stored.contains(&self.place.path_of_file(&file.sha256)) {
            return Ok(Copied::Whole(file));
        }
        let content = match app.storage.read(&file.key).await {
            Err(error) if error.kind == Kind::NotFound => return Ok(Copied::Missing(file.key)),
            content => content?,
        };
        let sha256 = token::sha256(&content);
        let is_whole = file.sha256.is_empty() || file.sha256 == sha256;
        let found = File { size: content.len() as u64, sha256, key: file.key };
        self.store(self.place.file(&found.sha256, content.to_vec())?).await?;
        Ok(if is_whole { Copied::Whole(found) } else { Copied::Damaged(found) })
    }

    /// Stores the list of files.
    async fn list(&mut self, files: &[File]) -> Result<Files> {
        let (mut parts, mut objects) = (Vec::new(), Vec::new());
        let mut cutter = Cutter::new(|part: String| {
            let hash = token::sha256(part.as_bytes());
            if !self.stored.contains(&self.place.path_of_rows(&hash)) {
                objects.push(self.place.rows(&hash, &part)?);
            }
            parts.push(hash);
            Ok(())
        });
        for file in files {
            let line = serde_json::to_string(file).map_err(|source| Error::internal("the list of files", source))?;
            cutter.add(&line)?;
        }
        cutter.finish()?;
        for object in objects {
            self.store(object).await?;
        }
        Ok(Files { count: files.len() as u64, bytes: files.iter().map(|file| file.size).sum(), parts })
    }
}

enum Copied {
    Whole(File),
    /// Not what its row says.
    Damaged(File),
    Missing(String),
}

/// Packs parts and hands them over to be stored.
struct Pack {
    place: Place,
    stored: Arc<HashSet<String>>,
    send: mpsc::Sender<Object>,
}

impl Pack {
    /// Returns the hash of a part.
    fn pack(&self, part: &str) -> Result<String> {
        let hash = token::sha256(part.as_bytes());
        if !self.stored.contains(&self.place.path_of_rows(&hash)) {
            let object = self.place.rows(&hash, part)?;
            self.send.blocking_send(object).map_err(|_| Error::unavailable("the backup was given up"))?;
        }
        Ok(hash)
    }
}

/// Packs all rows. The result has neither installation nor files yet.
fn read(snapshot: &mut Snapshot, pack: &Pack, at: NaiveDateTime, report: &Report) -> Result<Manifest> {
    let mut tables = Vec::new();
    let mut total = 0;
    for table in snapshot.tables().to_vec() {
        let (mut count, mut parts) = (0, Vec::new());
        let mut cutter = Cutter::new(|part: String| {
            parts.push(pack.pack(&part)?);
            Ok(())
        });
        snapshot.rows(&table, |row| {
            count += 1;
            total += 1;
            if total % REPORT == 0 {
                report(Progress::Rows(total));
            }
            cutter.add(&row)
        })?;
        cutter.finish()?;
        tables.push(Rows { table, count, parts });
    }
    report(Progress::Rows(total));
    Ok(Manifest {
        format: FORMAT,
        docket: env!("CARGO_PKG_VERSION").into(),
        schema: snapshot.version()?,
        at,
        installation: String::new(),
        tables,
        last_numbers: snapshot.last_numbers()?,
        files: Files { count: 0, bytes: 0, parts: Vec::new() },
    })
}
