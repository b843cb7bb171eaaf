//! `/api/v1/tickets`

use crate::accounts::role::Action;
use crate::api::answers::{ApiError, List};
use crate::api::read::{Body, Change, OnceHeader, window};
use crate::db::Connection;
use crate::error::{Error, Kind, Result};
use crate::events::actor::Actor;
use crate::tickets::create::{NewTicket, Outcome};
use crate::tickets::filter::Statuses;
use crate::tickets::notes::{Notes, Saved};
use crate::tickets::operators::Searcher;
use crate::tickets::query;
use crate::tickets::query::Filter;
use crate::tickets::source::Source;
use crate::tickets::status::Status;
use crate::tickets::ticket::{Title, parse_requester, parse_requester_parts};
use crate::tickets::{change, create, list, names, notes, source, tags, ticket, trash};
use crate::values::page::Page;
use crate::values::token;
use crate::web::AppData;
use crate::web::lists::{LIST_BUSY, LIST_PATIENCE};
use crate::web::query::Query;
use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use chrono::{DateTime, NaiveDateTime, Utc};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeSet, HashMap};
use utoipa::{IntoParams, ToSchema};

/// A ticket.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Ticket {
    /// Counts from 1 in each account and is never reused.
    pub(super) number: i64,
    pub(super) title: String,
    pub(super) status: Status,
    /// Internal: no visitor ever sees them.
    pub(super) notes: String,
    /// Send it when you change the notes.
    pub(super) notes_version: i64,
    pub(super) tags: Vec<String>,
    pub(super) assignee_id: Option<i64>,
    pub(super) requester_name: String,
    pub(super) requester_email: String,
    pub(super) conversation_id: Option<String>,
    pub(super) form_submission_id: Option<String>,
    pub(super) created_at: DateTime<Utc>,
    pub(super) updated_at: DateTime<Utc>,
    /// The latest close; null while open.
    pub(super) closed_at: Option<DateTime<Utc>>,
    /// The first close; stays.
    pub(super) first_closed_at: Option<DateTime<Utc>>,
    pub(super) reopen_count: i64,
    /// From creation to the latest close; null while open.
    pub(super) resolution_seconds: Option<i64>,
}

impl Ticket {
    fn new(row: ticket::Ticket, tags: Vec<String>) -> Self {
        let (mut conversation_id, mut form_submission_id) = (None, None);
        match row.source() {
            Some(Source { kind: source::SourceKind::Chat, id }) => conversation_id = Some(id),
            Some(Source { kind: source::SourceKind::Form, id }) => form_submission_id = Some(id),
            None => {}
        }
        Self {
            number: row.number,
            status: row.status,
            notes_version: row.notes_version,
            tags,
            assignee_id: row.assignee_id,
            conversation_id,
            form_submission_id,
            created_at: row.created_at.and_utc(),
            updated_at: row.updated_at.and_utc(),
            closed_at: row.closed_at.map(|at| at.and_utc()),
            first_closed_at: row.first_closed_at.map(|at| at.and_utc()),
            reopen_count: row.reopen_count,
            resolution_seconds: row.resolution_seconds(),
            title: row.title,
            notes: row.notes,
            requester_name: row.requester_name,
            requester_email: row.requester_email,
        }
    }
}

fn load(conn: &mut Connection, account_id: i64, number: i64) -> Result<Ticket> {
    let row = ticket::find(conn, account_id, number)?;
    let tags = tags::of(conn, row.id)?;
    Ok(Ticket::new(row, tags))
}

/// The tickets with these ids, in this order.
pub(super) fn load_all(conn: &mut Connection, ids: &[i64]) -> Result<Vec<Ticket>> {
    let mut tags = names::of_tags(conn, ids)?;
    let rows = ticket::by_ids(conn, ids)?.into_iter();
    let mut rows: HashMap<i64, ticket::Ticket> = rows.map(|row| (row.id, row)).collect();
    let whole = |id: &i64| Some(Ticket::new(rows.remove(id)?, tags.remove(id).unwrap_or_default()));
    Ok(ids.iter().filter_map(whole).collect())
}

