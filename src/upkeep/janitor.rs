//! Clears up behind everybody: what has been in the trash for 30 days, sessions
//! that have ended, reservations of uploads that never came.

use crate::accounts::{devices, sessions, stored_responses};
use crate::app::App;
use crate::attachments::attachment::Attachment;
use crate::attachments::inventory;
use crate::attachments::inventory::RESERVED;
use crate::clock::TRASH;
use crate::conversations::inventory as chats;
use crate::db::index::Index;
use crate::db::schema::{
    conversation_marks, conversations, messages, notes_revisions, submissions, ticket_events, ticket_tags, tickets,
};
use crate::db::{Connection, index};
use crate::error::{Error, Result};
use crate::submissions::submission;
use crate::tickets::tags;
use crate::upkeep::marker;
use actix_web::web::Data;
use chrono::{NaiveDateTime, TimeDelta};
use diesel::prelude::*;
use std::time::Duration;

const EVERY: Duration = Duration::from_secs(15 * 60);
/// Nothing is cleared before it has been out of anybody's reach for this long:
/// no restore that was answered can lose its bytes.
const MARGIN: TimeDelta = TimeDelta::hours(1);
/// How long an answer to a request with an `Idempotency-Key` is given again.
const ANSWERS: TimeDelta = TimeDelta::hours(24);
/// One round's work at a time, so that others are not kept waiting.
const CHUNK: i64 = 50;
/// So many old texts are indexed at a time.
const INDEXED: i64 = 200;
/// So many messages are forgotten at a time.
const MESSAGES: i64 = 500;

/// Begins its rounds, which end with the program.
pub fn start(app: Data<App>) {
    actix_web::rt::spawn(async move {
        if let Err(error) = index_old_texts(&app).await {
            tracing::error!(
                cause = error.cause(),
                "old messages and submissions are not found by their words; docket check --repair sees to it"
            );
        }
        match app.db.write(tags::rename_old).await {
            Ok(0) => {}
            Ok(count) => tracing::info!(count, "tags that look alike are one now"),
            Err(error) => tracing::error!(cause = error.cause(), "old tags keep names under which they are not found"),
        }
        loop {
            if let Err(error) = clear(&app).await {
                tracing::error!(cause = error.cause(), "clearing up failed; it is tried again in a quarter of an hour");
            }
            actix_web::rt::time::sleep(EVERY).await;
        }
    });
}

/// Texts from before there was an index of them.
///
/// # Errors
/// When the database fails; docket check finds what is left.
pub async fn index_old_texts(app: &App) -> Result<()> {
    if app.db.scan(chats::is_indexed).await? && app.db.scan(submission::is_indexed).await? {
        return Ok(());
    }
    tracing::info!("indexing old messages and submissions");
    let (mut message, mut submission) = (Some((0, 0)), Some(0));
    while let Some(place) = message {
        message = app.db.write(move |conn| chats::reindex_after(conn, place, INDEXED, true)).await?.1;
    }
    while let Some(place) = submission {
        submission = app.db.write(move |conn| submission::reindex_after(conn, place, INDEXED, true)).await?.1;
    }
    Ok(())
}

/// One round. Every step may be repeated: bytes go before the rows that name them.
///
/// # Errors
/// When database or storage fail; the next round goes on from there.
pub async fn clear(app: &App) -> Result<()> {
    let now = app.clock.now();
    // In a store that is not mounted everything would seem to be gone already.
    marker::look(app).await?.map_err(Error::unavailable)?;
    let config = app.config.clone();
    let forget = move |conn: &mut Connection| {
        sessions::forget_expired(conn, &config, now)?;
        devices::forget_old(conn, now)
    };
    app.db.write(forget).await?;
    let old = now - TRASH - MARGIN;
    loop {
        let ids = app.db.scan(move |conn| expired_tickets(conn, old)).await?;
        if ids.is_empty() {
            break;
        }
        let wanted = ids.clone();
        let files = app.db.scan(move |conn| inventory::all_of_tickets(conn, &wanted)).await?;
        forget_files(app, files).await?;
        app.db.write(move |conn| forget_tickets(conn, &ids)).await?;
    }
    app.db.write(move |conn| inventory::give_up_reservations(conn, now - RESERVED)).await?;
    loop {
        let files = app.db.scan(move |conn| inventory::expired(conn, old, CHUNK)).await?;
        if files.is_empty() {
            break;
        }
        forget_files(app, files).await?;
    }
    while app.db.write(move |conn| forget_sources(conn, old)).await? > 0 {}
    app.db.write(move |conn| stored_responses::forget(conn, now - ANSWERS)).await?;
    Ok(())
}

fn expired_tickets(conn: &mut Connection, old: NaiveDateTime) -> Result<Vec<i64>> {
    Ok(tickets::table.filter(tickets::deleted_at.le(old)).limit(CHUNK).select(tickets::id).load(conn)?)
}

/// The bytes go first: a row without bytes is found again, bytes without a row
/// only by `docket check`.
async fn forget_files(app: &App, files: Vec<Attachment>) -> Result<()> {
    for file in &files {
        for key in file.keys() {
            app.storage.delete(&key).await?;
        }
    }
    app.db.write(move |conn| inventory::forget(conn, &files)).await
}

fn forget_tickets(conn: &mut Connection, ids: &[i64]) -> Result<()> {
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
    for seq in &gone {
        index::forget_terms(conn, Index::Submissions, *seq)?;
    }
    diesel::delete(submissions::table.filter(submissions::seq.eq_any(&gone))).execute(conn)?;
    Ok(gone.len() + forget_conversation(conn, old)?)
}

/// Forgets an old conversation, or some of its messages where it has many, and
/// says how many rows that were.
fn forget_conversation(conn: &mut Connection, old: NaiveDateTime) -> Result<usize> {
    let deleted = conversations::table.filter(conversations::deleted_at.le(old));
    let Some(seq) = deleted.select(conversations::seq).first::<i64>(conn).optional()? else { return Ok(0) };
    let positions: Vec<i64> = messages::table
        .filter(messages::conversation_seq.eq(seq))
        .order(messages::position.desc())
        .limit(MESSAGES)
        .select(messages::position)
        .load(conn)?;
    let Some(first) = positions.last() else {
        diesel::delete(conversation_marks::table.filter(conversation_marks::conversation_seq.eq(seq))).execute(conn)?;
        return Ok(diesel::delete(conversations::table.find(seq)).execute(conn)?);
    };
    for position in &positions {
        index::forget_terms(conn, Index::Messages, index::message_id(seq, *position))?;
    }
    let some = messages::table.filter(messages::conversation_seq.eq(seq)).filter(messages::position.ge(first));
    Ok(diesel::delete(some).execute(conn)?)
}
