//! The list of forms or of chat bubbles, with a field to create one.

use crate::accounts::user::MAX_NAME;
use crate::error::{Error, Result};
use crate::values::text;
use crate::web::layout::Layout;
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use askama::Template;
use serde::Deserialize;

/// The words in which the lists differ.
pub struct Words {
    pub path: &'static str,
    pub title: &'static str,
    pub noun: &'static str,
    pub none: &'static str,
    pub what_for: &'static str,
    /// An example of a name.
    pub example: &'static str,
}

pub struct Row {
    pub id: i64,
    pub name: String,
    pub is_off: bool,
}

/// The form to create an entry.
#[derive(Deserialize)]
pub struct Create {
    #[serde(default)]
    pub name: String,
}

impl Create {
    /// The name as it is stored.
    pub fn parse(&self) -> Result<String> {
        text::required_line("The name", &self.name, MAX_NAME)
    }
}

#[derive(Template)]
#[template(path = "desk/sites/list.html")]
struct ListPage<'a> {
    layout: &'a Layout,
    words: &'a Words,
    rows: Vec<Row>,
    name: &'a str,
    error: Option<&'a str>,
}

/// The list. `failed` is a rejected name and the reason.
pub fn render(layout: &Layout, words: &Words, rows: Vec<Row>, failed: Option<(&str, &Error)>) -> Result<HttpResponse> {
    let status = failed.map_or(StatusCode::OK, |(_, error)| error.kind.status());
    let (name, error) = failed.map_or(("", None), |(name, error)| (name, Some(error.message())));
    layout.page_with(status, &ListPage { layout, words, rows, name, error })
}
