//! Queries on forms and submissions.

use crate::clock::{TRASH, TRASH_SHOWN};
use crate::db::dialect::{self, Index};
use crate::db::schema::{forms, submissions};
use crate::db::{Connection, MultiBackend, still_wanted, unless_taken};
use crate::error::{Error, Kind, Result};
use crate::keyset;
use crate::search;
use crate::submissions::model::{Parsed, Submission};
use crate::web::paging::{Cursor, Page, Window};
use chrono::NaiveDateTime;
use diesel::prelude::*;

/// A form's row.
#[derive(Clone, Debug, Queryable)]
#[allow(missing_docs)]
pub struct Form {
    pub id: i64,
    pub account_id: i64,
    pub key: String,
    pub name: String,
    pub allowed_origins: String,
    pub next_url: String,
    pub created_at: NaiveDateTime,
    pub thanks: String,
    pub is_off: bool,
}

impl Form {
    /// The origins that may send it; all may when there are none.
    pub fn origins(&self) -> impl Iterator<Item = &str> {
        self.allowed_origins.split_whitespace()
    }
}

/// Makes a form under a random key and returns it.
///
/// # Errors
/// When the database fails.
pub fn add_form(conn: &mut Connection, account_id: i64, name: &str, key: &str, now: NaiveDateTime) -> Result<Form> {
    Ok(diesel::insert_into(forms::table)
        .values((
            forms::account_id.eq(account_id),
            forms::key.eq(key),
            forms::name.eq(name),
            forms::allowed_origins.eq(""),
            forms::next_url.eq(""),
            forms::created_at.eq(now),
            forms::thanks.eq(""),
        ))
        .returning(forms::all_columns)
        .get_result(conn)?)
}

/// The form behind a public key.
///
/// # Errors
/// *Not found*.
pub fn form_by_key(conn: &mut Connection, key: &str) -> Result<Form> {
    let there = forms::table.filter(forms::key.eq(key)).filter(forms::is_off.eq(false));
    let form: Option<Form> = there.first(conn).optional()?;
    form.ok_or_else(|| Error::new(Kind::NotFound, "There is no form at this address."))
}

/// The account's forms.
///
/// # Errors
/// When the database fails.
pub fn forms(conn: &mut Connection, account_id: i64) -> Result<Vec<Form>> {
    Ok(forms::table.filter(forms::account_id.eq(account_id)).order(forms::id).load(conn)?)
}

/// One of the account's forms.
///
/// # Errors
/// *Not found*, also for those of other accounts.
pub fn form(conn: &mut Connection, account_id: i64, id: i64) -> Result<Form> {
    Ok(forms::table.filter(forms::account_id.eq(account_id)).filter(forms::id.eq(id)).first(conn)?)
}

/// Most forms that programs make in one account.
const MAX_FORMS: i64 = 200;

/// The account's form of that name, which is made under `key` when there is none.
///
/// # Errors
/// *Invalid* when the account has too many.
pub fn form_named(conn: &mut Connection, account_id: i64, name: &str, key: &str, now: NaiveDateTime) -> Result<Form> {
    let named = forms::table.filter(forms::account_id.eq(account_id)).filter(forms::name.eq(name));
    match named.order(forms::id).first(conn).optional()? {
        Some(form) => Ok(form),
        None => {
            let count: i64 = forms::table.filter(forms::account_id.eq(account_id)).count().get_result(conn)?;
            if count >= MAX_FORMS {
                return Err(Error::invalid(format!("The account has {MAX_FORMS} forms; form names one of them.")));
            }
            add_form(conn, account_id, name, key, now)
        }
    }
}

/// Changes a form.
///
/// # Errors
/// *Not found*, also for those of other accounts.
pub fn change_form(
    conn: &mut Connection,
    account_id: i64,
    id: i64,
    [name, allowed_origins, next_url, thanks]: [&str; 4],
    is_off: bool,
) -> Result<()> {
    let form = form(conn, account_id, id)?;
    diesel::update(forms::table.find(form.id))
        .set((
            forms::name.eq(name),
            forms::allowed_origins.eq(allowed_origins),
            forms::next_url.eq(next_url),
            forms::thanks.eq(thanks),
            forms::is_off.eq(is_off),
        ))
        .execute(conn)?;
    Ok(())
}

