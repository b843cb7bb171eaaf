//! Deleting submissions, and restoring them.

use crate::clock::{TRASH, TRASH_SHOWN};
use crate::db::index::Index;
use crate::db::schema::submissions;
use crate::db::{Connection, index};
use crate::error::Result;
use crate::submissions::submission::{Submission, get};
use chrono::NaiveDateTime;
use diesel::prelude::*;

/// Deletes a submission; it can be restored for 30 days.
pub fn delete(conn: &mut Connection, account_id: i64, id: &str, now: NaiveDateTime) -> Result<()> {
    let submission = get(conn, account_id, id)?;
    diesel::update(submissions::table.find(submission.seq)).set(submissions::deleted_at.eq(now)).execute(conn)?;
    Ok(())
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
pub fn restore(conn: &mut Connection, account_id: i64, id: &str, now: NaiveDateTime) -> Result<()> {
    let row = submissions::table
        .filter(submissions::account_id.eq(account_id))
        .filter(submissions::id.eq(id))
        .filter(submissions::deleted_at.gt(now - TRASH));
    diesel::update(row).set(submissions::deleted_at.eq(None::<NaiveDateTime>)).execute(conn)?;
    get(conn, account_id, id).map(drop)
}

/// Removes up to `limit` submissions deleted at or before `old`, and returns how many.
pub fn forget_old(conn: &mut Connection, old: NaiveDateTime, limit: i64) -> Result<usize> {
    let gone: Vec<i64> =
        submissions::table.filter(submissions::deleted_at.le(old)).limit(limit).select(submissions::seq).load(conn)?;
    for seq in &gone {
        index::forget_terms(conn, Index::Submissions, *seq)?;
    }
    Ok(diesel::delete(submissions::table.filter(submissions::seq.eq_any(&gone))).execute(conn)?)
}
