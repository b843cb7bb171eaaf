//! A form of a website.

use crate::accounts::user::MAX_NAME;
use crate::db::Connection;
use crate::db::schema::forms;
use crate::error::{Error, Kind, Result};
use crate::values::text;
use crate::values::text::ticked;
use chrono::NaiveDateTime;
use diesel::prelude::*;
use serde::Deserialize;

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

/// Longest text of the page after sending, in characters.
const MAX_THANKS: usize = 1_000;

/// What admins change about a form.
#[derive(AsChangeset, Clone, Debug, Default, Deserialize)]
#[diesel(table_name = forms)]
#[serde(default, rename_all = "camelCase")]
pub struct Settings {
    pub name: String,
    /// The websites that may send it, one a line; all may when there are none.
    pub allowed_origins: String,
    /// Where visitors go after sending; empty for our own page.
    #[serde(rename = "next")]
    pub next_url: String,
    /// What our own page says.
    pub thanks: String,
    #[serde(rename = "off", deserialize_with = "ticked")]
    pub is_off: bool,
}

impl Settings {
    /// The settings as they are stored, from what somebody typed.
    ///
    /// # Errors
    /// *Invalid*, with the field that is wrong.
    pub fn parse(&self) -> Result<Self> {
        let next_url = self.next_url.trim().to_owned();
        if !next_url.is_empty() && text::web_url(&next_url).is_none() {
            return Err(Error::invalid("The redirect must start with https:// or http://."));
        }
        Ok(Self {
            name: text::required_line("The name", &self.name, MAX_NAME)?,
            allowed_origins: text::parse_origins(&self.allowed_origins)?,
            next_url,
            thanks: text::block("The thanks", self.thanks.trim(), MAX_THANKS)?,
            is_off: self.is_off,
        })
    }
}

impl From<Form> for Settings {
    fn from(form: Form) -> Self {
        let Form { name, allowed_origins, next_url, thanks, is_off, .. } = form;
        Self { name, allowed_origins, next_url, thanks, is_off }
    }
}

/// Changes a form.
pub fn change(conn: &mut Connection, account_id: i64, id: i64, settings: &Settings) -> Result<()> {
    let form = find(conn, account_id, id)?;
    diesel::update(forms::table.find(form.id)).set(settings).execute(conn)?;
    Ok(())
}
