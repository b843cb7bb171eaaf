//! Deleting submissions, and restoring them.

use crate::clock::{EXPIRED, TRASH, TRASH_SHOWN};
use crate::conversations::conversation;
use crate::db::index::Index;
use crate::db::schema::submissions;
use crate::db::{Connection, index, ticket_index};
use crate::error::Result;
use crate::events::actor::Actor;
use crate::events::event::Kind as EventKind;
use crate::events::record::{NewEvent, record};
use crate::submissions::submission::{Submission, get, lock, lock_all};
use crate::submissions::{marks, replies};
use chrono::NaiveDateTime;
use diesel::prelude::*;

/// Deletes a submission, which can be restored for 30 days. Returns the id of the event.
pub fn delete(conn: &mut Connection, actor: &Actor, id: &str, now: NaiveDateTime) -> Result<i64> {
    let submission = lock(conn, actor.account_id, id)?;
    // Otherwise words of a message that is posted meanwhile would stay.
    conversation::lock_answers(conn, submission.account_id, &submission.id)?;
    diesel::update(submissions::table.find(submission.seq)).set(submissions::deleted_at.eq(now)).execute(conn)?;
    ticket_index::set_source(conn, submission.account_id, ("form", &submission.id), &[])?;
    record(conn, actor, submission.event(EventKind::SubmissionDeleted), now)
}

/// The latest deleted submissions that can still be restored.
pub fn deleted(conn: &mut Connection, account_id: i64, now: NaiveDateTime) -> Result<Vec<Submission>> {
    Ok(submissions::table
        .filter(submissions::account_id.eq(account_id))
        .filter(submissions::deleted_at.gt(now - TRASH))
        .order((submissions::deleted_at.desc(), submissions::seq.desc()))
        .limit(TRASH_SHOWN)
        .load(conn)?)
}

/// Brings a deleted submission back.
pub fn restore(conn: &mut Connection, actor: &Actor, id: &str, now: NaiveDateTime) -> Result<()> {
    let row = submissions::table
        .filter(submissions::account_id.eq(actor.account_id))
        .filter(submissions::id.eq(id))
        .filter(submissions::deleted_at.gt(now - TRASH));
    let restored = diesel::update(row).set(submissions::deleted_at.eq(None::<NaiveDateTime>)).execute(conn)?;
    let submission = get(conn, actor.account_id, id)?;
    if restored > 0 {
        // Otherwise words of a message that is posted meanwhile would be missing.
        conversation::lock_answers(conn, submission.account_id, &submission.id)?;
        let texts = replies::texts(conn, &submission)?;
        ticket_index::set_source(conn, submission.account_id, ("form", &submission.id), &texts)?;
        record(conn, actor, submission.event(EventKind::SubmissionRestored), now)?;
    }
    Ok(())
}

/// Numbers of up to `limit` submissions whose ids match a pattern, except those at the end of
/// their time in the trash.
pub fn matching(conn: &mut Connection, account_id: i64, ids: &str, limit: i64) -> Result<Vec<i64>> {
    Ok(submissions::table
        .filter(submissions::account_id.eq(account_id))
        .filter(submissions::id.like(ids))
        .filter(submissions::deleted_at.is_null().or(submissions::deleted_at.gt(EXPIRED)))
        .limit(limit)
        .select(submissions::seq)
        .load(conn)?)
}

/// Puts submissions at the end of their time in the trash. Returns those that were not there.
pub fn expire(conn: &mut Connection, seqs: &[i64]) -> Result<Vec<Submission>> {
    let mut rows = lock_all(conn, seqs)?;
    rows.retain(|row| row.deleted_at.is_none_or(|at| at > EXPIRED));
    for row in &rows {
        conversation::lock_answers(conn, row.account_id, &row.id)?;
        ticket_index::set_source(conn, row.account_id, ("form", &row.id), &[])?;
    }
    let expired = submissions::table.filter(submissions::seq.eq_any(rows.iter().map(|row| row.seq)));
    diesel::update(expired).set(submissions::deleted_at.eq(EXPIRED)).execute(conn)?;
    Ok(rows)
}

/// Removes up to `limit` submissions deleted at or before `old`, and returns how many there were.
pub fn forget_old(conn: &mut Connection, old: NaiveDateTime, limit: i64, now: NaiveDateTime) -> Result<usize> {
    let there = submissions::table.filter(submissions::deleted_at.le(old)).limit(limit);
    let seqs: Vec<i64> = there.select(submissions::seq).load(conn)?;
    let rows = lock_all(conn, &seqs)?;
    for row in &rows {
        index::forget_terms(conn, Index::Submissions, row.seq)?;
        let purged = NewEvent::new(EventKind::SubmissionPurged, &row.id);
        record(conn, &Actor::system(row.account_id), purged, now)?;
    }
    marks::forget(conn, seqs.iter().copied())?;
    diesel::delete(submissions::table.filter(submissions::seq.eq_any(&seqs))).execute(conn)?;
    Ok(seqs.len())
}
