//! A folder or bucket with backups.

use super::files::File;
use super::manifest::{FORMAT, Manifest};
use crate::error::{Error, Kind, Result};
use crate::storage::{Put, Storage};
use crate::values::backup_key::BackupKey;
use crate::values::token;
use bytes::Bytes;
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use futures_util::TryStreamExt;
use std::collections::HashSet;
use std::io::{Read, Write};

const SNAPSHOTS: &str = "snapshots";
const ROWS: &str = "rows";
const FILES: &str = "files";
const ENCRYPTED: &str = ".encrypted";
/// After removing this many objects, a backup checks again that no other one has begun.
const CHECKED: usize = 200;

/// Cheap to clone.
#[derive(Clone)]
pub struct Place {
    store: Storage,
    key: Option<BackupKey>,
}

/// An object to store.
pub(super) struct Object {
    pub(super) path: String,
    pub(super) content: Vec<u8>,
}

impl Place {
    /// Opens `PATH` or `s3://bucket/prefix`.
    ///
    /// # Errors
    /// One line that says what cannot be used.
    pub async fn open(place: &str, key: Option<BackupKey>) -> Result<Self, String> {
        Ok(Self { store: Storage::open_for_backups(place).await?, key })
    }

    /// The names of all backups, oldest first.
    pub async fn snapshots(&self) -> Result<Vec<String>> {
        let keys: Vec<String> = self.store.list(SNAPSHOTS).try_collect().await?;
        let name = |key: &String| {
            let name = key.strip_prefix(SNAPSHOTS)?.strip_prefix('/')?;
            Some(name.strip_suffix(ENCRYPTED).unwrap_or(name).strip_suffix(".json")?.to_owned())
        };
        let mut names: Vec<String> = keys.iter().filter_map(name).collect();
        names.sort_unstable();
        Ok(names)
    }

    /// The newest backup, or the one of this name.
    ///
    /// # Errors
    /// *Not found* if there is none.
    pub async fn find(&self, name: Option<&str>) -> Result<(String, Manifest)> {
        let names = self.snapshots().await?;
        let found = match name {
            Some(name) => names.into_iter().find(|known| known == name),
            None => names.into_iter().next_back(),
        };
        let missing = || match name {
            Some(name) => format!("There is no backup {name} here."),
            None => "There is no backup here.".into(),
        };
        let name = found.ok_or_else(|| Error::new(Kind::NotFound, missing()))?;
        let manifest = self.manifest(&name).await?;
        Ok((name, manifest))
    }

    pub(super) async fn manifest(&self, name: &str) -> Result<Manifest> {
        let path = format!("{SNAPSHOTS}/{name}.json");
        let text = match self.store.read(&path).await {
            Err(error) if error.kind == Kind::NotFound => self.decrypted(&format!("{path}{ENCRYPTED}")).await?,
            // It may not be ours, and its rows would be looked for under encrypted names.
            Ok(_) if self.key.is_some() => {
                let message = "The backups here are not encrypted: choose another place, or unset DOCKET_BACKUP_KEY.";
                return Err(Error::new(Kind::Conflict, message));
            }
            found => found?.to_vec(),
        };
        let damaged = |error: serde_json::Error| Error::invalid(format!("The backup {name} cannot be read: {error}."));
        // Of another format, nothing else may be readable.
        let format = serde_json::from_slice::<serde_json::Value>(&text).map_err(damaged)?["format"].as_u64();
        if format.is_some_and(|format| format > u64::from(FORMAT)) {
            return Err(Error::new(
                Kind::Conflict,
                format!("The backup {name} is of a newer Docket: use that version."),
            ));
        }
        serde_json::from_slice(&text).map_err(damaged)
    }

    async fn decrypted(&self, path: &str) -> Result<Vec<u8>> {
        let object = self.store.read(path).await?;
        match &self.key {
            Some(key) => key.decrypt(path, &object),
            None => Err(Error::invalid("This backup is encrypted: set DOCKET_BACKUP_KEY.")),
        }
    }

    /// Stores the snapshot. From then on the backup exists.
    pub(super) async fn add(&self, name: &str, manifest: &Manifest) -> Result<()> {
        let text = serde_json::to_vec(manifest).map_err(|source| Error::internal("the text of a backup", source))?;
        let object = self.sealed(format!("{SNAPSHOTS}/{name}.json"), text)?;
        match self.store(object).await? {
            Put::Stored => Ok(()),
            Put::Taken => Err(Error::new(Kind::Conflict, format!("There is a backup {name} already."))),
        }
    }

    pub(super) async fn store(&self, object: Object) -> Result<Put> {
        self.store.put(&object.path, object.content.into()).await
    }

    /// The object of some rows.
    pub(super) fn rows(&self, hash: &str, rows: &str) -> Result<Object> {
        let mut packed = GzEncoder::new(Vec::new(), Compression::default());
        let packed = packed.write_all(rows.as_bytes()).and_then(|()| packed.finish());
        self.sealed(
            self.plain_path(ROWS, hash, ".gz"),
            packed.map_err(|source| Error::internal("compression", source))?,
        )
    }

    pub(super) fn file(&self, hash: &str, content: Vec<u8>) -> Result<Object> {
        self.sealed(self.plain_path(FILES, hash, ""), content)
    }

