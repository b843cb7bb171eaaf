//! `/api/v1/conversations`: conversations, also those imported from another chat system.

use crate::accounts::role::Action;
use crate::api::answers::{ApiError, List};
use crate::api::read;
use crate::api::read::{Body, OnceHeader, window};
use crate::conversations::conversation::{NewConversation, Status};
use crate::conversations::list::Filter;
use crate::conversations::{conversation, list, trash, visitor};
use crate::db::Connection;
use crate::error::Result;
use crate::events::actor::Actor;
use crate::tickets::ticket::{parse_requester, parse_requester_parts};
use crate::web::AppData;
use crate::web::lists::{LIST_BUSY, LIST_PATIENCE};
use crate::web::query::Query;
use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::{IntoParams, ToSchema};

/// A conversation with a visitor.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Conversation {
    id: String,
    status: Status,
    visitor_name: String,
    visitor_email: String,
    page_url: Option<String>,
    /// ISO 3166-1 alpha-2.
    country: Option<String>,
    message_count: i64,
    /// The beginning of the latest message.
    last_message: String,
    last_message_at: DateTime<Utc>,
    /// Since when the visitor has been waiting for a reply.
    waiting_since: Option<DateTime<Utc>>,
    created_at: DateTime<Utc>,
}

impl From<conversation::Conversation> for Conversation {
    fn from(row: conversation::Conversation) -> Self {
        Self {
            status: row.status,
            message_count: row.message_count,
            last_message_at: row.last_message_at.and_utc(),
            waiting_since: row.waiting_since.map(|at| at.and_utc()),
            created_at: row.created_at.and_utc(),
            id: row.id,
            visitor_name: row.visitor_name,
            visitor_email: row.visitor_email,
            page_url: row.page_url,
            country: row.country,
            last_message: row.last_message,
        }
    }
}

/// Filters of the list.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ConversationsQuery {
    /// Only those with this status.
    #[param(inline)]
    status: Option<Status>,
    /// Words to search for.
    q: Option<String>,
    /// How many rows; 50, if you leave it out.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<i64>,
    /// `nextCursor` of an earlier response.
    #[param(min_length = 1, pattern = "^[0-9TZ:.-]+_[0-9]+$")]
    cursor: Option<String>,
}

/// Conversations, the latest message first.
///
/// # Errors
/// *Invalid* for a limit or a cursor that is none.
#[utoipa::path(
    get, path = "/conversations", tag = "Conversations", params(ConversationsQuery),
    responses((status = 200, description = "A page of the list", body = List<Conversation>))
)]
pub async fn list(app: AppData, actor: Actor, query: Query<ConversationsQuery>) -> Result<HttpResponse> {
    let query = query.into_inner();
    let filter = Filter { status: query.status, q: query.q.unwrap_or_default() };
    let window = window(query.limit, query.cursor.as_deref())?;
    let _place = app.lists.take(actor.holder(), LIST_PATIENCE, LIST_BUSY).await?;
    let page = app.db.read(move |conn| list::page(conn, actor.account_id, &filter, window)).await?;
    Ok(List::answer(page.map(Conversation::from)))
}

/// A conversation to import.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CreateConversation {
    /// The id in your system; random if you leave it out.
    #[schema(min_length = 1, max_length = 128, pattern = r"^[A-Za-z0-9_.:-]+$")]
    id: Option<String>,
    /// Open, if you leave it out.
    #[schema(inline)]
    status: Option<Status>,
    #[serde(default)]
    #[schema(max_length = 254)]
    visitor_name: String,
    /// An email address, or empty.
    #[serde(default)]
    #[schema(max_length = 254)]
    visitor_email: String,
    /// The page that the visitor was on.
    #[schema(max_length = 2000, format = Uri)]
    page_url: Option<String>,
    /// ISO 3166-1 alpha-2.
    #[schema(min_length = 2, max_length = 2, pattern = "^[A-Za-z]{2}$")]
    country: Option<String>,
    /// When it began; now, if you leave it out.
    created_at: Option<DateTime<Utc>>,
}

