//! Which submissions each user has read.

use crate::db::schema::{submission_marks, submissions};
use crate::db::{Connection, unless_taken};
use crate::error::Result;
use diesel::prelude::*;
use std::collections::BTreeSet;

/// Unread submissions are counted among this many of the newest ones that are not done; all
/// of them unread stand for "or more".
pub const MOST_UNREAD: usize = 100;

#[derive(Insertable)]
#[diesel(table_name = submission_marks)]
struct Mark {
    user_id: i64,
    submission_seq: i64,
}

/// Which of these submissions a user has read.
pub fn of(conn: &mut Connection, user_id: i64, seqs: &[i64]) -> Result<BTreeSet<i64>> {
    let rows: Vec<i64> = submission_marks::table
        .filter(submission_marks::user_id.eq(user_id))
        .filter(submission_marks::submission_seq.eq_any(seqs))
        .select(submission_marks::submission_seq)
        .load(conn)?;
    Ok(rows.into_iter().collect())
}

/// Records that a user has read a submission.
pub fn set(conn: &mut Connection, user_id: i64, seq: i64) -> Result<()> {
    // The same user may insert the mark in another tab at the same time.
    let mark = |conn: &mut Connection| {
        diesel::insert_into(submission_marks::table).values(Mark { user_id, submission_seq: seq }).execute(conn)
    };
    unless_taken(conn, mark).map(drop)
}

/// Counts submissions that are not done and that the user has not read, at most
/// [`MOST_UNREAD`].
pub fn unread(conn: &mut Connection, account_id: i64, user_id: i64) -> Result<usize> {
    let seqs: Vec<i64> = submissions::table
        .filter(submissions::account_id.eq(account_id))
        .filter(submissions::deleted_at.is_null())
        .filter(submissions::done_at.is_null())
        .filter(diesel::dsl::not(submissions::spam))
        .order((submissions::created_at.desc(), submissions::seq.desc()))
        .limit(MOST_UNREAD as i64)
        .select(submissions::seq)
        .load(conn)?;
    Ok(seqs.len() - of(conn, user_id, &seqs)?.len())
}

/// Removes the marks of submissions that are about to be removed.
pub fn forget(conn: &mut Connection, seqs: impl Iterator<Item = i64>) -> Result<()> {
    diesel::delete(submission_marks::table.filter(submission_marks::submission_seq.eq_any(seqs))).execute(conn)?;
    Ok(())
}