    fn sealed(&self, path: String, plain: Vec<u8>) -> Result<Object> {
        let Some(key) = &self.key else { return Ok(Object { path, content: plain }) };
        let path = path + ENCRYPTED;
        Ok(Object { content: key.encrypt(&path, &plain)?, path })
    }

    fn plain_path(&self, folder: &str, hash: &str, ending: &str) -> String {
        let name = self.key.as_ref().map_or_else(|| hash.to_owned(), |key| key.name(hash));
        format!("{folder}/{}/{name}{ending}", name.get(..2).unwrap_or_default())
    }

    fn path(&self, folder: &str, hash: &str, ending: &str) -> String {
        self.plain_path(folder, hash, ending) + if self.key.is_some() { ENCRYPTED } else { "" }
    }

    pub(super) fn path_of_rows(&self, hash: &str) -> String {
        self.path(ROWS, hash, ".gz")
    }

    pub(super) fn path_of_file(&self, hash: &str) -> String {
        self.path(FILES, hash, "")
    }

    /// Some rows, one a line.
    ///
    /// # Errors
    /// *Invalid* when they are damaged.
    pub(super) async fn read_rows(&self, hash: &str) -> Result<String> {
        let packed = self.read(&self.path_of_rows(hash)).await?;
        let mut rows = Vec::new();
        let read = GzDecoder::new(packed.as_slice()).read_to_end(&mut rows);
        let rows = read.ok().filter(|_| token::sha256(&rows) == hash).and_then(|_| String::from_utf8(rows).ok());
        rows.ok_or_else(|| damaged(&self.path_of_rows(hash)))
    }

    pub(super) async fn read_file(&self, hash: &str) -> Result<Bytes> {
        let content = self.read(&self.path_of_file(hash)).await?;
        if token::sha256(&content) == hash { Ok(content.into()) } else { Err(damaged(&self.path_of_file(hash))) }
    }

    async fn read(&self, path: &str) -> Result<Vec<u8>> {
        let read = async {
            match &self.key {
                Some(_) => self.decrypted(path).await,
                None => Ok(self.store.read(path).await?.to_vec()),
            }
        };
        read.await.map_err(|error| match error.kind {
            Kind::NotFound => Error::invalid(format!("{path} is missing: the backup is incomplete.")),
            _ => error,
        })
    }

    /// The list of files of a backup, in the order of their keys.
    pub(super) async fn files(&self, manifest: &Manifest) -> Result<Vec<File>> {
        let mut files = Vec::new();
        for hash in &manifest.files.parts {
            let lines = self.read_rows(hash).await?;
            let parsed: Result<Vec<File>, _> = lines.lines().map(serde_json::from_str).collect();
            files.extend(parsed.map_err(|_| damaged(&self.path_of_rows(hash)))?);
        }
        Ok(files)
    }

    /// The paths of all rows and files that are stored.
    pub(super) async fn stored(&self) -> Result<HashSet<String>> {
        let mut paths: HashSet<String> = self.store.list(ROWS).try_collect().await?;
        paths.extend(self.store.list(FILES).try_collect::<Vec<String>>().await?);
        // Somebody may keep other files here, too.
        paths.retain(|path| is_object(path));
        Ok(paths)
    }

    /// Removes all but the newest backups, and what only those needed. `may_go_on` fails when another
    /// backup has begun.
    pub(super) async fn keep(&self, number: usize, may_go_on: impl AsyncFn() -> Result<()>) -> Result<()> {
        let names = self.snapshots().await?;
        let (old, kept) = names.split_at(names.len().saturating_sub(number));
        if old.is_empty() {
            return Ok(());
        }
        let mut needed = HashSet::new();
        for name in kept {
            let manifest = self.manifest(name).await?;
            let parts = manifest.tables.iter().flat_map(|rows| &rows.parts).chain(&manifest.files.parts);
            needed.extend(parts.map(|hash| self.path_of_rows(hash)));
            needed.extend(self.files(&manifest).await?.iter().map(|file| self.path_of_file(&file.sha256)));
        }
        may_go_on().await?;
        // The snapshots first: one without its objects would look like a backup.
        for name in old {
            for ending in ["", ENCRYPTED] {
                self.store.delete(&format!("{SNAPSHOTS}/{name}.json{ending}")).await?;
            }
        }
        for (done, path) in self.stored().await?.difference(&needed).enumerate() {
            if done.is_multiple_of(CHECKED) {
                may_go_on().await?;
            }
            self.store.delete(path).await?;
        }
        Ok(())
    }
}

/// Whether a path is that of one of our objects: `rows/<ab>/<name>.gz` or `files/<ab>/<name>`.
fn is_object(path: &str) -> bool {
    let path = path.strip_suffix(ENCRYPTED).unwrap_or(path);
    let mut steps = path.split('/');
    let (Some(folder), Some(start), Some(name), None) = (steps.next(), steps.next(), steps.next(), steps.next()) else {
        return false;
    };
    let name = match folder {
        ROWS => name.strip_suffix(".gz").unwrap_or_default(),
        FILES => name,
        _ => return false,
    };
    start.len() == 2 && name.starts_with(start) && name.len() == 64 && name.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn damaged(path: &str) -> Error {
    Error::invalid(format!("{path} is damaged."))
}
