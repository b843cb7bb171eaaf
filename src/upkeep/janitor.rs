//! Removes old data: what has been in the trash for 30 days, expired sessions, old events,
//! and reservations of uploads that never finished.

use crate::accounts::{devices, failed_sign_ins, password_links, sessions, stored_responses};
use crate::app::App;
use crate::attachments::attachment::Attachment;
use crate::attachments::inventory;
use crate::attachments::inventory::RESERVED;
use crate::clock::TRASH;
use crate::db::Connection;
use crate::error::Result;
use crate::events::retention as old_events;
use crate::jobs::queue;
use crate::source_files::file::SourceFile;
use crate::upkeep::backup::runs;
use crate::upkeep::{marker, retention};
use crate::{conversations, source_files, submissions, tickets};
use chrono::TimeDelta;

/// Data is removed only when it has been out of reach for this long, so that a successful
/// restore never loses its bytes.
const MARGIN: TimeDelta = TimeDelta::hours(1);
/// How long the response to a request with an `Idempotency-Key` is kept.
const ANSWERS: TimeDelta = TimeDelta::hours(24);
/// Rows per step, so that other requests do not wait long.
const CHUNK: i64 = 50;
/// Messages of a conversation removed per step.
const MESSAGES: i64 = 500;
/// Old events read per step.
const EVENTS: i64 = 500;
/// Jobs that ended, removed per step.
const JOBS: i64 = 500;
/// Results of bulk actions removed per step.
const RESULTS: i64 = 500;

/// Runs one round. Every step can be repeated: bytes are deleted before the rows that
/// name them. After a failure, the next round continues.
pub async fn clear(app: &App) -> Result<()> {
    let now = app.clock.now();
    let config = app.config.clone();
    let forget = move |conn: &mut Connection| {
        sessions::forget_expired(conn, &config, now)?;
        password_links::forget_expired(conn, now)?;
        failed_sign_ins::forget(conn, now)?;
        devices::forget_old(conn, now)
    };
    app.db.write(forget).await?;
    retention::apply(app).await?;
    // A backup that is running may still need the files. The next round is soon.
    if !app.db.scan(move |conn| runs::is_running(conn, now)).await? {
        purge(app).await?;
    }
    let kept_since = now - app.config.event_retention;
    while app.db.write(move |conn| old_events::forget_old(conn, kept_since, EVENTS)).await? {}
    while app.db.write(move |conn| queue::forget_old(conn, JOBS, now)).await? > 0 {}
    while app.db.write(move |conn| tickets::bulk::forget_old(conn, RESULTS, now)).await? > 0 {}
    app.db.write(move |conn| stored_responses::forget(conn, now - ANSWERS)).await?;
    Ok(())
}

/// Permanently removes what is at the end of its time in the trash, with its files.
pub async fn purge(app: &App) -> Result<()> {
    let now = app.clock.now();
    // If the store is not mounted, all files seem to be deleted already.
    marker::look(app).await?.must_be_right()?;
    let old = now - TRASH - MARGIN;
    loop {
        let ids = app.db.scan(move |conn| tickets::trash::expired(conn, old, CHUNK)).await?;
        if ids.is_empty() {
            break;
        }
        let wanted = ids.clone();
        let files = app.db.scan(move |conn| inventory::all_of_tickets(conn, &wanted)).await?;
        forget_files(app, files).await?;
        app.db.write(move |conn| tickets::trash::forget(conn, &ids, now)).await?;
    }
    let release = move |conn: &mut Connection| {
        inventory::release_reservations(conn, now - RESERVED)?;
        source_files::inventory::release_reservations(conn, now - RESERVED)
    };
    app.db.write(release).await?;
    loop {
        let files = app.db.scan(move |conn| inventory::expired(conn, old, CHUNK)).await?;
        if files.is_empty() {
            break;
        }
        forget_files(app, files).await?;
    }
    loop {
        let files = app.db.scan(move |conn| source_files::inventory::expired(conn, old, CHUNK)).await?;
        if files.is_empty() {
            break;
        }
        delete_objects(app, files.iter().flat_map(SourceFile::keys)).await?;
        app.db.write(move |conn| source_files::inventory::forget(conn, &files)).await?;
    }
    while app.db.write(move |conn| submissions::trash::forget_old(conn, old, CHUNK, now)).await? > 0 {}
    while app.db.write(move |conn| conversations::trash::forget_old(conn, old, MESSAGES, now)).await? > 0 {}
    Ok(())
}

/// Deletes the bytes first. The next round finds rows without bytes, but bytes without a
/// row are found only by `docket check`.
async fn forget_files(app: &App, files: Vec<Attachment>) -> Result<()> {
    delete_objects(app, files.iter().flat_map(Attachment::keys)).await?;
    app.db.write(move |conn| inventory::forget(conn, &files)).await
}

async fn delete_objects(app: &App, keys: impl Iterator<Item = String>) -> Result<()> {
    for key in keys {
        app.storage.delete(&key).await?;
    }
    Ok(())
}
