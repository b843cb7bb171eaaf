//! The marker by which database and file storage know each other: an object
//! named after the installation. An empty mount has none, an empty store does.

use crate::app::App;
use crate::attachments::inventory;
use crate::error::Result;
use futures_util::TryStreamExt;
use std::time::Duration;
use tokio::time::timeout;

/// Where markers lie; another one means that two installations share a store.
const FOLDER: &str = "installations";
/// How long a start waits for the store.
const PATIENCE: Duration = Duration::from_secs(10);
const CONTENT: &str =
    "Docket keeps files here. Leave this file in place: without it the store counts as not mounted.\n";

/// The key of this installation's marker.
pub fn key(app: &App) -> String {
    format!("{FOLDER}/{}", app.installation.id)
}

/// Looks for the marker, and puts it into a new store, or into one from before
/// there were markers. A store that should hold files and has lost it is another
/// one than it was: then this says so, and what to do.
///
/// # Errors
/// When database or storage are away.
pub async fn look(app: &App) -> Result<Result<(), String>> {
    let (key, had_one) = (key(app), app.installation.was_known || app.storage.expects_marker());
    if app.storage.has(&key).await? {
        app.storage.expect_marker(&key);
        return Ok(Ok(()));
    }
    let is_memory = app.config.storage() == "memory:";
    if had_one && !is_memory && app.db.scan(inventory::are_any_ready).await? {
        return Ok(Err(format!(
            "{} does not hold the files of {}: the marker {key} is missing. Is the disk mounted, and STORAGE_URL \
             right? If the files are really lost, docket check --repair makes do with what is there",
            app.config.storage(),
            app.config.database()
        )));
    }
    put(app, &key).await?;
    app.storage.expect_marker(&key);
    Ok(Ok(()))
}

/// Looks for it before anything else is done. A store that does not answer now
/// may be back in a moment, and tickets do without it.
///
/// # Errors
/// One line that says what to do.
pub async fn expect(app: &App) -> Result<(), String> {
    match timeout(PATIENCE, look(app)).await {
        Ok(Ok(found)) => found,
        Ok(Err(error)) => {
            tracing::warn!(cause = error.cause(), "the file storage does not answer");
            Ok(())
        }
        Err(_) => {
            tracing::warn!("the file storage does not answer in time");
            Ok(())
        }
    }
}

/// Puts the marker into the store.
pub async fn put(app: &App, key: &str) -> Result<()> {
    app.storage.put(key, CONTENT.as_bytes().into()).await.map(drop)
}

/// The markers of other installations that use the same store.
pub async fn others(app: &App, own: &str) -> Result<Vec<String>> {
    let mut keys: Vec<String> = app.storage.list(FOLDER).try_collect().await?;
    keys.retain(|key| key != own);
    Ok(keys)
}
