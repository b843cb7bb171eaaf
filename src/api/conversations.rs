//! `/api/v1/conversations`: how another chat system brings its own in.

use crate::api::answers::{ApiError, List};
use crate::api::read::{self, Body, OnceHeader, window};
use crate::app::AppData;
use crate::conversations::messages::{self, Posted};
use crate::conversations::model::{self, NewMessage, parse_message};
use crate::conversations::news;
use crate::conversations::store::{self, Filter, NewConversation};
use crate::conversations::visitor;
use crate::db::Connection;
use crate::error::{Error, Kind, Result};
use crate::people::model::Agent;
use crate::tickets::model::{is_source_id, parse_requester};
use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use chrono::{DateTime, NaiveDateTime, Utc};
use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::json;
use utoipa::{IntoParams, ToSchema};

/// Most messages of one request.
const MAX_MESSAGES: usize = 500;

/// Whether somebody may have to answer.
#[derive(Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ConversationStatus {
    /// Somebody may have to.
    Open,
    /// Done.
    Closed,
}

impl From<ConversationStatus> for model::Status {
    fn from(status: ConversationStatus) -> Self {
        match status {
            ConversationStatus::Open => Self::Open,
            ConversationStatus::Closed => Self::Closed,
        }
    }
}

/// A conversation with a visitor.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Conversation {
    id: String,
    status: ConversationStatus,
    visitor_name: String,
    visitor_email: String,
    page_url: Option<String>,
    /// ISO 3166-1 alpha-2.
    country: Option<String>,
    message_count: i64,
    /// Its beginning.
    last_message: String,
    last_message_at: DateTime<Utc>,
    /// Since when the visitor waits for an answer.
    waiting_since: Option<DateTime<Utc>>,
    created_at: DateTime<Utc>,
}

impl From<model::Conversation> for Conversation {
    fn from(row: model::Conversation) -> Self {
        Self {
            status: if row.is_open() { ConversationStatus::Open } else { ConversationStatus::Closed },
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

/// Who wrote a message.
#[derive(Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Author {
    /// The person on the website.
    Visitor,
    /// A member of the team.
    Agent,
}

/// A message.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Message {
    /// As its sender called it.
    id: Option<String>,
    /// Its number in the conversation: 1, 2, 3, … without gaps.
    position: i64,
    from: Author,
    author_name: String,
    body: String,
    created_at: DateTime<Utc>,
}

impl From<model::Message> for Message {
    fn from(row: model::Message) -> Self {
        Self {
            from: if row.is_from_agent() { Author::Agent } else { Author::Visitor },
            id: row.client_id,
            position: row.position,
            author_name: row.author_name,
            body: row.body,
            created_at: row.created_at.and_utc(),
        }
    }
}

/// Which conversations.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ConversationsQuery {
    /// Only those of this status; all without it.
    #[param(inline)]
    status: Option<ConversationStatus>,
    /// Words to search for.
    q: Option<String>,
    /// How many, 50 unless said otherwise.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<i64>,
    /// `nextCursor` of an earlier answer.
    #[param(min_length = 1, pattern = "^[0-9TZ:.-]+_[0-9]+$")]
    cursor: Option<String>,
}

/// Conversations, the latest message first.
///
/// # Errors
/// *Invalid* for a limit or a cursor that is none.
#[utoipa::path(
    get, path = "/conversations", tag = "Conversations", params(ConversationsQuery),
    responses((status = 200, description = "A part of the list", body = List<Conversation>))
)]
pub async fn list(app: AppData, agent: Agent, query: web::Query<ConversationsQuery>) -> Result<HttpResponse> {
    let query = query.into_inner();
    let filter = Filter { status: query.status.map(Into::into), q: query.q.unwrap_or_default() };
    let window = window(query.limit, query.cursor.as_deref())?;
    let page = app.db.read(move |conn| store::page(conn, agent.account_id, &filter, window)).await?;
    Ok(List::answer(page.map(Conversation::from)))
}

