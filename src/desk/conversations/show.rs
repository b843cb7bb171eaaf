//! The page of a conversation.

use crate::accounts::agent::Agent;
use crate::conversations::conversation::Conversation;
use crate::conversations::messages::Message;
use crate::conversations::{conversation, marks, messages};
use crate::desk::prose::{Span, spans};
use crate::error::{Kind, Result};
use crate::live::event::{Event, Topic};
use crate::tickets::source::{Source, SourceKind};
use crate::tickets::source_links;
use crate::tickets::source_links::TicketRef;
use crate::values::{text, token};
use crate::web::AppData;
use crate::web::layout::Layout;
use crate::web::query::Query;
use crate::web::when::When;
use actix_web::{HttpResponse, web};
use askama::Template;
use chrono_tz::Tz;
use serde::Deserialize;
use serde_json::json;

/// A message as pages show it.
#[derive(Clone, Debug)]
pub struct Line {
    /// Its number in the conversation.
    pub position: i64,
    pub author: String,
    /// Whether the author is a member of the team.
    pub from_agent: bool,
    pub body: String,
    pub at: When,
}

impl Line {
    /// The body, split into text and links.
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
    /// The position before which there are earlier messages.
    earlier: Option<i64>,
    /// Whether this is not the newest page.
    is_earlier: bool,
    /// Whether the visitor won't see replies, because no bubble shows this conversation.
    is_elsewhere: bool,
    tickets: Vec<TicketRef>,
    body: String,
    error: Option<String>,
    /// Prevents duplicates if the form is sent twice.
    request_id: String,
}

pub(super) async fn render(
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

/// Records what the user has read. If that fails, they still see the page.
async fn note_read(app: &AppData, agent: &Agent, seq: i64, position: i64) {
    let user_id = agent.id;
    match app.db.write(move |conn| marks::set(conn, user_id, seq, position)).await {
        // The user's other tabs show it, too.
        Ok(()) => app.live.publish(Topic::Account(agent.account_id), Event::new("read", &json!({ "user": user_id }))),
        Err(error) => tracing::warn!(cause = error.cause(), "recording what was read failed"),
    }
}

/// `GET /live/unread`: how many conversations need a reply and have messages that the user
/// hasn't read, as JSON.
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
