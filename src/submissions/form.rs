//! A form of a website.

use crate::db::Connection;
use crate::db::schema::forms;
use crate::error::{Error, Kind, Result};
use chrono::NaiveDateTime;
use diesel::prelude::*;

/// A form's row.
#[derive(Clone, Debug, Queryable)]
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
pub fn form_by_key(conn: &mut Connection, key: &str) -> Result<Form> {
    let there = forms::table.filter(forms::key.eq(key)).filter(forms::is_off.eq(false));
    let form: Option<Form> = there.first(conn).optional()?;
    form.ok_or_else(|| Error::new(Kind::NotFound, "There is no form at this address."))
}

/// The account's forms.
pub fn forms(conn: &mut Connection, account_id: i64) -> Result<Vec<Form>> {
    Ok(forms::table.filter(forms::account_id.eq(account_id)).order(forms::id).load(conn)?)
}

/// One of the account's forms.
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