/// A conversation to bring in.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CreateConversation {
    /// As your system calls it; a random one without it.
    #[schema(min_length = 1, max_length = 128, pattern = r"^[A-Za-z0-9_.:-]+$")]
    id: Option<String>,
    /// Open unless said otherwise.
    #[schema(inline)]
    status: Option<ConversationStatus>,
    #[serde(default)]
    #[schema(max_length = 254)]
    visitor_name: String,
    /// An email address, or empty.
    #[serde(default)]
    #[schema(max_length = 254)]
    visitor_email: String,
    /// The page on which the visitor was.
    #[schema(max_length = 2000, format = Uri)]
    page_url: Option<String>,
    /// ISO 3166-1 alpha-2.
    #[schema(min_length = 2, max_length = 2, pattern = "^[A-Za-z]{2}$")]
    country: Option<String>,
    /// When it began; now without it.
    created_at: Option<DateTime<Utc>>,
}

/// Brings a conversation in, without messages.
///
/// # Errors
/// *Conflict* when there is one of that id; *invalid*.
#[utoipa::path(
    post, path = "/conversations", tag = "Conversations", request_body = CreateConversation,
    params(OnceHeader),
    responses(
        (status = 201, description = "The conversation", body = Conversation),
        (status = 409, description = "There is one of that id, or the key was used for something else", body = ApiError),
    )
)]
pub async fn create(app: AppData, agent: Agent, body: Body<CreateConversation>) -> Result<HttpResponse> {
    let (typed, now) = (body.value, app.clock.now());
    let (visitor_name, visitor_email) = parse_requester(&typed.visitor_name, &typed.visitor_email)?;
    let begun = read::stored(typed.created_at, now);
    let new = NewConversation {
        id: read::source_id(typed.id)?,
        status: typed.status.map_or(model::Status::Open, Into::into),
        visitor_name,
        visitor_email,
        page_url: read::page_url(typed.page_url.as_deref())?,
        country: read::country(typed.country.as_deref())?,
        visitor: None,
    };
    let once = body.once;
    let (status, answer, made) = app
        .db
        .write(move |conn| {
            once.run(conn, agent.account_id, now, |conn| {
                let made = store::create(conn, agent.account_id, &new, begun)?;
                Ok((StatusCode::CREATED, json!(Conversation::from(made.clone())), Some(made)))
            })
        })
        .await?;
    if let Some(made) = made {
        news::changed(&app.live, &made);
    }
    Ok(HttpResponse::build(status).json(answer))
}

/// One conversation.
///
/// # Errors
/// *Not found* when it is out of reach.
#[utoipa::path(
    get, path = "/conversations/{id}", tag = "Conversations", params(("id" = String, Path, description = "Its id")),
    responses((status = 200, description = "The conversation", body = Conversation), (status = 404, description = "Not there", body = ApiError))
)]
pub async fn show(app: AppData, agent: Agent, path: web::Path<String>) -> Result<HttpResponse> {
    let id = path.into_inner();
    let found = app.db.read(move |conn| store::get(conn, agent.account_id, &id)).await?;
    Ok(HttpResponse::Ok().json(Conversation::from(found)))
}

/// What to change of a conversation; what is left out stays.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ChangeConversation {
    #[schema(inline)]
    status: Option<ConversationStatus>,
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
    responses((status = 200, description = "The conversation as it is now", body = Conversation), (status = 404, description = "Not there", body = ApiError))
)]
pub async fn change(
    app: AppData,
    agent: Agent,
    path: web::Path<String>,
    body: Body<ChangeConversation>,
) -> Result<HttpResponse> {
    let (id, typed) = (path.into_inner(), body.value);
    let name = typed.visitor_name.map(|name| parse_requester(&name, "")).transpose()?.map(|(name, _)| name);
    let email = typed.visitor_email.map(|email| parse_requester("", &email)).transpose()?.map(|(_, email)| email);
    let write = move |conn: &mut Connection| {
        let changed = visitor::change_visitor(conn, agent.account_id, &id, name.as_deref(), email.as_deref())?;
        match typed.status {
            Some(status) => store::set_status(conn, agent.account_id, &id, status.into()),
            None => Ok(changed),
        }
    };
    let changed = app.db.write(write).await?;
    news::changed(&app.live, &changed);
    Ok(HttpResponse::Ok().json(Conversation::from(changed)))
}

