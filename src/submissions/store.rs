//! Queries on forms and submissions.

use crate::clock::{TRASH, TRASH_SHOWN};
use crate::db::schema::{forms, submissions};
use crate::db::{Connection, MultiBackend};
use crate::error::{Error, Result};
use crate::keyset;
use crate::submissions::model::{Parsed, Submission};
use crate::web::paging::{Cursor, Page, Place};
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
        ))
        .returning(forms::all_columns)
        .get_result(conn)?)
}

/// The form behind a public key.
///
/// # Errors
/// *Not found*.
pub fn form_by_key(conn: &mut Connection, key: &str) -> Result<Form> {
    let form: Option<Form> = forms::table.filter(forms::key.eq(key)).first(conn).optional()?;
    form.ok_or_else(|| Error::new(crate::error::Kind::NotFound, "There is no form at this address."))
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

/// Changes a form.
///
/// # Errors
/// *Not found*, also for those of other accounts.
pub fn change_form(
    conn: &mut Connection,
    account_id: i64,
    id: i64,
    (name, allowed_origins, next_url): (&str, &str, &str),
) -> Result<()> {
    let form = form(conn, account_id, id)?;
    diesel::update(forms::table.find(form.id))
        .set((forms::name.eq(name), forms::allowed_origins.eq(allowed_origins), forms::next_url.eq(next_url)))
        .execute(conn)?;
    Ok(())
}

/// Stores what a visitor sent.
///
/// # Errors
/// When the database fails.
pub fn add(
    conn: &mut Connection,
    form: &Form,
    id: &str,
    parsed: &Parsed,
    (page_url, country): (Option<&str>, Option<&str>),
    now: NaiveDateTime,
) -> Result<()> {
    let fields = serde_json::to_string(&parsed.fields).map_err(|source| Error::internal("fields", source))?;
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
        .execute(conn)?;
    Ok(())
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

/// One page of the account's submissions, newest first: of one form or all,
/// spam or not.
///
/// # Errors
/// When the database fails.
pub fn page(
    conn: &mut Connection,
    account_id: i64,
    form_id: Option<i64>,
    spam: bool,
    place: Place,
) -> Result<Page<Submission>> {
    let mut query = submissions::table
        .filter(submissions::account_id.eq(account_id))
        .filter(submissions::spam.eq(spam))
        .filter(submissions::deleted_at.is_null())
        .into_boxed::<MultiBackend>();
    if let Some(form_id) = form_id {
        query = query.filter(submissions::form_id.eq(form_id));
    }
    let rows = keyset!(query, place, submissions::created_at, submissions::seq).load(conn)?;
    Ok(Page::new(rows, place, |row: &Submission| Cursor { at: row.created_at, id: row.seq }))
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
