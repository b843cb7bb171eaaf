//! The marker that links file storage and database: an object named after the
//! installation. An empty mount point has none, an empty store has one.

use crate::app::App;
use crate::attachments::inventory;
use crate::error::{Error, Result};
use crate::storage::Storage;
use futures_util::TryStreamExt;
use std::time::Duration;
use tokio::time::timeout;

/// The folder of markers; a second one means that two installations share a store.
const FOLDER: &str = "installations";
/// How long a start waits for the store.
const PATIENCE: Duration = Duration::from_secs(10);
const CONTENT: &str =
    "Docket keeps files here. Leave this file in place: without it the store counts as not mounted.\n";

/// The key of this installation's marker.
pub fn key(app: &App) -> String {
    key_of(&app.installation.id)
}

/// The key of the marker of any installation.
pub fn key_of(installation: &str) -> String {
    format!("{FOLDER}/{installation}")
}

/// The result of looking for the marker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mount {
    /// The expected store.
    Right,
    /// Another store, or none: says what is missing and what to do.
    Wrong(String),
}

impl Mount {
    /// Returns an error if the store is wrong.
    pub fn must_be_right(self) -> Result<()> {
        match self {
            Self::Right => Ok(()),
            Self::Wrong(reason) => Err(Error::unavailable(reason)),
        }
    }
}

/// Looks for the marker. Adds it to a new store, or to one from before markers existed.
pub async fn look(app: &App) -> Result<Mount> {
    let (key, had_one) = (key(app), app.installation.was_known || app.storage.expects_marker());
    if app.storage.has(&key).await? {
        app.storage.expect_marker(&key);
        return Ok(Mount::Right);
    }
    let is_memory = app.config.storage() == "memory:";
    if had_one && !is_memory && app.db.scan(inventory::are_any_ready).await? {
        return Ok(Mount::Wrong(format!(
            "{} does not hold the files of {}: the marker {key} is missing. Is the disk mounted, and STORAGE_URL \
             right? If the files are really lost, docket check --repair makes do with what is there",
            app.config.storage(),
            app.config.database()
        )));
    }
    put(app, &key).await?;
    app.storage.expect_marker(&key);
    Ok(Mount::Right)
}

/// Checks the marker at startup. A store that does not respond only causes a warning: it
/// may be back soon, and tickets work without it.
///
/// # Errors
/// One line that says what to do.
pub async fn expect(app: &App) -> Result<(), String> {
    match timeout(PATIENCE, look(app)).await {
        Ok(Ok(Mount::Right)) => Ok(()),
        Ok(Ok(Mount::Wrong(reason))) => Err(reason),
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

pub async fn put(app: &App, key: &str) -> Result<()> {
    app.storage.put(key, CONTENT.as_bytes().into()).await.map(drop)
}

/// The markers of all installations that use a store.
pub async fn all(storage: &Storage) -> Result<Vec<String>> {
    storage.list(FOLDER).try_collect().await
}

/// The markers of other installations that use the same store.
pub async fn others(app: &App, own: &str) -> Result<Vec<String>> {
    let mut keys = all(&app.storage).await?;
    keys.retain(|key| key != own);
    Ok(keys)
}