/// Filters of the list.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct TicketsQuery {
    /// Only those with this status.
    #[param(inline)]
    status: Option<Status>,
    /// Words to search for, as in the search field.
    q: Option<String>,
    /// Only those with this tag.
    tag: Option<String>,
    /// How many rows; 50, if you leave it out.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<i64>,
    /// `nextCursor` of an earlier response.
    #[param(min_length = 1, pattern = "^[0-9TZ:.-]+_[0-9]+$")]
    cursor: Option<String>,
}

/// Tickets, the newest first.
///
/// # Errors
/// *Invalid* for a limit or a cursor that is none.
#[utoipa::path(
    get, path = "/tickets", tag = "Tickets", params(TicketsQuery),
    responses((status = 200, description = "A page of the list", body = List<Ticket>))
)]
pub async fn list(app: AppData, actor: Actor, query: Query<TicketsQuery>) -> Result<HttpResponse> {
    let query = query.into_inner();
    let typed = query::Query {
        q: query.q.unwrap_or_default(),
        tag: query.tag.unwrap_or_default(),
        sort: "created".into(),
        ..query::Query::default()
    };
    let filter = Filter {
        only: Vec::new(),
        statuses: query.status.map_or(Statuses::All, Statuses::Only),
        window: window(query.limit, query.cursor.as_deref())?,
        ..Filter::new(&typed, Searcher { user_id: None, zone: chrono_tz::UTC })
    };
    let _place = app.lists.take(actor.holder(), LIST_PATIENCE, LIST_BUSY).await?;
    let page = app.db.read(move |conn| {
        let page = list::page(conn, actor.account_id, &filter)?;
        let ids: Vec<i64> = page.rows.iter().map(|row| row.id).collect();
        Ok(Page { rows: load_all(conn, &ids)?, newer: page.newer, older: page.older })
    });
    Ok(List::answer(page.await?))
}

/// A ticket to create.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CreateTicket {
    #[schema(min_length = 1, max_length = 200, pattern = r"\S")]
    title: String,
    #[serde(default)]
    #[schema(max_length = 100_000)]
    notes: String,
    #[serde(default)]
    #[schema(inline, max_items = 50)]
    tags: Vec<String>,
    assignee_id: Option<i64>,
    #[serde(default)]
    #[schema(max_length = 254)]
    requester_name: String,
    /// An email address, or empty.
    #[serde(default)]
    #[schema(max_length = 254)]
    requester_email: String,
    /// The id of a conversation in Docket or in another system. Do not send it with `formSubmissionId`.
    #[schema(min_length = 1, max_length = 128, pattern = r"^[A-Za-z0-9_.:-]+$")]
    conversation_id: Option<String>,
    /// The id of a submission in Docket or in another system. Do not send it with `conversationId`.
    #[schema(min_length = 1, max_length = 128, pattern = r"^[A-Za-z0-9_.:-]+$")]
    form_submission_id: Option<String>,
    /// Create a ticket even if the source has tickets already.
    #[serde(default)]
    another: bool,
    /// Keep what the source says now on the ticket, in case the source is deleted.
    #[serde(default)]
    keep_copy: bool,
}

