//! The files that rows name.

use crate::attachments::inventory;
use crate::clock::TRASH;
use crate::db::Connection;
use crate::error::Result;
use crate::source_files::inventory as source_files;
use chrono::NaiveDateTime;
use serde::{Deserialize, Serialize};

/// Rows that are read at once.
const CHUNK: i64 = 1_000;

/// A stored file; in the list of a backup it is `[key, size, sha256]`.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(into = "(String, u64, String)", from = "(String, u64, String)")]
pub(super) struct File {
    pub(super) key: String,
    /// In bytes.
    pub(super) size: u64,
    pub(super) sha256: String,
}

impl From<(String, u64, String)> for File {
    fn from((key, size, sha256): (String, u64, String)) -> Self {
        Self { key, size, sha256 }
    }
}

impl From<File> for (String, u64, String) {
    fn from(file: File) -> Self {
        (file.key, file.size, file.sha256)
    }
}

/// All files that can be reached at this moment, in the order of their keys. Of thumbnails, rows
/// know neither size nor hash, which are then 0 and empty.
pub(super) fn list(conn: &mut Connection, now: NaiveDateTime) -> Result<Vec<File>> {
    let mut files = Vec::new();
    let mut add = |key: String, size: i64, sha256: String, thumbnail: Option<String>| {
        files.push(File { key, size: u64::try_from(size).unwrap_or_default(), sha256 });
        files.extend(thumbnail.map(|key| File { key, size: 0, sha256: String::new() }));
    };
    let mut after = String::new();
    loop {
        let rows = inventory::ready_after(conn, &after, now - TRASH, CHUNK)?;
        let Some(last) = rows.last() else { break };
        after.clone_from(&last.id);
        rows.into_iter().for_each(|row| add(row.key(), row.size, row.sha256.clone(), row.thumbnail_key()));
    }
    after.clear();
    loop {
        let rows = source_files::ready_after(conn, &after, CHUNK)?;
        let Some(last) = rows.last() else { break };
        after.clone_from(&last.id);
        rows.into_iter().for_each(|row| add(row.key(), row.size, row.sha256.clone(), row.thumbnail_key()));
    }
    files.sort_unstable_by(|one, other| one.key.cmp(&other.key));
    Ok(files)
}
