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

#[derive(Insertable)]
#[diesel(table_name = forms)]
struct NewForm<'a> {
    account_id: i64,
    key: &'a str,
    name: &'a str,
    allowed_origins: &'a str,
    next_url: &'a str,
    thanks: &'a str,
    created_at: NaiveDateTime,
}

/// Makes a form under a random key and returns it.
pub fn add(conn: &mut Connection, account_id: i64, name: &str, key: &str, now: NaiveDateTime) -> Result<Form> {
    Ok(diesel::insert_into(forms::table)
        .values(NewForm { account_id, key, name, allowed_origins: "", next_url: "", thanks: "", created_at: now })
        .returning(forms::all_columns)
        .get_result(conn)?)
}

/// The form behind a public key.
pub fn by_key(conn: &mut Connection, key: &str) -> Result<Form> {
    let there = forms::table.filter(forms::key.eq(key)).filter(forms::is_off.eq(false));
    let form: Option<Form> = there.first(conn).optional()?;
    form.ok_or_else(|| Error::new(Kind::NotFound, "There is no form at this address."))
}

/// The account's forms.
pub fn all(conn: &mut Connection, account_id: i64) -> Result<Vec<Form>> {
    Ok(forms::table.filter(forms::account_id.eq(account_id)).order(forms::id).load(conn)?)
}

/// One of the account's forms.
pub fn find(conn: &mut Connection, account_id: i64, id: i64) -> Result<Form> {
    Ok(forms::table.filter(forms::account_id.eq(account_id)).filter(forms::id.eq(id)).first(conn)?)
}

/// Most forms that programs make in one account.
const MAX_FORMS: i64 = 200;

/// The account's form of that name, which is made under `key` when there is none.
///
/// # Errors
/// *Invalid* when the account has too many.
pub fn find_or_add(conn: &mut Connection, account_id: i64, name: &str, key: &str, now: NaiveDateTime) -> Result<Form> {
    let named = forms::table.filter(forms::account_id.eq(account_id)).filter(forms::name.eq(name));
    match named.order(forms::id).first(conn).optional()? {
        Some(form) => Ok(form),
        None => {
            let count: i64 = forms::table.filter(forms::account_id.eq(account_id)).count().get_result(conn)?;
            if count >= MAX_FORMS {
                let message =
                    format!("This account has the maximum of {MAX_FORMS} forms. Use the name of an existing one.");
                return Err(Error::invalid(message));
            }
            add(conn, account_id, name, key, now)
        }
    }
}

/// What a settings page changes of a form.
#[derive(AsChangeset, Clone, Debug)]
#[diesel(table_name = forms)]
pub struct Change {
    pub name: String,
    pub allowed_origins: String,
    pub next_url: String,
    pub thanks: String,
    pub is_off: bool,
}

/// Changes a form.
pub fn change(conn: &mut Connection, account_id: i64, id: i64, change: &Change) -> Result<()> {
    let form = find(conn, account_id, id)?;
    diesel::update(forms::table.find(form.id)).set(change).execute(conn)?;
    Ok(())
}
