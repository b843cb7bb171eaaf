//! The list of forms or of chat bubbles, with a field to create one.

use crate::accounts::user::MAX_NAME;
use crate::error::{Error, OfField, Result};
use crate::values::text;
use crate::web::layout::Layout;
use actix_web::HttpResponse;
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
        text::required_line("The name", &self.name, MAX_NAME).of_field("name")
    }
}

#[derive(Template)]
#[template(path = "desk/sites/list.html")]
struct ListPage<'a> {
    layout: &'a Layout,
    words: &'a Words,
    rows: Vec<Row>,
    name: &'a str,
    error: Option<&'a Error>,
}

/// The list. `failed` is a rejected name and the reason.
pub fn render(layout: &Layout, words: &Words, rows: Vec<Row>, failed: Option<(&str, &Error)>) -> Result<HttpResponse> {
    let (name, error) = failed.unzip();
    layout.page_showing(error, &ListPage { layout, words, rows, name: name.unwrap_or_default(), error })
}