/// Deletes a conversation; people can restore it for 30 days, and its tickets stay.
///
/// # Errors
/// *Not found* when it is out of reach.
#[utoipa::path(
    delete, path = "/conversations/{id}", tag = "Conversations", params(("id" = String, Path, description = "Its id")),
    responses((status = 204, description = "Done"), (status = 404, description = "Not there", body = ApiError))
)]
pub async fn delete(app: AppData, agent: Agent, path: web::Path<String>) -> Result<HttpResponse> {
    let (id, now) = (path.into_inner(), app.clock.now());
    let deleted = app.db.write(move |conn| store::delete(conn, agent.account_id, &id, now)).await?;
    news::changed(&app.live, &deleted);
    Ok(HttpResponse::NoContent().finish())
}

/// Which messages.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct MessagesQuery {
    /// How many, 50 unless said otherwise.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<i64>,
    /// `nextCursor` of an earlier answer.
    #[param(min_length = 1, pattern = "^[0-9]{1,7}$")]
    cursor: Option<String>,
}

/// The messages of a conversation, the newest first.
///
/// # Errors
/// *Not found* when it is out of reach; *invalid* for a limit or a cursor that is none.
#[utoipa::path(
    get, path = "/conversations/{id}/messages", tag = "Conversations",
    params(("id" = String, Path, description = "The conversation’s id"), MessagesQuery),
    responses((status = 200, description = "A part of the list", body = List<Message>), (status = 404, description = "Not there", body = ApiError))
)]
pub async fn messages(
    app: AppData,
    agent: Agent,
    path: web::Path<String>,
    query: web::Query<MessagesQuery>,
) -> Result<HttpResponse> {
    let id = path.into_inner();
    let size = window(query.limit, None)?.limit() - 1;
    let before = match query.cursor.as_deref().map(str::parse) {
        None => None,
        Some(Ok(before)) => Some(before),
        Some(Err(_)) => return Err(Error::invalid("cursor is what an earlier answer gave as nextCursor.")),
    };
    let mut rows = app
        .db
        .read(move |conn| {
            let found = store::get(conn, agent.account_id, &id)?;
            messages::messages(conn, found.seq, before, size)
        })
        .await?;
    rows.reverse();
    let next_cursor = rows.last().map(|row| row.position).filter(|first| *first > 1).map(|first| first.to_string());
    Ok(HttpResponse::Ok().json(List { data: rows.into_iter().map(Message::from).collect(), next_cursor }))
}

/// A message to bring in.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CreateMessage {
    /// As your system calls it: the same id in a conversation is the same message.
    #[schema(min_length = 1, max_length = 128, pattern = r"^[A-Za-z0-9_.:-]+$")]
    id: Option<String>,
    #[schema(inline)]
    from: Author,
    /// Of an agent; the visitor’s name stands with the conversation.
    #[serde(default)]
    #[schema(max_length = 254)]
    author_name: String,
    #[schema(min_length = 1, max_length = 10_000, pattern = r"\S")]
    body: String,
    /// When it was written; now without it.
    created_at: Option<DateTime<Utc>>,
}

impl CreateMessage {
    fn parse(self, now: NaiveDateTime) -> Result<NewMessage> {
        if self.id.as_deref().is_some_and(|id| !is_source_id(id)) {
            return Err(Error::invalid(
                "The id of a message has 1 to 128 characters: letters, digits, _ - . :, and not dots alone.",
            ));
        }
        let sender = match self.from {
            Author::Visitor => model::Sender::Visitor,
            Author::Agent => model::Sender::Agent,
        };
        let author_name = match sender {
            model::Sender::Visitor => String::new(),
            model::Sender::Agent => parse_requester(&self.author_name, "")?.0,
        };
        let body = parse_message(&self.body)?;
        // The other system says by itself whether the conversation is open.
        Ok(NewMessage {
            sender,
            author_name,
            body,
            client_id: self.id,
            at: read::stored(self.created_at, now),
            reopens: false,
        })
    }
}

