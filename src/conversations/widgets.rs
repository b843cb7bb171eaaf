//! Queries on widgets: the chat bubbles of an account.

use crate::accounts::user::MAX_NAME;
use crate::conversations::conversation::Conversation;
use crate::conversations::texts::Texts;
use crate::db::Connection;
use crate::db::schema::{conversations, widgets};
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

/// The colour of a new bubble.
const FIRST_COLOUR: &str = "#2457c5";

/// A widget's row.
#[derive(Clone, Debug, Queryable)]
pub struct Widget {
    pub id: i64,
    pub account_id: i64,
    pub key: String,
    pub name: String,
    pub allowed_origins: String,
    pub ask_name: bool,
    pub ask_email: bool,
    pub colour: String,
    pub language: String,
    pub texts: String,
    pub created_at: NaiveDateTime,
    pub is_off: bool,
}

impl Widget {
    pub fn texts(&self) -> Texts {
        Texts::from_json(&self.texts)
    }
}

#[derive(Insertable)]
#[diesel(table_name = widgets)]
struct NewWidget<'a> {
    account_id: i64,
    key: &'a str,
    name: &'a str,
    allowed_origins: &'a str,
    ask_name: bool,
    ask_email: bool,
    colour: &'a str,
    language: &'a str,
    texts: &'a str,
    created_at: NaiveDateTime,
    is_off: bool,
}

/// Removes a widget that has no conversations.
pub fn forget_if_unused(conn: &mut Connection, id: i64) -> Result<()> {
    let used: Option<i64> = conversations::table
        .filter(conversations::widget_id.eq(id))
        .select(conversations::seq)
        .first(conn)
        .optional()?;
    if used.is_none() {
        diesel::delete(widgets::table.find(id)).execute(conn)?;
    }
    Ok(())
}

/// Creates a widget with a random public key and returns it.
pub fn add(conn: &mut Connection, actor: &Actor, name: &str, key: &str, now: NaiveDateTime) -> Result<Widget> {
    let widget: Widget = diesel::insert_into(widgets::table)
        .values(NewWidget {
            account_id: actor.account_id,
            key,
            name,
            allowed_origins: "",
            ask_name: true,
            ask_email: true,
            colour: FIRST_COLOUR,
            language: "en",
            texts: "{}",
            created_at: now,
            is_off: false,
        })
        .returning(widgets::all_columns)
        .get_result(conn)?;
    record(conn, actor, NewEvent::new(EventKind::WidgetCreated, widget.id).text("", &widget.name), now)?;
    Ok(widget)
}

/// The account's widgets.
pub fn all(conn: &mut Connection, account_id: i64) -> Result<Vec<Widget>> {
    Ok(widgets::table.filter(widgets::account_id.eq(account_id)).order(widgets::id).load(conn)?)
}

/// One of the account's widgets.
pub fn get(conn: &mut Connection, account_id: i64, id: i64) -> Result<Widget> {
    Ok(widgets::table.filter(widgets::account_id.eq(account_id)).filter(widgets::id.eq(id)).first(conn)?)
}

/// The texts and the language for the visitor of a conversation.
pub fn texts_of(conn: &mut Connection, of: &Conversation) -> Result<(Texts, String)> {
    let Some(id) = of.widget_id else { return Ok((Texts::default(), "en".into())) };
    let widget = get(conn, of.account_id, id)?;
    Ok((widget.texts(), widget.language))
}

/// The widget behind a public key.
pub fn by_key(conn: &mut Connection, key: &str) -> Result<Widget> {
    let there = widgets::table.filter(widgets::key.eq(key)).filter(widgets::is_off.eq(false));
    let widget: Option<Widget> = there.first(conn).optional()?;
    widget.ok_or_else(|| Error::new(Kind::NotFound, "There is no chat with this key."))
}

/// Blocks new conversations through a widget until the transaction ends.
pub fn lock(conn: &mut Connection, id: i64) -> Result<()> {
    diesel::update(widgets::table.find(id)).set(widgets::name.eq(widgets::name)).execute(conn)?;
    Ok(())
}

/// The settings that admins can change.
#[derive(AsChangeset, Clone, Debug, Default, Deserialize)]
#[diesel(table_name = widgets)]
#[serde(default, rename_all = "camelCase")]
pub struct Settings {
    pub name: String,
    /// Origins that may show the bubble, one per line; empty allows all.
    pub allowed_origins: String,
    #[serde(deserialize_with = "ticked")]
    pub ask_name: bool,
    #[serde(deserialize_with = "ticked")]
    pub ask_email: bool,
    pub colour: String,
    pub language: String,
    /// The output of [`Texts::to_json`].
    #[serde(skip)]
    pub texts: String,
    #[serde(rename = "off", deserialize_with = "ticked")]
    pub is_off: bool,
}

impl Settings {
    /// Validates the entered settings and returns them as stored.
    pub fn parse(&self, texts: &Texts) -> Result<Self> {
        Ok(Self {
            name: text::required_line("The name", &self.name, MAX_NAME).of_field("name")?,
            allowed_origins: text::parse_origins(&self.allowed_origins).of_field("allowedOrigins")?,
            colour: parse_colour(&self.colour).of_field("colour")?,
            language: parse_language(&self.language).of_field("language")?,
            texts: texts.to_json()?,
            ..self.clone()
        })
    }
}

impl From<Widget> for Settings {
    fn from(widget: Widget) -> Self {
        let Widget { name, allowed_origins, ask_name, ask_email, colour, language, texts, is_off, .. } = widget;
        Self { name, allowed_origins, ask_name, ask_email, colour, language, texts, is_off }
    }
}

fn parse_colour(colour: &str) -> Result<String> {
    let colour = colour.trim().to_lowercase();
    let digits = colour.strip_prefix('#').unwrap_or("");
    if digits.len() == 6 && digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Ok(colour);
    }
    Err(Error::invalid("Enter a colour as # and six hexadecimal digits, such as #2457c5."))
}

/// Checks the syntax of a language tag (BCP 47).
fn parse_language(language: &str) -> Result<String> {
    let language = language.trim();
    let is_part = |part: &str| (1..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let first = language.split('-').next().unwrap_or("");
    if language.len() <= 35
        && (2..=8).contains(&first.len())
        && first.bytes().all(|byte| byte.is_ascii_alphabetic())
        && language.split('-').all(is_part)
    {
        return Ok(language.to_owned());
    }
    Err(Error::invalid("Enter a language tag such as en, de or pt-BR."))
}

/// Whether a bubble other than these has a conversation. The account has few bubbles, however
/// many conversations there are.
pub fn is_used_beside(conn: &mut Connection, account_id: i64, widgets: &[i64]) -> Result<bool> {
    // The index has those that a visitor's bubble shows.
    let of_widget = conversations::table.filter(conversations::widget_id.eq(widgets::id.nullable()));
    let has_one = dsl::exists(of_widget.filter(conversations::visitor_hash.is_not_null()));
    let others = widgets::table.filter(widgets::account_id.eq(account_id)).filter(widgets::id.ne_all(widgets));
    Ok(diesel::select(dsl::exists(others.filter(has_one))).get_result(conn)?)
}

pub fn change(conn: &mut Connection, actor: &Actor, id: i64, settings: &Settings, now: NaiveDateTime) -> Result<()> {
    let widget = get(conn, actor.account_id, id)?;
    diesel::update(widgets::table.find(widget.id)).set(settings).execute(conn)?;
    record(conn, actor, NewEvent::new(EventKind::WidgetChanged, widget.id).text(&widget.name, &settings.name), now)?;
    Ok(())
}
