//! A page of submissions.

use crate::db::index::Index;
use crate::db::schema::submissions;
use crate::db::{Connection, MultiBackend, index, still_wanted};
use crate::error::Result;
use crate::submissions::submission::Submission;
use crate::values::page::{Cursor, Page, Window};
use crate::{keyset, search};
use diesel::prelude::*;

/// Which submissions a list shows.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Only this form; all when `None`.
    pub form_id: Option<i64>,
    /// Only spam, or only other submissions; both when `None`.
    pub spam: Option<bool>,
    /// Only what is done, or only what is not; both when `None`.
    pub done: Option<bool>,
    /// Words to find.
    pub q: String,
}

/// One page of the account's submissions, newest first.
pub fn page(conn: &mut Connection, account_id: i64, filter: &Filter, window: Window) -> Result<Page<Submission>> {
    let mut query = submissions::table
        .filter(submissions::account_id.eq(account_id))
        .filter(submissions::deleted_at.is_null())
        .into_boxed::<MultiBackend>();
    // The inbox, and what is done of all forms, have partial indexes, whose conditions are written like
    // this. The others find a value in theirs.
    let is_partial = filter.done == Some(false) || filter.done == Some(true) && filter.form_id.is_none();
    match filter.spam {
        Some(false) if is_partial => query = query.filter(diesel::dsl::not(submissions::spam)),
        Some(spam) => query = query.filter(submissions::spam.eq(spam)),
        None => {}
    }
    if let Some(done) = filter.done {
        let is_done = submissions::done_at.is_not_null();
        query = if done { query.filter(is_done) } else { query.filter(submissions::done_at.is_null()) };
    }
    if let Some(form_id) = filter.form_id {
        query = query.filter(submissions::form_id.eq(form_id));
    }
    let terms = search::parse(&filter.q)?;
    if !terms.is_empty() {
        query = query.filter(index::matches_terms(conn, Index::Submissions, account_id, &terms));
    } else if !filter.q.trim().is_empty() {
        // The query contains no searchable word, so nothing matches.
        return Ok(Page::default());
    }
    let rows = keyset!(query, window, submissions::created_at, submissions::seq).load(conn)?;
    still_wanted()?;
    Ok(Page::new(rows, window, |row: &Submission| Cursor { at: row.created_at, id: row.seq }))
}

/// Spam is counted up to this number; one more stands for "or more".
pub const MOST_SPAM: usize = 99;

/// How many submissions were held back as spam, at most one more than [`MOST_SPAM`].
pub fn spam_count(conn: &mut Connection, account_id: i64) -> Result<usize> {
    let rows: Vec<i64> = submissions::table
        .filter(submissions::account_id.eq(account_id))
        .filter(submissions::spam.eq(true))
        .filter(submissions::deleted_at.is_null())
        .select(submissions::seq)
        .limit(MOST_SPAM as i64 + 1)
        .load(conn)?;
    Ok(rows.len())
}