/// One message, or up to 500 in their order.
#[derive(ToSchema)]
#[serde(untagged)]
pub enum CreateMessages {
    /// Several.
    Many(Vec<CreateMessage>),
    /// One.
    One(CreateMessage),
}

impl<'de> Deserialize<'de> for CreateMessages {
    /// By what it begins with, so that an error names the field that is wrong.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OneOrMany;
        impl<'de> Visitor<'de> for OneOrMany {
            type Value = CreateMessages;

            fn expecting(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                out.write_str("a message or a list of messages")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<CreateMessages, A::Error> {
                Deserialize::deserialize(MapAccessDeserializer::new(map)).map(CreateMessages::One)
            }

            fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<CreateMessages, A::Error> {
                Deserialize::deserialize(SeqAccessDeserializer::new(seq)).map(CreateMessages::Many)
            }
        }
        deserializer.deserialize_any(OneOrMany)
    }
}

/// What was brought in.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
#[allow(dead_code, reason = "only describes the answer")]
pub enum BroughtMessages {
    /// Several, in the order in which they were sent.
    Many(List<Message>),
    /// One.
    One(Message),
}

/// Brings messages in. A message whose id is known already is answered as before.
///
/// # Errors
/// *Not found* when the conversation is out of reach; *invalid*.
#[utoipa::path(
    post, path = "/conversations/{id}/messages", tag = "Conversations", request_body = CreateMessages,
    params(
        ("id" = String, Path, description = "The conversation’s id"),
        OnceHeader,
    ),
    responses(
        (status = 200, description = "All of them were known", body = BroughtMessages),
        (status = 201, description = "The messages", body = BroughtMessages),
        (status = 404, description = "Not there", body = ApiError),
        (status = 409, description = "The key was used for something else", body = ApiError),
    )
)]
pub async fn post(
    app: AppData,
    agent: Agent,
    path: web::Path<String>,
    body: Body<CreateMessages>,
) -> Result<HttpResponse> {
    let (id, now, once) = (path.into_inner(), app.clock.now(), body.once);
    let (is_one, typed) = match body.value {
        CreateMessages::One(one) => (true, vec![one]),
        CreateMessages::Many(many) => (false, many),
    };
    if !(1..=MAX_MESSAGES).contains(&typed.len()) {
        return Err(Error::new(Kind::Invalid, format!("A request brings 1 to {MAX_MESSAGES} messages.")));
    }
    let new: Vec<NewMessage> = typed.into_iter().map(|one| one.parse(now)).collect::<Result<_>>()?;
    let (status, answer, posted) = app
        .db
        .write(move |conn| {
            once.run(conn, agent.account_id, now, |conn| {
                let posted: Vec<Posted> =
                    new.iter().map(|one| messages::post(conn, agent.account_id, &id, one)).collect::<Result<_>>()?;
                let all_known = posted.iter().all(|one| !one.is_new);
                let status = if all_known { StatusCode::OK } else { StatusCode::CREATED };
                let mut lines: Vec<Message> = posted.iter().map(|one| one.message.clone().into()).collect();
                let answer = match lines.pop().filter(|_| is_one) {
                    Some(one) => json!(one),
                    None => json!(List {
                        data: posted.iter().map(|one| Message::from(one.message.clone())).collect(),
                        next_cursor: None
                    }),
                };
                Ok((status, answer, Some(posted)))
            })
        })
        .await?;
    // Of a whole history open pages hear once.
    match posted.as_deref() {
        Some([one]) => news::posted(&app.live, one),
        Some([.., last]) => news::changed(&app.live, &last.conversation),
        _ => {}
    }
    Ok(HttpResponse::build(status).json(answer))
}