/// Creates a ticket. If the source has a ticket already, the response is a conflict, unless `another` is true.
///
/// # Errors
/// *Invalid*, *conflict*; when the database fails.
#[utoipa::path(
    post, path = "/tickets", tag = "Tickets", request_body = CreateTicket,
    params(OnceHeader),
    responses(
        (status = 201, description = "The ticket", body = Ticket),
        (status = 409, description = "The source has tickets already, or the key was used for another request", body = ApiError),
    )
)]
pub async fn create(app: AppData, actor: Actor, body: Body<CreateTicket>) -> Result<HttpResponse> {
    let (typed, now) = (body.value, app.clock.now());
    let (requester_name, requester_email) = parse_requester(&typed.requester_name, &typed.requester_email)?;
    let new = NewTicket {
        title: Title::parse(&typed.title)?,
        notes: Notes::parse(&typed.notes)?,
        source: Source::parse(
            typed.conversation_id.as_deref().unwrap_or(""),
            typed.form_submission_id.as_deref().unwrap_or(""),
        )?,
        requester_name,
        requester_email,
        request_id: token::id()?,
        another: typed.another,
        keeps_copy: typed.keep_copy,
    };
    let (tags, assignee) = (parse_tags(&typed.tags)?, typed.assignee_id);
    let once = body.once;
    let (status, ticket) = app
        .write_as(&actor, Action::Work, move |conn, actor| {
            once.run(conn, actor.account_id, now, |conn| {
                let number = match create::create(conn, actor, &new, now)? {
                    Outcome::Ticket(number) => number,
                    Outcome::SourceHasTickets(others) => {
                        let numbers: Vec<String> = others.iter().map(|other| format!("#{}", other.number)).collect();
                        let message = format!(
                            "This source has {} already. Send another: true to create one more.",
                            numbers.join(", ")
                        );
                        return Err(Error::new(Kind::Conflict, message));
                    }
                    Outcome::RequestUsed(number) => {
                        return Err(Error::new(
                            Kind::Conflict,
                            format!("This request has already created ticket #{number}."),
                        ));
                    }
                };
                tags::change(conn, actor, number, &tags, &BTreeSet::new(), now)?;
                change::set_assignee(conn, actor, number, assignee, now)?;
                Ok((StatusCode::CREATED, json(&load(conn, actor.account_id, number)?)?))
            })
        })
        .await?;
    Ok(HttpResponse::build(status).json(ticket))
}

fn parse_tags(tags: &[String]) -> Result<BTreeSet<String>> {
    if tags.len() > tags::MAX_TAGS {
        return Err(Error::invalid(format!("Send at most {} tags in one request.", tags::MAX_TAGS)));
    }
    tags.iter().map(|tag| tags::parse_tag(tag)).collect()
}

fn json(value: &impl Serialize) -> Result<serde_json::Value> {
    serde_json::to_value(value).map_err(|source| Error::internal("an answer", source))
}

/// One ticket.
#[utoipa::path(
    get, path = "/tickets/{number}", tag = "Tickets", params(("number" = i64, Path, description = "Its number")),
    responses((status = 200, description = "The ticket", body = Ticket), (status = 404, description = "Not found", body = ApiError))
)]
pub async fn show(app: AppData, actor: Actor, path: web::Path<i64>) -> Result<HttpResponse> {
    let number = path.into_inner();
    let ticket = app.db.read(move |conn| load(conn, actor.account_id, number)).await?;
    Ok(HttpResponse::Ok().json(ticket))
}

/// Changes of a ticket. Fields that you leave out stay as they are.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ChangeTicket {
    #[schema(min_length = 1, max_length = 200, pattern = r"\S")]
    title: Option<String>,
    #[schema(inline)]
    status: Option<Status>,
    /// Send `notesVersion` with it, the version that your text is based on.
    #[schema(max_length = 100_000)]
    notes: Option<String>,
    notes_version: Option<i64>,
    #[schema(max_length = 254)]
    requester_name: Option<String>,
    /// An email address, or empty.
    #[schema(max_length = 254)]
    requester_email: Option<String>,
    /// Replaces all tags.
    #[schema(inline, max_items = 50)]
    tags: Option<Vec<String>>,
    /// A user's id, or null for nobody.
    #[serde(default)]
    #[schema(value_type = Option<i64>)]
    assignee_id: Change<i64>,
}