/// Imports a conversation, without messages.
///
/// # Errors
/// *Conflict* when there is one of that id; *invalid*.
#[utoipa::path(
    post, path = "/conversations", tag = "Conversations", request_body = CreateConversation,
    params(OnceHeader),
    responses(
        (status = 201, description = "The conversation", body = Conversation),
        (status = 409, description = "The id exists already, or the key was used for another request", body = ApiError),
    )
)]
pub async fn create(app: AppData, actor: Actor, body: Body<CreateConversation>) -> Result<HttpResponse> {
    let (typed, now) = (body.value, app.clock.now());
    let (visitor_name, visitor_email) = parse_requester(&typed.visitor_name, &typed.visitor_email)?;
    let begun = read::stored(typed.created_at, now);
    let new = NewConversation {
        id: read::source_id(typed.id)?,
        status: typed.status.unwrap_or(Status::Open),
        visitor_name,
        visitor_email,
        page_url: read::page_url(typed.page_url.as_deref())?,
        country: read::country(typed.country.as_deref())?,
        chat: None,
        submission_id: None,
    };
    let once = body.once;
    let (status, answer) = app
        .write_as(&actor, Action::Work, move |conn, actor| {
            once.run(conn, actor.account_id, now, |conn| {
                let created = conversation::create(conn, actor, &new, begun)?;
                Ok((StatusCode::CREATED, json!(Conversation::from(created))))
            })
        })
        .await?;
    Ok(HttpResponse::build(status).json(answer))
}

/// One conversation.
#[utoipa::path(
    get, path = "/conversations/{id}", tag = "Conversations", params(("id" = String, Path, description = "Its id")),
    responses((status = 200, description = "The conversation", body = Conversation), (status = 404, description = "Not found", body = ApiError))
)]
pub async fn show(app: AppData, actor: Actor, path: web::Path<String>) -> Result<HttpResponse> {
    let id = path.into_inner();
    let found = app.db.read(move |conn| conversation::get(conn, actor.account_id, &id)).await?;
    Ok(HttpResponse::Ok().json(Conversation::from(found)))
}

/// Changes of a conversation. Fields that you leave out stay as they are.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ChangeConversation {
    #[schema(inline)]
    status: Option<Status>,
    #[schema(max_length = 254)]
    visitor_name: Option<String>,
    /// An email address, or empty.
    #[schema(max_length = 254)]
    visitor_email: Option<String>,
}

/// Changes a conversation.
///
/// # Errors
/// *Not found* when it is out of reach; *invalid*.
#[utoipa::path(
    patch, path = "/conversations/{id}", tag = "Conversations", request_body = ChangeConversation,
    params(("id" = String, Path, description = "Its id")),
    responses((status = 200, description = "The conversation as it is now", body = Conversation), (status = 404, description = "Not found", body = ApiError))
)]
pub async fn change(
    app: AppData,
    actor: Actor,
    path: web::Path<String>,
    body: Body<ChangeConversation>,
) -> Result<HttpResponse> {
    let (id, typed, now) = (path.into_inner(), body.value, app.clock.now());
    let (name, email) = parse_requester_parts(typed.visitor_name.as_deref(), typed.visitor_email.as_deref())?;
    let write = move |conn: &mut Connection, actor: &Actor| {
        let changed = visitor::change_visitor(conn, actor, &id, name.as_deref(), email.as_deref(), now)?;
        match typed.status {
            Some(status) => conversation::set_status(conn, actor, &id, status, now),
            None => Ok(changed),
        }
    };
    let changed = app.write_as(&actor, Action::Work, write).await?;
    Ok(HttpResponse::Ok().json(Conversation::from(changed)))
}

/// Deletes a conversation. It can be restored in the web interface for 30 days; its tickets stay.
#[utoipa::path(
    delete, path = "/conversations/{id}", tag = "Conversations", params(("id" = String, Path, description = "Its id")),
    responses((status = 204, description = "Deleted"), (status = 404, description = "Not found", body = ApiError))
)]
pub async fn delete(app: AppData, actor: Actor, path: web::Path<String>) -> Result<HttpResponse> {
    let (id, now) = (path.into_inner(), app.clock.now());
    app.write_as(&actor, Action::Work, move |conn, actor| trash::delete(conn, actor, &id, now)).await?;
    Ok(HttpResponse::NoContent().finish())
}
