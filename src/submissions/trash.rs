//! Deleting submissions, and restoring them.

use crate::clock::{TRASH, TRASH_SHOWN};
use crate::db::Connection;
use crate::db::schema::submissions;
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
