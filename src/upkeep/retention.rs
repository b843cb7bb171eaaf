//! Moves data to the trash that an account keeps no longer. There it can be restored for 30 days.

use crate::accounts::retention;
use crate::app::App;
use crate::db::Connection;
use crate::db::schema::{conversations, submissions, tickets};
use crate::error::Result;
use crate::events::actor::Actor;
use crate::{conversations as chats, submissions as forms, tickets as desk};
use chrono::{NaiveDateTime, TimeDelta};
use diesel::prelude::*;

/// Rows per step, so that other requests do not wait long.
const CHUNK: i64 = 50;

/// Deletes what has become too old.
pub async fn apply(app: &App) -> Result<()> {
    let now = app.clock.now();
    for (account_id, limits) in app.db.scan(retention::limited).await? {
        let before = |days: Option<i64>| days.map(|days| now - TimeDelta::days(days));
        let (closed, silent, sent) =
            (before(limits.ticket_days), before(limits.conversation_days), before(limits.submission_days));
        while app.db.write(move |conn| delete_tickets(conn, account_id, closed, now)).await? > 0 {}
        while app.db.write(move |conn| delete_conversations(conn, account_id, silent, now)).await? > 0 {}
        while app.db.write(move |conn| delete_submissions(conn, account_id, sent, now)).await? > 0 {}
    }
    Ok(())
}

fn delete_tickets(
    conn: &mut Connection,
    account_id: i64,
    before: Option<NaiveDateTime>,
    now: NaiveDateTime,
) -> Result<usize> {
    let Some(before) = before else { return Ok(0) };
    let old: Vec<i64> = tickets::table
        .filter(tickets::account_id.eq(account_id))
        .filter(tickets::closed_at.le(before))
        .filter(tickets::deleted_at.is_null())
        .order(tickets::closed_at)
        .limit(CHUNK)
        .select(tickets::number)
        .load(conn)?;
    for number in &old {
        desk::trash::delete(conn, &Actor::system(account_id), *number, now)?;
    }
    Ok(old.len())
}

fn delete_conversations(
    conn: &mut Connection,
    account_id: i64,
    before: Option<NaiveDateTime>,
    now: NaiveDateTime,
) -> Result<usize> {
    let Some(before) = before else { return Ok(0) };
    let old: Vec<String> = conversations::table
        .filter(conversations::account_id.eq(account_id))
        .filter(conversations::last_message_at.le(before))
        .filter(conversations::deleted_at.is_null())
        .order(conversations::last_message_at)
        .limit(CHUNK)
        .select(conversations::id)
        .load(conn)?;
    for id in &old {
        chats::trash::delete(conn, &Actor::system(account_id), id, now)?;
    }
    Ok(old.len())
}

fn delete_submissions(
    conn: &mut Connection,
    account_id: i64,
    before: Option<NaiveDateTime>,
    now: NaiveDateTime,
) -> Result<usize> {
    let Some(before) = before else { return Ok(0) };
    let old: Vec<String> = submissions::table
        .filter(submissions::account_id.eq(account_id))
        .filter(submissions::created_at.le(before))
        .filter(submissions::deleted_at.is_null())
        .order(submissions::created_at)
        .limit(CHUNK)
        .select(submissions::id)
        .load(conn)?;
    for id in &old {
        forms::trash::delete(conn, &Actor::system(account_id), id, now)?;
    }
    Ok(old.len())
}
