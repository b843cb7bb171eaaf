//! `GET /tickets.csv`, `GET /tickets.jsonl`: a list as a file, read while it is sent.

use crate::accounts::agent::Agent;
use crate::accounts::user;
use crate::api::tickets::{Ticket, load_all};
use crate::error::{Error, Result};
use crate::tickets::query::{Filter, Query};
use crate::tickets::{bulk, list};
use crate::values::page::{Place, Window};
use crate::web::csv::{CONTENT_TYPE, Rows, download};
use crate::web::lists::{LIST_BUSY, LIST_PATIENCE};
use crate::web::{AppData, query};
use actix_web::HttpResponse;
use actix_web::web::Bytes;
use futures_util::{TryStreamExt, stream};
use std::collections::HashMap;

/// Tickets of one read of the list.
const CHUNK: usize = 1_000;
/// Tickets of one read of the whole rows, whose notes can be long.
const ROWS: usize = 100;

const HEAD: [&str; 16] = [
    "number",
    "title",
    "status",
    "tags",
    "assignee",
    "requester_name",
    "requester_email",
    "conversation_id",
    "form_submission_id",
    "created_at",
    "updated_at",
    "closed_at",
    "first_closed_at",
    "reopen_count",
    "resolution_seconds",
    "notes",
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Csv,
    JsonLines,
}

/// `GET /tickets.csv`
pub async fn csv(app: AppData, agent: Agent, query: query::Query<Query>) -> Result<HttpResponse> {
    export(app, agent, query.into_inner(), Format::Csv).await
}

/// `GET /tickets.jsonl`
pub async fn json_lines(app: AppData, agent: Agent, query: query::Query<Query>) -> Result<HttpResponse> {
    export(app, agent, query.into_inner(), Format::JsonLines).await
}

/// The rest of a file.
struct Export {
    app: AppData,
    agent: Agent,
    filter: Filter,
    format: Format,
    /// The names of users, by id.
    team: HashMap<i64, String>,
    /// Ids of tickets that were read from the list and not sent yet, the next one last.
    waiting: Vec<i64>,
    /// Where the list goes on.
    place: Option<Place>,
    has_begun: bool,
}

/// # Errors
/// *Invalid* when the list cannot be searched for.
async fn export(app: AppData, agent: Agent, query: Query, format: Format) -> Result<HttpResponse> {
    let filter = bulk::list_filter(&query, &agent);
    let account_id = agent.account_id;
    let team = app.db.read(move |conn| user::members(conn, account_id)).await?;
    let team = team.into_iter().map(|user| (user.id, user.name)).collect();
    let (waiting, place) = (Vec::new(), Some(Place::First));
    let mut export = Export { app, agent, filter, format, team, waiting, place, has_begun: false };
    // An error of the list is a response of its own, before the file begins.
    export.read_on().await?;
    let body = stream::try_unfold(export, |mut export| async {
        let piece = export.next().await?;
        Ok::<_, Error>(piece.map(|piece| (piece, export)))
    });
    let (content_type, name) = match format {
        Format::Csv => (CONTENT_TYPE, "tickets.csv"),
        Format::JsonLines => ("application/x-ndjson", "tickets.jsonl"),
    };
    Ok(HttpResponse::Ok().content_type(content_type).insert_header(download(name)).streaming(body.into_stream()))
}

impl Export {
    /// Reads the list on until there are tickets, or it ends.
    async fn read_on(&mut self) -> Result<()> {
        while let (true, Some(place)) = (self.waiting.is_empty(), self.place) {
            let _slot = self.app.lists.take(self.agent.holder(), LIST_PATIENCE, LIST_BUSY).await?;
            let filter = Filter { window: Window { place, size: CHUNK }, ..self.filter.clone() };
            let account_id = self.agent.account_id;
            let page = self.app.db.read(move |conn| list::page(conn, account_id, &filter)).await?;
            self.waiting = page.rows.iter().rev().map(|line| line.id).collect();
            self.place = page.older.map(Place::After);
        }
        Ok(())
    }

    /// The next piece of the file, unless it is at its end.
    async fn next(&mut self) -> Result<Option<Bytes>> {
        self.read_on().await?;
        let is_first = !std::mem::replace(&mut self.has_begun, true);
        if self.waiting.is_empty() && !is_first {
            return Ok(None);
        }
        let ids: Vec<i64> = (0..ROWS).map_while(|_| self.waiting.pop()).collect();
        let tickets = self.app.db.read(move |conn| load_all(conn, &ids)).await?;
        let bytes = match self.format {
            Format::Csv => table(&self.team, tickets, is_first)?,
            Format::JsonLines => lines(&tickets)?,
        };
        Ok(Some(bytes.into()))
    }
}

fn lines(tickets: &[Ticket]) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    for ticket in tickets {
        serde_json::to_writer(&mut bytes, ticket).map_err(|source| Error::internal("the JSON file", source))?;
        bytes.push(b'\n');
    }
    Ok(bytes)
}

fn table(team: &HashMap<i64, String>, tickets: Vec<Ticket>, is_first: bool) -> Result<Vec<u8>> {
    let mut rows = if is_first { Rows::with_head(HEAD)? } else { Rows::further() };
    let at = |at: Option<chrono::DateTime<chrono::Utc>>| at.map(|at| at.to_rfc3339()).unwrap_or_default();
    let number = |number: Option<i64>| number.map(|number| number.to_string()).unwrap_or_default();
    for ticket in tickets {
        rows.add([
            ticket.number.to_string(),
            ticket.title,
            ticket.status.as_str().into(),
            ticket.tags.join(", "),
            ticket.assignee_id.and_then(|id| team.get(&id)).cloned().unwrap_or_default(),
            ticket.requester_name,
            ticket.requester_email,
            ticket.conversation_id.unwrap_or_default(),
            ticket.form_submission_id.unwrap_or_default(),
            at(Some(ticket.created_at)),
            at(Some(ticket.updated_at)),
            at(ticket.closed_at),
            at(ticket.first_closed_at),
            ticket.reopen_count.to_string(),
            number(ticket.resolution_seconds),
            ticket.notes,
        ])?;
    }
    rows.into_bytes()
}