/// Stores what a visitor sent and returns it.
///
/// # Errors
/// *Conflict* when the account has a submission of that id.
pub fn add(
    conn: &mut Connection,
    form: &Form,
    id: &str,
    parsed: &Parsed,
    (page_url, country): (Option<&str>, Option<&str>),
    now: NaiveDateTime,
) -> Result<Submission> {
    let fields = serde_json::to_string(&parsed.fields).map_err(|source| Error::internal("fields", source))?;
    let added = unless_taken(conn, |conn| {
        diesel::insert_into(submissions::table)
            .values((
                submissions::account_id.eq(form.account_id),
                submissions::id.eq(id),
                submissions::form_id.eq(form.id),
                submissions::fields.eq(fields),
                submissions::page_url.eq(page_url),
                submissions::country.eq(country),
                submissions::visitor_name.eq(&parsed.visitor_name),
                submissions::visitor_email.eq(&parsed.visitor_email),
                submissions::spam.eq(parsed.spam),
                submissions::created_at.eq(now),
            ))
            .returning(submissions::all_columns)
            .get_result(conn)
    })?;
    let submission: Submission = added.ok_or_else(|| {
        Error::new(Kind::Conflict, "There is a submission of that id already, or one was deleted lately.")
    })?;
    dialect::index_terms(conn, Index::Submissions, submission.seq, &terms(&submission))?;
    Ok(submission)
}

/// What a submission is found by.
#[must_use]
pub fn terms(submission: &Submission) -> Vec<String> {
    let fields = submission.fields();
    let values = fields.iter().map(|(_, value)| value.as_str());
    let page = submission.page_url.as_deref();
    search::terms(submission.account_id, values.chain(page).chain([submission.id.as_str()]))
}

/// Whether the account has a submission of that id, not deleted.
///
/// # Errors
/// When the database fails.
pub fn exists(conn: &mut Connection, account_id: i64, id: &str) -> Result<bool> {
    Ok(find(conn, account_id, id)?.is_some())
}

/// A submission of the account, if it is there and not deleted.
///
/// # Errors
/// When the database fails.
pub fn find(conn: &mut Connection, account_id: i64, id: &str) -> Result<Option<Submission>> {
    Ok(submissions::table
        .filter(submissions::account_id.eq(account_id))
        .filter(submissions::id.eq(id))
        .filter(submissions::deleted_at.is_null())
        .first(conn)
        .optional()?)
}

/// The same, where it has to be there.
///
/// # Errors
/// *Not found*, also for those of other accounts.
pub fn get(conn: &mut Connection, account_id: i64, id: &str) -> Result<Submission> {
    Ok(find(conn, account_id, id)?.ok_or(diesel::result::Error::NotFound)?)
}

/// Which submissions a list shows.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Those of one form, or of all.
    pub form_id: Option<i64>,
    /// Spam, or what is not; both when nothing is said.
    pub spam: Option<bool>,
    /// Those that hold these words.
    pub q: String,
}

/// One page of the account's submissions, newest first.
///
/// # Errors
/// When the database fails.
pub fn page(conn: &mut Connection, account_id: i64, filter: &Filter, window: Window) -> Result<Page<Submission>> {
    let mut query = submissions::table
        .filter(submissions::account_id.eq(account_id))
        .filter(submissions::deleted_at.is_null())
        .into_boxed::<MultiBackend>();
    if let Some(spam) = filter.spam {
        query = query.filter(submissions::spam.eq(spam));
    }
    if let Some(form_id) = filter.form_id {
        query = query.filter(submissions::form_id.eq(form_id));
    }
    let phrases = search::parse(account_id, &filter.q)?;
    if !phrases.is_empty() {
        query = query.filter(dialect::matches_terms(conn, Index::Submissions, &phrases));
    } else if !filter.q.trim().is_empty() {
        // Nothing in it can be found, so nothing is.
        return Ok(Page::empty());
    }
    let rows = keyset!(query, window, submissions::created_at, submissions::seq).load(conn)?;
    still_wanted()?;
    Ok(Page::new(rows, window, |row: &Submission| Cursor { at: row.created_at, id: row.seq }))
}

