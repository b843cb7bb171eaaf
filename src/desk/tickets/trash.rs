//! `GET /trash`: what was deleted and can be restored.

use crate::accounts::agent::Agent;
use crate::attachments::attachment;
use crate::db::Connection;
use crate::desk::attachments::card::Card;
use crate::error::Result;
use crate::tickets::list;
use crate::values::page::{Cursor, Place};
use crate::web::layout::Layout;
use crate::web::when::When;
use crate::web::{AppData, query};
use crate::{conversations, submissions};
use actix_web::HttpResponse;
use askama::Template;
use chrono::NaiveDateTime;

/// Query of `GET /trash`.
#[derive(serde::Deserialize, Default)]
#[serde(default)]
pub struct Query {
    after: String,
    before: String,
}

struct Row {
    number: i64,
    title: String,
    at: When,
    files: Vec<Card>,
}

/// A deleted conversation or submission.
struct SourceRow {
    kind: &'static str,
    visitor: String,
    summary: String,
    /// Where its restore form posts to.
    restore: String,
}

#[derive(Template)]
#[template(path = "desk/tickets/trash.html")]
struct TrashPage<'a> {
    layout: &'a Layout,
    rows: Vec<Row>,
    sources: Vec<SourceRow>,
    newer: Option<String>,
    older: Option<String>,
}

/// `GET /trash`
pub async fn show(app: AppData, agent: Agent, layout: Layout, query: query::Query<Query>) -> Result<HttpResponse> {
    let place = Place::parse(&query.after, &query.before);
    let now = app.clock.now();
    let (page, mut files, sources) = app
        .db
        .read(move |conn| {
            let page = list::trash(conn, agent.account_id, place.into())?;
            let ids: Vec<i64> = page.rows.iter().map(|ticket| ticket.id).collect();
            let files = attachment::of_tickets(conn, &ids)?;
            Ok((page, files, deleted_sources(conn, agent.account_id, now)?))
        })
        .await?;
    let page = page.map(|ticket| Row {
        at: When::new(ticket.deleted_at.unwrap_or(ticket.updated_at), agent.zone),
        files: files
            .remove(&ticket.id)
            .unwrap_or_default()
            .iter()
            .map(|file| Card::new(file, ticket.number, &layout.links))
            .collect(),
        number: ticket.number,
        title: ticket.title,
    });
    let address = |end: &str, cursor: Option<Cursor>| cursor.map(|at| layout.href(&format!("/trash?{end}={at}")));
    let (newer, older) = (address("before", page.newer), address("after", page.older));
    layout.page(&TrashPage { layout: &layout, rows: page.rows, sources, newer, older })
}

fn deleted_sources(conn: &mut Connection, account_id: i64, now: NaiveDateTime) -> Result<Vec<SourceRow>> {
    let conversations = conversations::trash::deleted(conn, account_id, now)?.into_iter().map(|row| SourceRow {
        kind: "Conversation",
        visitor: row.visitor().to_owned(),
        restore: format!("/conversations/{}/restore", row.id),
        summary: row.last_message,
    });
    let submissions = submissions::trash::deleted(conn, account_id, now)?.into_iter().map(|row| SourceRow {
        kind: "Submission",
        visitor: row.visitor().to_owned(),
        summary: row.summary(),
        restore: format!("/submissions/{}/restore", row.id),
    });
    Ok(conversations.chain(submissions).collect())
}
