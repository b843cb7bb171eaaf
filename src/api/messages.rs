//! `/api/v1/conversations/{id}/messages`

use crate::accounts::role::Action;
use crate::api::answers::{ApiError, List};
use crate::api::read;
use crate::api::read::{Body, OnceHeader, window};
use crate::conversations::messages::{NewMessage, Posted, parse_message};
use crate::conversations::{conversation, messages};
use crate::error::{Error, Kind, Result};
use crate::events::actor::Actor;
use crate::tickets::source::is_source_id;
use crate::values::{email, text};
use crate::web::AppData;
use crate::web::query::Query;
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
    /// The id that its sender gave it.
    id: Option<String>,
    /// Its number in the conversation: 1, 2, 3, … without gaps.
    position: i64,
    from: Author,
    author_name: String,
    body: String,
    created_at: DateTime<Utc>,
}

impl From<messages::Message> for Message {
    fn from(row: messages::Message) -> Self {
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

/// Filters of the list.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct MessagesQuery {
    /// How many rows; 50, if you leave it out.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<i64>,
    /// `nextCursor` of an earlier response.
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
    responses((status = 200, description = "A page of the list", body = List<Message>), (status = 404, description = "Not found", body = ApiError))
)]
pub async fn list(
    app: AppData,
    actor: Actor,
    path: web::Path<String>,
    query: Query<MessagesQuery>,
) -> Result<HttpResponse> {
    let id = path.into_inner();
    let size = window(query.limit, None)?.limit() - 1;
    let before = match query.cursor.as_deref().map(str::parse) {
        None => None,
        Some(Ok(before)) => Some(before),
        Some(Err(_)) => return Err(Error::invalid("cursor must be the nextCursor of an earlier response.")),
    };
    let mut rows = app
        .db
        .read(move |conn| {
            let found = conversation::get(conn, actor.account_id, &id)?;
            messages::before(conn, found.seq, before, size)
        })
        .await?;
    rows.reverse();
    let next_cursor = rows.last().map(|row| row.position).filter(|first| *first > 1).map(|first| first.to_string());
    Ok(HttpResponse::Ok().json(List { data: rows.into_iter().map(Message::from).collect(), next_cursor }))
}

/// A message to import.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CreateMessage {
    /// The id in your system. The same id in a conversation is the same message.
    #[schema(min_length = 1, max_length = 128, pattern = r"^[A-Za-z0-9_.:-]+$")]
    id: Option<String>,
    #[schema(inline)]
    from: Author,
    /// The agent’s name. The visitor’s name belongs to the conversation.
    #[serde(default)]
    #[schema(max_length = 254)]
    author_name: String,
    #[schema(min_length = 1, max_length = 10_000, pattern = r"\S")]
    body: String,
    /// When it was written; now, if you leave it out.
    created_at: Option<DateTime<Utc>>,
}

impl CreateMessage {
    fn parse(self, now: NaiveDateTime) -> Result<NewMessage> {
        if self.id.as_deref().is_some_and(|id| !is_source_id(id)) {
            return Err(Error::invalid(
                "The id of a message must have 1 to 128 characters: letters, digits and _ - . : (not only dots).",
            ));
        }
        let sender = match self.from {
            Author::Visitor => messages::Sender::Visitor,
            Author::Agent => messages::Sender::Agent,
        };
        let author_name = match sender {
            messages::Sender::Visitor => String::new(),
            messages::Sender::Agent => text::line("authorName", &self.author_name, email::MAX)?,
        };
        let body = parse_message(&self.body)?;
        // The other system says by itself whether the conversation is open.
        Ok(NewMessage {
            sender,
            author_name,
            channel: messages::Channel::Team,
            reopens: false,
            by_mail: sender == messages::Sender::Agent,
            ..NewMessage::of_visitor(body, self.id, read::stored(self.created_at, now))
        })
    }
}

/// One message, or up to 500 in order.
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

/// The imported messages.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
pub enum ImportedMessages {
    /// Several, in the order in which they were sent.
    Many(List<Message>),
    /// One.
    One(Message),
}

/// Imports messages. A message whose id is known already is returned as it was stored.
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
        (status = 200, description = "All of them were imported before", body = ImportedMessages),
        (status = 201, description = "The messages", body = ImportedMessages),
        (status = 404, description = "Not found", body = ApiError),
        (status = 409, description = "The key was used for another request", body = ApiError),
    )
)]
pub async fn post(
    app: AppData,
    actor: Actor,
    path: web::Path<String>,
    body: Body<CreateMessages>,
) -> Result<HttpResponse> {
    let (id, now, once) = (path.into_inner(), app.clock.now(), body.once);
    let (is_one, typed) = match body.value {
        CreateMessages::One(one) => (true, vec![one]),
        CreateMessages::Many(many) => (false, many),
    };
    if !(1..=MAX_MESSAGES).contains(&typed.len()) {
        return Err(Error::new(Kind::Invalid, format!("Send 1 to {MAX_MESSAGES} messages in one request.")));
    }
    let new: Vec<NewMessage> = typed.into_iter().map(|one| one.parse(now)).collect::<Result<_>>()?;
    let (status, answer) = app
        .write_as(&actor, Action::Work, move |conn, actor| {
            once.run(conn, actor.account_id, now, |conn| {
                let posted: Vec<Posted> =
                    new.iter().map(|one| messages::post(conn, actor, &id, one)).collect::<Result<_>>()?;
                let all_known = posted.iter().all(|one| !one.is_new);
                let status = if all_known { StatusCode::OK } else { StatusCode::CREATED };
                let mut data: Vec<Message> = posted.iter().map(|one| one.message.clone().into()).collect();
                let body = match data.pop() {
                    Some(one) if is_one => ImportedMessages::One(one),
                    last => {
                        data.extend(last);
                        ImportedMessages::Many(List { data, next_cursor: None })
                    }
                };
                Ok((status, json!(body)))
            })
        })
        .await?;
    Ok(HttpResponse::build(status).json(answer))
}