/// Changes a ticket: all changes, or none.
///
/// # Errors
/// *Not found* when it is out of reach; *conflict* when somebody else has saved
/// the notes; *invalid*.
#[utoipa::path(
    patch, path = "/tickets/{number}", tag = "Tickets", request_body = ChangeTicket,
    params(("number" = i64, Path, description = "Its number")),
    responses(
        (status = 200, description = "The ticket as it is now", body = Ticket),
        (status = 404, description = "Not found", body = ApiError),
        (status = 409, description = "Somebody else has saved the notes in the meantime", body = ApiError),
    )
)]
pub async fn change(
    app: AppData,
    actor: Actor,
    path: web::Path<i64>,
    body: Body<ChangeTicket>,
) -> Result<HttpResponse> {
    let (number, typed, now) = (path.into_inner(), body.value, app.clock.now());
    let title = typed.title.as_deref().map(Title::parse).transpose()?;
    let notes = match (typed.notes, typed.notes_version) {
        (None, _) => None,
        (Some(notes), Some(version)) => Some((Notes::parse(&notes)?, version)),
        (Some(_), None) => {
            return Err(Error::invalid("To change notes, send notesVersion: the version that your text is based on."));
        }
    };
    let (name, email) = parse_requester_parts(typed.requester_name.as_deref(), typed.requester_email.as_deref())?;
    let tags = typed.tags.as_deref().map(parse_tags).transpose()?;
    let (status, assignee) = (typed.status, typed.assignee_id);
    let write = move |conn: &mut Connection, actor: &Actor| {
        let before = ticket::lock(conn, actor.account_id, number)?;
        if let Some(title) = &title {
            change::set_title(conn, actor, number, title, now)?;
        }
        if name.is_some() || email.is_some() {
            let name = name.as_deref().unwrap_or(&before.requester_name);
            let email = email.as_deref().unwrap_or(&before.requester_email);
            change::set_requester(conn, actor, number, (name, email), now)?;
        }
        if let Some(status) = status {
            change::set_status(conn, actor, number, status, None, now)?;
        }
        if let Some((notes, version)) = &notes {
            save_notes(conn, actor, number, notes, *version, now)?;
        }
        if let Some(tags) = &tags {
            let had: BTreeSet<String> = tags::of(conn, before.id)?.into_iter().collect();
            tags::change(conn, actor, number, tags, &had.difference(tags).cloned().collect(), now)?;
        }
        let assignee = match assignee {
            Change::Keep => None,
            Change::Clear => Some(None),
            Change::Set(id) => Some(Some(id)),
        };
        if let Some(assignee) = assignee {
            change::set_assignee(conn, actor, number, assignee, now)?;
        }
        load(conn, actor.account_id, number)
    };
    Ok(HttpResponse::Ok().json(app.write_as(&actor, Action::Work, write).await?))
}

fn save_notes(
    conn: &mut Connection,
    actor: &Actor,
    number: i64,
    notes: &Notes,
    version: i64,
    now: NaiveDateTime,
) -> Result<()> {
    match notes::save(conn, actor, number, notes, version, now)? {
        Saved::Done => Ok(()),
        Saved::Stale(theirs) => {
            let message = format!(
                "{} has saved the notes in the meantime. They are at version {} now.",
                theirs.author, theirs.version
            );
            Err(Error::new(Kind::Conflict, message))
        }
    }
}

/// Moves a ticket to the trash. It can be restored in the web interface for 30 days.
#[utoipa::path(
    delete, path = "/tickets/{number}", tag = "Tickets", params(("number" = i64, Path, description = "Its number")),
    responses((status = 204, description = "Deleted"), (status = 404, description = "Not found", body = ApiError))
)]
pub async fn delete(app: AppData, actor: Actor, path: web::Path<i64>) -> Result<HttpResponse> {
    let (number, now) = (path.into_inner(), app.clock.now());
    app.write_as(&actor, Action::Work, move |conn, actor| trash::delete(conn, actor, number, now)).await?;
    Ok(HttpResponse::NoContent().finish())
}
