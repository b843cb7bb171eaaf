//! The page of a conversation.

use crate::accounts::agent::Agent;
use crate::conversations::conversation::{Conversation, Status};
use crate::conversations::list::Filter;
use crate::conversations::{conversation, list, marks, messages};
use crate::desk::conversations::line::{Line, Loaded, lines};
use crate::desk::conversations::mailing::{Mailing, mailing};
use crate::desk::conversations::rows::{Row, rows};
use crate::error::{Error, Result};
use crate::live::event::{Event, Topic};
use crate::tickets::source::{Source, SourceKind};
use crate::tickets::source_links;
use crate::tickets::source_links::TicketRef;
use crate::values::page::Place;
use crate::values::{text, token};
use crate::web::AppData;
use crate::web::layout::Layout;
use crate::web::prose::Span;
use crate::web::query::Query;
use crate::web::when::When;
use actix_web::{HttpResponse, web};
use askama::Template;
use serde::Deserialize;
use serde_json::json;

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
    started: When,
    waiting: Option<When>,
    lines: Vec<Line>,
    /// The open conversations, for the way to the next one.
    rows: Vec<Row>,
    /// The position before which there are earlier messages.
    earlier: Option<i64>,
    /// Whether this is not the newest page.
    is_earlier: bool,
    /// Whether the visitor won't see replies: no bubble shows this conversation, and no mail goes out.
    is_elsewhere: bool,
    tickets: Vec<TicketRef>,
    mailing: Option<Mailing>,
    draft: Draft,
    /// Prevents duplicates if the form is sent twice.
    request_id: String,
}

/// The input of a rejected form, shown again with the error.
#[derive(Default)]
pub(super) struct Draft {
    pub reply: String,
    /// Name and address.
    pub visitor: Option<(String, String)>,
    pub error: Option<Error>,
}

pub(super) async fn render(
    app: &AppData,
    agent: &Agent,
    layout: &Layout,
    id: String,
    before: Option<i64>,
    draft: Draft,
) -> Result<HttpResponse> {
    let (account_id, user_id) = (agent.account_id, agent.id);
    let (reader, now) = (agent.clone(), app.clock.now());
    let sends_mail = layout.sends_mail;
    let (conversation, loaded, mailing, tickets, mark, rows) = app
        .db
        .read(move |conn| {
            let conversation = conversation::get(conn, account_id, &id)?;
            let loaded = Loaded::before(conn, &conversation, before, messages::MESSAGES)?;
            let mailing = mailing(conn, sends_mail, &conversation)?;
            let tickets = source_links::of_source(conn, account_id, &Source { kind: SourceKind::Chat, id })?;
            let mark = marks::of(conn, user_id, &[conversation.seq])?.remove(&conversation.seq).unwrap_or(0);
            let filter = Filter { status: Some(Status::Open), q: String::new() };
            let open = list::page(conn, account_id, &filter, Place::First.into())?;
            let rows = rows(conn, &reader, open.rows, Some(&conversation.id), now)?;
            Ok((conversation, loaded, mailing, tickets, mark, rows))
        })
        .await?;
    if let Some(last) = loaded.messages.last().map(|last| last.position).filter(|last| *last > mark) {
        note_read(app, agent, conversation.seq, last).await;
    }
    let lines = lines(&conversation, loaded, layout, agent.zone, now);
    let page = ShowPage {
        layout,
        page_link: conversation.page_url.as_deref().and_then(text::web_url).map(String::from),
        started: When::new(conversation.created_at, agent.zone).since(now),
        waiting: conversation.waiting_since.map(|since| When::new(since, agent.zone)),
        earlier: lines.first().map(|line| line.position).filter(|position| *position > 1),
        is_earlier: before.is_some(),
        is_elsewhere: conversation.widget_id.is_none() && !mailing.as_ref().is_some_and(Mailing::is_on),
        lines,
        rows,
        tickets,
        mailing,
        conversation: &conversation,
        draft,
        request_id: token::id()?,
    };
    layout.page_showing(page.draft.error.as_ref(), &page)
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

/// `GET /conversations/{id}`
pub async fn show(
    app: AppData,
    agent: Agent,
    layout: Layout,
    path: web::Path<String>,
    query: Query<ShowQuery>,
) -> Result<HttpResponse> {
    render(&app, &agent, &layout, path.into_inner(), query.before, Draft::default()).await
}
