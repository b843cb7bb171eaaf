//! Forms on websites.

use crate::accounts::user::MAX_NAME;
use crate::db::Connection;
use crate::db::schema::{forms, submissions};
use crate::error::{Error, Kind, OfField, Result};
use crate::events::actor::Actor;
use crate::events::event::Kind as EventKind;
use crate::events::record::{NewEvent, record};
use crate::values::text;
use crate::values::text::ticked;
use chrono::NaiveDateTime;
use diesel::dsl;
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
    /// Whether the hosted page asks for the name, here and below.
    pub ask_name: bool,
    pub ask_email: bool,
    pub ask_subject: bool,
}

impl Form {
    /// The origins that may send the form; none listed allows all.
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

/// Creates a form with a random public key and returns it.
pub fn add(conn: &mut Connection, actor: &Actor, name: &str, key: &str, now: NaiveDateTime) -> Result<Form> {
    let account_id = actor.account_id;
    let form: Form = diesel::insert_into(forms::table)
        .values(NewForm { account_id, key, name, allowed_origins: "", next_url: "", thanks: "", created_at: now })
        .returning(forms::all_columns)
        .get_result(conn)?;
    record(conn, actor, NewEvent::new(EventKind::FormCreated, form.id).text("", &form.name), now)?;
    Ok(form)
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

/// Removes a form that has no submissions.
pub fn forget_if_unused(conn: &mut Connection, id: i64) -> Result<()> {
    let used: Option<i64> =
        submissions::table.filter(submissions::form_id.eq(id)).select(submissions::seq).first(conn).optional()?;
    if used.is_none() {
        diesel::delete(forms::table.find(id)).execute(conn)?;
    }
    Ok(())
}

/// Maximum number of forms per account; programs cannot create more.
const MAX_FORMS: i64 = 200;

/// Finds the account's form by name, or creates one with `key`.
///
/// # Errors
/// *Invalid* when the account has too many forms to create another.
pub fn find_or_add(conn: &mut Connection, actor: &Actor, name: &str, key: &str, now: NaiveDateTime) -> Result<Form> {
    let account_id = actor.account_id;
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
            add(conn, actor, name, key, now)
        }
    }
}

/// Longest text of the thank-you page, in characters.
const MAX_THANKS: usize = 1_000;

/// The settings that admins can change.
#[derive(AsChangeset, Clone, Debug, Default, Deserialize)]
#[diesel(table_name = forms)]
#[serde(default, rename_all = "camelCase")]
pub struct Settings {
    pub name: String,
    /// Origins that may send the form, one per line; empty allows all.
    pub allowed_origins: String,
    /// Redirect after sending; empty for our thank-you page.
    #[serde(rename = "next")]
    pub next_url: String,
    /// Text of our thank-you page.
    pub thanks: String,
    #[serde(rename = "off", deserialize_with = "ticked")]
    pub is_off: bool,
    #[serde(deserialize_with = "ticked")]
    pub ask_name: bool,
    #[serde(deserialize_with = "ticked")]
    pub ask_email: bool,
    #[serde(deserialize_with = "ticked")]
    pub ask_subject: bool,
}

impl Settings {
    /// Validates the entered settings and returns them as stored.
    pub fn parse(&self) -> Result<Self> {
        Ok(Self {
            name: text::required_line("The name", &self.name, MAX_NAME).of_field("name")?,
            allowed_origins: text::parse_origins(&self.allowed_origins).of_field("allowedOrigins")?,
            next_url: parse_redirect(&self.next_url).of_field("next")?,
            thanks: text::block("The thank-you text", self.thanks.trim(), MAX_THANKS).of_field("thanks")?,
            ..self.clone()
        })
    }
}

fn parse_redirect(url: &str) -> Result<String> {
    let url = url.trim();
    if url.is_empty() || text::web_url(url).is_some() {
        return Ok(url.to_owned());
    }
    Err(Error::invalid("The redirect must start with https:// or http://."))
}

impl From<Form> for Settings {
    fn from(form: Form) -> Self {
        let Form { name, allowed_origins, next_url, thanks, is_off, ask_name, ask_email, ask_subject, .. } = form;
        Self { name, allowed_origins, next_url, thanks, is_off, ask_name, ask_email, ask_subject }
    }
}

/// Whether a form other than these has a submission. The account has few forms, however many
/// submissions there are.
pub fn is_used_beside(conn: &mut Connection, account_id: i64, forms: &[i64]) -> Result<bool> {
    let of_form = submissions::table.filter(submissions::form_id.eq(forms::id));
    let has_one = dsl::exists(of_form.filter(submissions::deleted_at.is_null()));
    let others = forms::table.filter(forms::account_id.eq(account_id)).filter(forms::id.ne_all(forms));
    Ok(diesel::select(dsl::exists(others.filter(has_one))).get_result(conn)?)
}

pub fn change(conn: &mut Connection, actor: &Actor, id: i64, settings: &Settings, now: NaiveDateTime) -> Result<()> {
    let form = find(conn, actor.account_id, id)?;
    diesel::update(forms::table.find(form.id)).set(settings).execute(conn)?;
    record(conn, actor, NewEvent::new(EventKind::FormChanged, form.id).text(&form.name, &settings.name), now)?;
    Ok(())
}
