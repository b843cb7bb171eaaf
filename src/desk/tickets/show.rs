//! `GET /tickets/{number}`: everything about one ticket.

use crate::accounts::agent::Agent;
use crate::accounts::user;
use crate::attachments::attachment;
use crate::clock::TRASH;
use crate::db::Connection;
use crate::desk::attachments::card::Card;
use crate::desk::tickets::history::{EventLine, event_line};
use crate::desk::tickets::source_card::{SourceCard, source_card};
use crate::error::{Error, Kind as ErrorKind, Result};
use crate::events::event::Event;
use crate::tickets::notes::MAX_LINE;
use crate::tickets::source_links::TicketRef;
use crate::tickets::status::Status;
use crate::tickets::ticket::{MAX_TITLE, Ticket};
use crate::tickets::{history, source_links, tags, ticket};
use crate::validation::kind::{Kind, MAX_BYTES, MAX_NAME};
use crate::values::token;
use crate::web::layout::Layout;
use crate::web::prose::{Span, spans};
use crate::web::when::When;
use crate::web::{AppData, when};
use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;
use chrono::NaiveDateTime;
use chrono_tz::Tz;

/// How many events of its history.
const LAST_EVENTS: i64 = 100;

/// Longer notes are folded: in bytes, and in lines.
const LONG_NOTES: usize = 1_500;
const LONG_LINES: usize = 15;

struct Choice {
    id: i64,
    name: String,
    is_chosen: bool,
}

#[derive(Template)]
#[template(path = "desk/tickets/show.html")]
struct ShowPage<'a> {
    layout: &'a Layout,
    agent: &'a Agent,
    /// Whether the ticket is assigned to the reader.
    is_mine: bool,
    /// The conversation that the page shows.
    conversation: Option<String>,
    /// Prevents duplicates if the reply is sent twice.
    request_id: String,
    ticket: &'a Ticket,
    status: Status,
    statuses: [Status; 3],
    times: TimesView,
    mailto: Option<String>,
    source: Option<SourceCard>,
    siblings: Vec<TicketRef>,
    tags: Vec<String>,
    all_tags: Vec<String>,
    assignees: Vec<Choice>,
    files: Vec<Card>,
    removed: Vec<Card>,
    accepted: String,
    max_bytes: usize,
    max_name: usize,
    note_spans: Vec<Span<'a>>,
    /// Whether the notes are folded.
    is_long: bool,
    max_line: usize,
    events: Vec<EventLine>,
    max_title: usize,
    notes_version: i64,
    draft: Draft,
}

struct TimesView {
    created: When,
    updated: When,
    closed: Option<When>,
    first_closed: Option<When>,
    reopened: i64,
    resolution: Option<String>,
}

/// The input of a rejected form, shown again with the error.
#[derive(Debug, Default)]
pub struct Draft {
    pub title: Option<String>,
    pub notes: Option<String>,
    /// The version of the notes that the user edited. The next save must send it again.
    pub version: Option<i64>,
    /// The note to add.
    pub line: Option<String>,
    pub tag: Option<String>,
    /// Name and address.
    pub requester: Option<(String, String)>,
    /// The reply to the visitor.
    pub reply: Option<String>,
    pub error: Option<Error>,
}

struct Loaded {
    ticket: Ticket,
    source: Option<SourceCard>,
    siblings: Vec<TicketRef>,
    tags: Vec<String>,
    all_tags: Vec<String>,
    assignees: Vec<Choice>,
    files: Vec<Card>,
    removed: Vec<Card>,
    events: Vec<Event>,
}

/// `GET /tickets/{number}`
pub async fn show(app: AppData, agent: Agent, layout: Layout, path: web::Path<i64>) -> Result<HttpResponse> {
    let number = path.into_inner();
    match render(&app, &agent, &layout, number, Draft::default()).await {
        Err(error) if error.kind == ErrorKind::NotFound => trashed(&app, &agent, &layout, number).await,
        shown => shown,
    }
}

#[derive(Template)]
#[template(path = "desk/tickets/trashed.html")]
struct TrashedPage<'a> {
    layout: &'a Layout,
    ticket: &'a Ticket,
}

/// `404` with the way to restore the ticket, if it is in the trash.
async fn trashed(app: &AppData, agent: &Agent, layout: &Layout, number: i64) -> Result<HttpResponse> {
    let account_id = agent.account_id;
    let ticket = app.db.read(move |conn| ticket::find_anywhere(conn, account_id, number)).await?;
    layout.page_with(StatusCode::NOT_FOUND, &TrashedPage { layout, ticket: &ticket })
}