/// Beyond this many spam submissions nobody counts.
pub const MOST_SPAM: usize = 99;

/// How many submissions were held back as spam, at most one more than [`MOST_SPAM`].
///
/// # Errors
/// When the database fails.
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

/// Deletes a submission; it can be restored for 30 days.
///
/// # Errors
/// *Not found* when it is out of reach.
pub fn delete(conn: &mut Connection, account_id: i64, id: &str, now: NaiveDateTime) -> Result<()> {
    let submission = get(conn, account_id, id)?;
    diesel::update(submissions::table.find(submission.seq)).set(submissions::deleted_at.eq(now)).execute(conn)?;
    Ok(())
}

/// The latest deleted submissions that can still be restored.
///
/// # Errors
/// When the database fails.
pub fn trash(conn: &mut Connection, account_id: i64, now: NaiveDateTime) -> Result<Vec<Submission>> {
    Ok(submissions::table
        .filter(submissions::account_id.eq(account_id))
        .filter(submissions::deleted_at.gt(now - TRASH))
        .order((submissions::deleted_at.desc(), submissions::seq.desc()))
        .limit(TRASH_SHOWN)
        .load(conn)?)
}

/// Brings a deleted submission back.
///
/// # Errors
/// *Not found* when it is out of reach.
pub fn restore(conn: &mut Connection, account_id: i64, id: &str, now: NaiveDateTime) -> Result<()> {
    let row = submissions::table
        .filter(submissions::account_id.eq(account_id))
        .filter(submissions::id.eq(id))
        .filter(submissions::deleted_at.gt(now - TRASH));
    diesel::update(row).set(submissions::deleted_at.eq(None::<NaiveDateTime>)).execute(conn)?;
    get(conn, account_id, id).map(drop)
}

/// Says that a submission is spam, or that it is not.
///
/// # Errors
/// *Not found* when it is out of reach.
pub fn set_spam(conn: &mut Connection, account_id: i64, id: &str, spam: bool) -> Result<()> {
    let submission = get(conn, account_id, id)?;
    diesel::update(submissions::table.find(submission.seq)).set(submissions::spam.eq(spam)).execute(conn)?;
    Ok(())
}

/// Looks whether the submissions after a sequence number are found by what they
/// say, and with `repair` sees to it. Returns those that were not, and where to
/// go on.
///
/// # Errors
/// When the database fails.
pub fn reindex_after(conn: &mut Connection, seq: i64, limit: i64, repair: bool) -> Result<(Vec<String>, Option<i64>)> {
    let rows: Vec<Submission> =
        submissions::table.filter(submissions::seq.gt(seq)).order(submissions::seq).limit(limit).load(conn)?;
    let mut wrong = Vec::new();
    for row in &rows {
        let terms = terms(row);
        if !dialect::has_terms(conn, Index::Submissions, row.seq, &terms)? {
            wrong.push(row.id.clone());
            if repair {
                dialect::index_terms(conn, Index::Submissions, row.seq, &terms)?;
            }
        }
    }
    Ok((wrong, rows.last().map(|row| row.seq)))
}

/// Whether the newest of all submissions is found by what it says. Then all are, since
/// they are indexed in their order; what a crash left out `docket check` finds.
///
/// # Errors
/// When the database fails.
pub fn is_indexed(conn: &mut Connection) -> Result<bool> {
    let newest: Option<Submission> = submissions::table.order(submissions::seq.desc()).first(conn).optional()?;
    let Some(newest) = newest else { return Ok(true) };
    Ok(dialect::has_terms(conn, Index::Submissions, newest.seq, &terms(&newest))?)
}
