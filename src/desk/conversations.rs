//! The chat inbox and the page of a conversation.

use crate::accounts::agent::Agent;
use crate::accounts::role::Action;
use crate::conversations::conversation::{Conversation, Status};
use crate::conversations::list::Filter;
use crate::conversations::messages::{Message, NewMessage, parse_client_id, parse_message};
use crate::conversations::{conversation, list, marks, messages, news, trash};
use crate::desk::prose::{Span, spans};
use crate::error::{Kind, Result};
use crate::tickets::source::{Source, SourceKind};
use crate::tickets::source_links;
use crate::tickets::source_links::TicketRef;
use crate::values::page::{Cursor, Place};
use crate::values::{text, token};
use crate::web::fields::Fields;
use crate::web::layout::{Flash, Layout};
use crate::web::lists::{LIST_BUSY, LIST_PATIENCE, or_reason, status_of};
use crate::web::query::Query;
use crate::web::when::When;
use crate::web::{AppData, answer};
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use chrono_tz::Tz;
use serde::Deserialize;
use serde_json::json;

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
    /// Messages that this reader has not seen and nobody has answered.
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
    /// Why nothing was searched for.
    error: Option<String>,
}

/// `GET /conversations`
pub async fn list(app: AppData, agent: Agent, layout: Layout, query: Query<ListQuery>) -> Result<HttpResponse> {
    let q = text::normalise(query.q.trim());
    let status = match query.status.as_str() {
        "all" => None,
        // With words to search for and no status, all are searched.
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
        // What was closed is dealt with.
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

/// A message as pages show it.
#[derive(Clone, Debug)]
pub struct Line {
    /// Its number in the conversation.
    pub position: i64,
    /// Who wrote it.
    pub author: String,
    /// Whether that was one of the team.
    pub from_agent: bool,
    /// What they wrote.
    pub body: String,
    /// When.
    pub at: When,
}

impl Line {
    /// What they wrote, with the addresses of the web in it.
    pub fn spans(&self) -> Vec<Span<'_>> {
        spans(&self.body)
    }

    /// A message for a reader in `zone`.
    pub fn new(message: Message, visitor: &str, zone: Tz) -> Self {
        let from_agent = message.is_from_agent();
        let author = match message.author_name {
            name if !name.is_empty() => name,
            _ if from_agent => "Team".to_owned(),
            _ => visitor.to_owned(),
        };
        Self {
            position: message.position,
            author,
            from_agent,
            body: message.body,
            at: When::new(message.created_at, zone),
        }
    }
}

/// Query of `GET /conversations/{id}`.
#[derive(Deserialize, Default)]
#[serde(default)]
pub struct ShowQuery {
    before: Option<i64>,
}

#[derive(Template)]
#[template(path = "desk/conversations/show.html")]
struct ShowPage<'a> {
    layout: &'a Layout,
    conversation: &'a Conversation,
    page_link: Option<String>,
    begun: When,
    waiting: Option<When>,
    lines: Vec<Line>,
    /// Where earlier messages begin, if there are any.
    earlier: Option<i64>,
    /// Whether this is not the newest page.
    is_earlier: bool,
    /// Whether no bubble shows what is written here.
    is_elsewhere: bool,
    tickets: Vec<TicketRef>,
    body: String,
    error: Option<String>,
    /// Makes a reply that is sent twice one reply.
    request_id: String,
}

async fn render(
    app: &AppData,
    agent: &Agent,
    layout: &Layout,
    id: String,
    before: Option<i64>,
    reply: Option<(String, String)>,
) -> Result<HttpResponse> {
    let (account_id, user_id) = (agent.account_id, agent.id);
    let (conversation, messages, tickets, mark) = app
        .db
        .read(move |conn| {
            let conversation = conversation::get(conn, account_id, &id)?;
            let messages = messages::before(conn, conversation.seq, before, messages::MESSAGES)?;
            let tickets = source_links::of_source(conn, account_id, &Source { kind: SourceKind::Chat, id })?;
            let mark = marks::of(conn, user_id, &[conversation.seq])?.remove(&conversation.seq).unwrap_or(0);
            Ok((conversation, messages, tickets, mark))
        })
        .await?;
    if let Some(last) = messages.last().map(|last| last.position).filter(|last| *last > mark) {
        note_read(app, agent, conversation.seq, last).await;
    }
    let lines: Vec<Line> =
        messages.into_iter().map(|message| Line::new(message, conversation.visitor(), agent.zone)).collect();
    let status = if reply.is_some() { Kind::Invalid.status() } else { actix_web::http::StatusCode::OK };
    let (body, error) = reply.map_or((String::new(), None), |(body, error)| (body, Some(error)));
    let page = ShowPage {
        layout,
        page_link: conversation.page_url.as_deref().and_then(text::web_url).map(String::from),
        begun: When::new(conversation.created_at, agent.zone),
        waiting: conversation.waiting_since.map(|since| When::new(since, agent.zone)),
        earlier: lines.first().map(|line| line.position).filter(|position| *position > 1),
        is_earlier: before.is_some(),
        is_elsewhere: conversation.widget_id.is_none(),
        lines,
        tickets,
        conversation: &conversation,
        body,
        error,
        request_id: token::id()?,
    };
    layout.page_with(status, &page)
}

