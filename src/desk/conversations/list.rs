//! The inbox.

use crate::accounts::agent::Agent;
use crate::conversations::conversation::Status;
use crate::conversations::list;
use crate::conversations::list::Filter;
use crate::desk::conversations::rows::{Row, rows};
use crate::error::{Error, Result};
use crate::values::page::{Cursor, Place};
use crate::values::text;
use crate::web::AppData;
use crate::web::layout::Layout;
use crate::web::lists::{LIST_BUSY, LIST_PATIENCE, or_reason};
use crate::web::query::Query;
use actix_web::HttpResponse;
use askama::Template;
use serde::Deserialize;

/// Query of `GET /conversations`.
#[derive(Deserialize, Default)]
#[serde(default)]
pub struct ListQuery {
    status: String,
    q: String,
    after: String,
    before: String,
}

#[derive(Template)]
#[template(path = "desk/conversations/list.html")]
struct ListPage<'a> {
    layout: &'a Layout,
    /// `open`, `closed` or `all`.
    status: &'static str,
    q: &'a str,
    rows: Vec<Row>,
    newer: Option<String>,
    older: Option<String>,
    /// Why the query can't be searched.
    error: Option<Error>,
}

/// `GET /conversations`
pub async fn list(app: AppData, agent: Agent, layout: Layout, query: Query<ListQuery>) -> Result<HttpResponse> {
    let q = text::normalise(query.q.trim());
    let status = match query.status.as_str() {
        "all" => None,
        // A search without a status covers all conversations.
        "" if !q.is_empty() => None,
        word => Some(word.parse().unwrap_or(Status::Open)),
    };
    let place = Place::parse(&query.after, &query.before);
    let filter = Filter { status, q: q.clone() };
    let slot = app.lists.take(agent.holder(), LIST_PATIENCE, LIST_BUSY).await?;
    let (reader, now) = (agent.clone(), app.clock.now());
    let (rows, newer, older, error) = app
        .db
        .read(move |conn| {
            let (page, error) = or_reason(list::page(conn, reader.account_id, &filter, place.into()))?;
            Ok((rows(conn, &reader, page.rows, None, now)?, page.newer, page.older, error))
        })
        .await?;
    drop(slot);
    let status = status.map_or("all", Status::as_str);
    let address = |end: &str, cursor: Option<Cursor>| {
        let parts = [("status", status), ("q", q.as_str())];
        cursor.map(|at| layout.list("/conversations", parts, &[(end, &at.to_string())]))
    };
    let (newer, older) = (address("before", newer), address("after", older));
    let page = ListPage { layout: &layout, status, q: &q, rows, newer, older, error };
    layout.page_showing(page.error.as_ref(), &page)
}
