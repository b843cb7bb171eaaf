//! The storage side: the marker, half-written files of interrupted uploads, and objects
//! without a row.

use super::Check;
use crate::attachments::inventory::RESERVED;
use crate::attachments::key::parse_key;
use crate::attachments::{inventory, reserve};
use crate::db::Connection;
use crate::error::{Error, Result};
use crate::source_files::file;
use crate::source_files::inventory as source_files;
use crate::storage::PLACES;
use crate::upkeep::marker;
use futures_util::{StreamExt, TryStreamExt};

/// Keys that are looked up together.
const CHUNK: usize = 500;

/// Whether this store belongs to this installation alone.
pub(super) async fn marker(check: &mut Check<'_>) -> Result<bool> {
    let key = marker::key(check.app);
    // A new installation has no marker, and no files that need one.
    let may_lack = !check.app.db.scan(inventory::are_any_ready).await?;
    if !check.app.storage.has(&key).await? && !may_lack {
        if check.repair {
            marker::put(check.app, &key).await?;
        }
        let what = format!(
            "{} has no marker {key}: the storage is not mounted, or is a different one",
            check.app.config.storage()
        );
        check.repairable(&what, "marker written");
    }
    let others = marker::others(check.app, &key).await?;
    for other in &others {
        check.wrong(&format!(
            "{other} is the marker of another database that uses this storage, so objects without a row are kept; if \
             that database no longer exists, delete its marker"
        ));
    }
    Ok(others.is_empty())
}

/// Checks for half-written files of interrupted uploads.
pub(super) fn leftovers(check: &mut Check<'_>) -> Result<()> {
    let before = check.app.clock.now() - RESERVED;
    for prefix in PLACES {
        for path in check.app.storage.leftovers(prefix, before.and_utc().into())? {
            if check.repair {
                std::fs::remove_file(&path).map_err(Error::unavailable)?;
            }
            check.repairable(&format!("{} is incomplete", path.display()), "deleted");
        }
    }
    Ok(())
}

/// Checks for objects without a row.
pub(super) async fn orphans(check: &mut Check<'_>, may_judge: bool) -> Result<()> {
    for prefix in PLACES {
        let mut chunks = check.app.storage.list(prefix).try_chunks(CHUNK);
        while let Some(keys) = chunks.next().await {
            let keys = keys.map_err(|error| error.1)?;
            let listed = keys.clone();
            let look = move |conn: &mut Connection| {
                let unknown = inventory::unknown_keys(conn, listed)?;
                source_files::unknown_keys(conn, unknown)
            };
            let unknown = check.app.db.scan(look).await?;
            for key in unknown {
                orphan(check, &key, may_judge).await?;
            }
        }
    }
    Ok(())
}

async fn orphan(check: &mut Check<'_>, key: &str, may_judge: bool) -> Result<()> {
    // The janitor may have deleted it since it was listed.
    if !may_judge || !check.app.storage.has(key).await? {
        return Ok(());
    }
    if let Some((account_id, stamp, _)) = parse_key(key) {
        let newest = check.app.db.scan(move |conn| reserve::newest_stamp(conn, account_id)).await?;
        if newest.is_none_or(|newest| stamp > newest) {
            check.wrong(&format!("{key} is newer than the database: was the database copied or restored?"));
            return Ok(());
        }
    } else if let Some((account_id, ..)) = file::parse_key(key) {
        let newest = check.app.db.scan(move |conn| source_files::newest(conn, account_id)).await?;
        let stored = check.app.storage.modified(key).await?;
        // Clocks may differ by a little.
        if newest.is_none_or(|newest| stored > newest + RESERVED) {
            check.wrong(&format!("{key} is newer than the database: was the database copied or restored?"));
            return Ok(());
        }
    } else {
        check.wrong(&format!("{key} is not a Docket file"));
        return Ok(());
    }
    if check.repair {
        check.app.storage.delete(key).await?;
    }
    check.repairable(&format!("{key} is stored, but has no row"), "deleted");
    Ok(())
}