/// The ticket's page, with the input of a rejected form.
pub async fn render(app: &AppData, agent: &Agent, layout: &Layout, number: i64, draft: Draft) -> Result<HttpResponse> {
    let (reader, frame) = (agent.clone(), layout.clone());
    let now = app.clock.now();
    let loaded = app.db.read(move |conn| load(conn, &reader, &frame, number, now)).await?;
    let ticket = &loaded.ticket;
    let page = ShowPage {
        layout,
        agent,
        conversation: loaded.source.as_ref().and_then(SourceCard::conversation).map(ToOwned::to_owned),
        request_id: token::id()?,
        is_mine: ticket.assignee_id == Some(agent.id),
        ticket,
        status: ticket.status,
        statuses: Status::ALL,
        times: times(ticket, agent.zone, now),
        mailto: mailto(ticket),
        source: loaded.source,
        siblings: loaded.siblings,
        tags: loaded.tags,
        all_tags: loaded.all_tags,
        assignees: loaded.assignees,
        files: loaded.files,
        removed: loaded.removed,
        accepted: Kind::accepted(),
        max_bytes: MAX_BYTES,
        max_name: MAX_NAME,
        note_spans: spans(&ticket.notes),
        is_long: ticket.notes.len() > LONG_NOTES || ticket.notes.lines().count() > LONG_LINES,
        max_line: MAX_LINE,
        events: loaded.events.into_iter().map(|event| event_line(event, agent.zone, now)).collect(),
        max_title: MAX_TITLE,
        notes_version: draft.version.unwrap_or(ticket.notes_version),
        draft,
    };
    layout.page_showing(page.draft.error.as_ref(), &page)
}

fn load(conn: &mut Connection, agent: &Agent, layout: &Layout, number: i64, now: NaiveDateTime) -> Result<Loaded> {
    let ticket = ticket::find(conn, agent.account_id, number)?;
    let source = ticket.source();
    let card = source.as_ref().map(|source| source_card(conn, agent, layout, &ticket, source, now)).transpose()?;
    let mut siblings = match &source {
        Some(source) => source_links::of_source(conn, agent.account_id, source)?,
        None => Vec::new(),
    };
    siblings.retain(|other| other.number != number);
    let mut team = user::assignable(conn, agent.account_id)?;
    if let Some(id) = ticket.assignee_id.filter(|id| !team.iter().any(|(other, _)| other == id)) {
        // The assignee has left the team, but is still shown.
        team.push((id, user::find(conn, agent.account_id, id)?.name));
    }
    let choice = |(id, name)| Choice { id, name, is_chosen: ticket.assignee_id == Some(id) };
    let (files, removed) = attachment::of_ticket_and_removed(conn, ticket.id, now - TRASH)?;
    Ok(Loaded {
        source: card,
        siblings,
        tags: tags::of(conn, ticket.id)?,
        all_tags: tags::all(conn, agent.account_id)?,
        assignees: team.into_iter().map(choice).collect(),
        files: files.iter().map(|file| Card::new(file, number, &layout.links)).collect(),
        removed: removed.iter().map(|file| Card::new(file, number, &layout.links)).collect(),
        events: history::latest(conn, ticket.id, LAST_EVENTS)?,
        ticket,
    })
}

fn times(ticket: &Ticket, zone: Tz, now: NaiveDateTime) -> TimesView {
    let when = |at| When::new(at, zone).since(now);
    TimesView {
        created: when(ticket.created_at),
        updated: when(ticket.updated_at),
        closed: ticket.closed_at.map(when),
        first_closed: ticket.first_closed_at.filter(|first| Some(*first) != ticket.closed_at).map(when),
        reopened: ticket.reopen_count,
        resolution: ticket.resolution_seconds().map(when::duration),
    }
}

/// A link (RFC 6068) to send the requester a mail with the ticket in the subject.
fn mailto(ticket: &Ticket) -> Option<String> {
    let encode =
        |text: &str| percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string();
    let subject = encode(&format!("[#{}] {}", ticket.number, ticket.title));
    let address = encode(&ticket.requester_email).replace("%40", "@").replace("%2E", ".");
    (!ticket.requester_email.is_empty()).then(|| format!("mailto:{address}?subject={subject}"))
}
