//! Queries on widgets: the chat bubbles of an account.

use crate::conversations::texts::Texts;
use crate::db::Connection;
use crate::db::schema::widgets;
use crate::error::{Error, Kind, Result};
use chrono::NaiveDateTime;
use diesel::prelude::*;

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
    /// What it says.
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

/// Makes a widget under a random key and returns it.
pub fn add(conn: &mut Connection, account_id: i64, name: &str, key: &str, now: NaiveDateTime) -> Result<Widget> {
    Ok(diesel::insert_into(widgets::table)
        .values(NewWidget {
            account_id,
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
        .get_result(conn)?)
}

/// The account's widgets.
pub fn all(conn: &mut Connection, account_id: i64) -> Result<Vec<Widget>> {
    Ok(widgets::table.filter(widgets::account_id.eq(account_id)).order(widgets::id).load(conn)?)
}

/// One of the account's widgets.
pub fn get(conn: &mut Connection, account_id: i64, id: i64) -> Result<Widget> {
    Ok(widgets::table.filter(widgets::account_id.eq(account_id)).filter(widgets::id.eq(id)).first(conn)?)
}

/// The widget behind a public key.
pub fn by_key(conn: &mut Connection, key: &str) -> Result<Widget> {
    let there = widgets::table.filter(widgets::key.eq(key)).filter(widgets::is_off.eq(false));
    let widget: Option<Widget> = there.first(conn).optional()?;
    widget.ok_or_else(|| Error::new(Kind::NotFound, "There is no chat under this key."))
}

/// Makes others who begin a conversation through it wait until the transaction ends.
pub fn lock(conn: &mut Connection, id: i64) -> Result<()> {
    diesel::update(widgets::table.find(id)).set(widgets::name.eq(widgets::name)).execute(conn)?;
    Ok(())
}

/// What a settings page changes of a widget.
#[derive(AsChangeset, Clone, Debug)]
#[diesel(table_name = widgets)]
pub struct Change {
    pub name: String,
    pub allowed_origins: String,
    pub ask_name: bool,
    pub ask_email: bool,
    pub colour: String,
    pub language: String,
    pub texts: String,
    pub is_off: bool,
}

/// Changes a widget.
pub fn change(conn: &mut Connection, account_id: i64, id: i64, change: &Change) -> Result<()> {
    let widget = get(conn, account_id, id)?;
    diesel::update(widgets::table.find(widget.id)).set(change).execute(conn)?;
    Ok(())
}
