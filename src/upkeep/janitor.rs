//! Clears up behind everybody: what has been in the trash for 30 days, sessions
//! that have ended, reservations of uploads that never came.

use crate::app::App;
use crate::attachments::model::Attachment;
use crate::clock::TRASH;
use crate::db::Connection;
use crate::db::schema::{
    attachments, conversations, messages, notes_revisions, submissions, ticket_events, ticket_tags, tickets,
};
use crate::error::Result;
use crate::people::sessions;
use actix_web::web::Data;
use chrono::{NaiveDateTime, TimeDelta};
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::Bool;
use std::time::Duration;

const EVERY: Duration = Duration::from_secs(60 * 60);
/// Nothing is cleared before it has been out of anybody's reach for this long:
/// no restore that was answered can lose its bytes.
const MARGIN: TimeDelta = TimeDelta::hours(1);
/// No upload takes this long; what is still reserved then never comes.
const RESERVED_HOURS: i64 = 24;
/// One round's work at a time, so that others are not kept waiting.
const CHUNK: i64 = 50;

/// Begins its rounds, which end with the program.
pub fn start(app: Data<App>) {
    actix_web::rt::spawn(async move {
        loop {
            if let Err(error) = clear(&app).await {
                tracing::error!(%error, "clearing up failed; it is tried again in an hour");
            }
            actix_web::rt::time::sleep(EVERY).await;
        }
    });
}

/// One round. Every step may be repeated: bytes go before the rows that name them.
///
/// # Errors
/// When database or storage fail; the next round goes on from there.
pub async fn clear(app: &App) -> Result<()> {
    let now = app.clock.now();
    app.db.write(move |conn| sessions::forget_expired(conn, now)).await?;
    let old = now - TRASH - MARGIN;
    loop {
        let ids = app.db.read(move |conn| expired_tickets(conn, old)).await?;
        if ids.is_empty() {
            break;
        }
        let wanted = ids.clone();
        let files = app.db.read(move |conn| files_of(conn, &wanted)).await?;
        delete_bytes(app, &files).await?;
        app.db.write(move |conn| forget_tickets(conn, &ids)).await?;
    }
    let stale = now - TimeDelta::hours(RESERVED_HOURS);
    loop {
        let files = app.db.read(move |conn| expired_files(conn, old, stale)).await?;
        if files.is_empty() {
            break;
        }
        delete_bytes(app, &files).await?;
        let ids: Vec<String> = files.into_iter().map(|file| file.id).collect();
        app.db
            .write(move |conn| {
                diesel::delete(attachments::table.filter(attachments::id.eq_any(&ids))).execute(conn)?;
                Ok(())
            })
            .await?;
    }
    while app.db.write(move |conn| forget_sources(conn, old)).await? > 0 {}
    Ok(())
}

fn expired_tickets(conn: &mut Connection, old: NaiveDateTime) -> Result<Vec<i64>> {
    Ok(tickets::table.filter(tickets::deleted_at.le(old)).limit(CHUNK).select(tickets::id).load(conn)?)
}

fn files_of(conn: &mut Connection, tickets: &[i64]) -> Result<Vec<Attachment>> {
    Ok(attachments::table.filter(attachments::ticket_id.eq_any(tickets)).load(conn)?)
}

fn expired_files(conn: &mut Connection, old: NaiveDateTime, stale: NaiveDateTime) -> Result<Vec<Attachment>> {
    // Two queries, because each has an index of its own; the word is written
    // out, because a bound value cannot choose a partial index.
    let mut files: Vec<Attachment> =
        attachments::table.filter(attachments::deleted_at.le(old)).limit(CHUNK).load(conn)?;
    let never_came = attachments::table
        .filter(sql::<Bool>("attachments.state = 'pending'"))
        .filter(attachments::created_at.le(stale))
        .limit(CHUNK);
    files.extend(never_came.load::<Attachment>(conn)?);
    Ok(files)
}

async fn delete_bytes(app: &App, files: &[Attachment]) -> Result<()> {
    for file in files {
        app.storage.delete(&file.key()).await?;
        if let Some(key) = file.thumbnail_key() {
            app.storage.delete(&key).await?;
        }
    }
    Ok(())
}

fn forget_tickets(conn: &mut Connection, ids: &[i64]) -> Result<()> {
    diesel::delete(attachments::table.filter(attachments::ticket_id.eq_any(ids))).execute(conn)?;
    diesel::delete(notes_revisions::table.filter(notes_revisions::ticket_id.eq_any(ids))).execute(conn)?;
    diesel::delete(ticket_events::table.filter(ticket_events::ticket_id.eq_any(ids))).execute(conn)?;
    diesel::delete(ticket_tags::table.filter(ticket_tags::ticket_id.eq_any(ids))).execute(conn)?;
    diesel::delete(tickets::table.filter(tickets::id.eq_any(ids))).execute(conn)?;
    Ok(())
}

/// Forgets some old submissions and conversations, and says how many.
fn forget_sources(conn: &mut Connection, old: NaiveDateTime) -> Result<usize> {
    let gone: Vec<i64> =
        submissions::table.filter(submissions::deleted_at.le(old)).limit(CHUNK).select(submissions::seq).load(conn)?;
    diesel::delete(submissions::table.filter(submissions::seq.eq_any(&gone))).execute(conn)?;
    let seqs: Vec<i64> = conversations::table
        .filter(conversations::deleted_at.le(old))
        .limit(CHUNK)
        .select(conversations::seq)
        .load(conn)?;
    diesel::delete(messages::table.filter(messages::conversation_seq.eq_any(&seqs))).execute(conn)?;
    diesel::delete(conversations::table.filter(conversations::seq.eq_any(&seqs))).execute(conn)?;
    Ok(gone.len() + seqs.len())
}
