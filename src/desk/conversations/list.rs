//! The inbox.

use crate::accounts::agent::Agent;
use crate::conversations::conversation::Status;
use crate::conversations::list::Filter;
use crate::conversations::{list, marks};
use crate::error::Result;
use crate::values::page::{Cursor, Place};
use crate::values::text;
use crate::web::AppData;
use crate::web::layout::Layout;
use crate::web::lists::{LIST_BUSY, LIST_PATIENCE, or_reason, status_of};
use crate::web::query::Query;
use crate::web::when::When;
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

struct Row {
    id: String,
    visitor: String,
    last_message: String,
    at: When,
    country: Option<String>,
    message_count: i64,
    is_open: bool,
    /// Messages that this user hasn't read and nobody has replied to.
    unread: i64,
    waiting: Option<When>,
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
    error: Option<String>,
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
    let (page, marks, error) = app
        .db
        .read(move |conn| {
            let (page, error) = or_reason(list::page(conn, agent.account_id, &filter, place.into()))?;
            let seqs: Vec<i64> = page.rows.iter().map(|row| row.seq).collect();
            Ok((page, marks::of(conn, agent.id, &seqs)?, error))
        })
        .await?;
    drop(slot);
    let rows = page.rows.into_iter().map(|row| Row {
        visitor: row.visitor().to_owned(),
        at: When::new(row.last_message_at, agent.zone),
        is_open: row.is_open(),
        // Closed conversations need no attention.
        unread: if row.is_open() { row.unread(marks.get(&row.seq).copied().unwrap_or(0)) } else { 0 },
        waiting: row.waiting_since.map(|since| When::new(since, agent.zone)),
        id: row.id,
        last_message: row.last_message,
        country: row.country,
        message_count: row.message_count,
    });
    let status = status.map_or("all", Status::as_str);
    let address = |end: &str, cursor: Option<Cursor>| {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.append_pair("status", status);
        query.extend_pairs(Some(("q", &q)).filter(|_| !q.is_empty()));
        cursor.map(|at| layout.href(&format!("/conversations?{}", query.append_pair(end, &at.to_string()).finish())))
    };
    let (newer, older) = (address("before", page.newer), address("after", page.older));
    let page = ListPage { layout: &layout, status, q: &q, rows: rows.collect(), newer, older, error };
    layout.page_with(status_of(page.error.as_deref()), &page)
}