/// Reading must go on when writing cannot.
async fn note_read(app: &AppData, agent: &Agent, seq: i64, position: i64) {
    let user_id = agent.id;
    match app.db.write(move |conn| marks::set(conn, user_id, seq, position)).await {
        Ok(()) => news::read(&app.live, agent.account_id, user_id),
        Err(error) => tracing::warn!(%error, "what was read was not written down"),
    }
}

/// `GET /live/unread`: how many conversations wait with something that the user
/// has not read, as JSON.
pub async fn unread(app: AppData, agent: Agent) -> Result<HttpResponse> {
    let count = app.db.read(move |conn| marks::unread(conn, agent.account_id, agent.id)).await?;
    Ok(HttpResponse::Ok().json(json!({ "conversations": count })))
}

/// `GET /conversations/{id}`
pub async fn show(
    app: AppData,
    agent: Agent,
    layout: Layout,
    path: web::Path<String>,
    query: Query<ShowQuery>,
) -> Result<HttpResponse> {
    render(&app, &agent, &layout, path.into_inner(), query.before, None).await
}

/// `POST /conversations/{id}/messages`: `body`, `requestId`. For a script the
/// answer is the id of the next request.
pub async fn reply(
    req: HttpRequest,
    app: AppData,
    agent: Agent,
    layout: Layout,
    path: web::Path<String>,
    sent: Fields,
) -> Result<HttpResponse> {
    let (id, now) = (path.into_inner(), app.clock.now());
    let in_place = answer::wants_json(&req);
    let body = match parse_message(&sent.get("body")) {
        Ok(body) => body,
        Err(error) if in_place => return Err(error),
        Err(error) => {
            let reply = (sent.get("body"), error.message().to_owned());
            return render(&app, &agent, &layout, id, None, Some(reply)).await;
        }
    };
    let to = format!("/conversations/{id}#latest");
    let client_id =
        Some(sent.get("requestId")).filter(|id| !id.is_empty()).map(|id| parse_client_id(&id)).transpose()?;
    let message = NewMessage { client_id, ..NewMessage::reply(&agent.name, body, now) };
    let posted = app
        .write_as(&agent, Action::Work, move |conn, agent| messages::post(conn, agent.account_id, &id, &message))
        .await?;
    news::posted(&app.live, &posted);
    if in_place {
        return Ok(HttpResponse::Created().json(json!({ "nextRequestId": token::id()? })));
    }
    layout.see_other_saying(to, &Flash::new("The reply is sent."))
}

/// `POST /conversations/{id}/status`: `status`
pub async fn set_status(
    app: AppData,
    agent: Agent,
    layout: Layout,
    path: web::Path<String>,
    sent: Fields,
) -> Result<HttpResponse> {
    let (id, status): (String, Status) = (path.into_inner(), sent.get("status").parse()?);
    let to = format!("/conversations/{id}");
    let changed = app
        .write_as(&agent, Action::Work, move |conn, agent| {
            conversation::set_status(conn, agent.account_id, &id, status)
        })
        .await?;
    news::changed(&app.live, &changed);
    let text = if status == Status::Closed { "Conversation closed." } else { "Conversation reopened." };
    layout.see_other_saying(to, &Flash::new(text))
}

/// `POST /conversations/{id}/delete`
pub async fn delete(app: AppData, agent: Agent, layout: Layout, path: web::Path<String>) -> Result<HttpResponse> {
    let (id, now) = (path.into_inner(), app.clock.now());
    let undo = format!("/conversations/{id}/restore");
    let deleted =
        app.write_as(&agent, Action::Work, move |conn, agent| trash::delete(conn, agent.account_id, &id, now)).await?;
    news::changed(&app.live, &deleted);
    let text = "The conversation is deleted. Tickets made from it stay.";
    layout.see_other_saying("/conversations", &Flash::with_undo(text, undo))
}

/// `POST /conversations/{id}/restore`
pub async fn restore(app: AppData, agent: Agent, layout: Layout, path: web::Path<String>) -> Result<HttpResponse> {
    let (id, now) = (path.into_inner(), app.clock.now());
    let to = format!("/conversations/{id}");
    let restored =
        app.write_as(&agent, Action::Work, move |conn, agent| trash::restore(conn, agent.account_id, &id, now)).await?;
    news::changed(&app.live, &restored);
    layout.see_other_saying(to, &Flash::new("The conversation is back."))
}
