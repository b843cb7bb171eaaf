//! The marker by which database and file storage know each other: an object
//! named after the installation. An empty mount has none, an empty store does.

use crate::app::App;
use crate::attachments::inventory;
use crate::db::schema::installation;
use crate::db::{Connection, unless_taken};
use crate::error::Result;
use crate::web::token;
use diesel::prelude::*;
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
///
/// # Errors
/// When the database fails.
pub async fn key(app: &App) -> Result<String> {
    Ok(own_key(app).await?.0)
}

/// The key, and whether it was known before.
async fn own_key(app: &App) -> Result<(String, bool)> {
    let known = app.db.read(id).await?;
    let had_one = known.is_some();
    let id = match known {
        Some(id) => id,
        None => {
            let new = token::id()?;
            app.db.write(move |conn| make_id(conn, &new)).await?
        }
    };
    Ok((format!("{FOLDER}/{id}"), had_one))
}

fn id(conn: &mut Connection) -> Result<Option<String>> {
    Ok(installation::table.select(installation::id).first(conn).optional()?)
}

/// Gives the installation its id, unless another instance does so at the same moment.
fn make_id(conn: &mut Connection, new: &str) -> Result<String> {
    unless_taken(conn, |conn| {
        diesel::insert_into(installation::table)
            .values((installation::place.eq(1), installation::id.eq(new)))
            .execute(conn)
    })?;
    Ok(installation::table.select(installation::id).first(conn)?)
}

/// Looks for the marker, and puts it into a new store, or into one from before
/// there were markers. A store that should hold files and has lost it is another
/// one than it was: then this says so, and what to do.
///
/// # Errors
/// When database or storage are away.
pub async fn look(app: &App) -> Result<Result<(), String>> {
    let (key, had_one) = own_key(app).await?;
    if app.storage.has(&key).await? {
        app.storage.expect_marker(&key);
        return Ok(Ok(()));
    }
    let is_memory = app.config.storage() == "memory:";
    if had_one && !is_memory && app.db.read(inventory::are_any_ready).await? {
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
        away => {
            tracing::warn!(?away, "the file storage does not answer");
            Ok(())
        }
    }
}

/// Puts the marker into the store.
///
/// # Errors
/// When the storage fails.
pub async fn put(app: &App, key: &str) -> Result<()> {
    app.storage.put(key, CONTENT.as_bytes().into()).await.map(drop)
}

/// The markers of other installations that use the same store.
///
/// # Errors
/// When the storage fails.
pub async fn others(app: &App, own: &str) -> Result<Vec<String>> {
    let mut keys: Vec<String> = app.storage.list(FOLDER).try_collect().await?;
    keys.retain(|key| key != own);
    Ok(keys)
}
