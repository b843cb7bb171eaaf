//! `/api/v1/events`

use crate::api::answers::ApiError;
use crate::api::read::limit;
use crate::error::{Error, Kind, Result};
use crate::events::actor::Actor;
use crate::events::{event, feed, retention};
use crate::web::AppData;
use crate::web::query::Query;
use actix_web::HttpResponse;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

/// Query of `GET /events`.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct EventsQuery {
    /// The `seq` of the last event that you have read; 0 for the beginning.
    #[serde(default)]
    #[param(minimum = 0)]
    after: i64,
    /// How many events; 50, if you leave it out.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<i64>,
}

/// Events, oldest first.
#[derive(Serialize, ToSchema)]
pub struct Events {
    data: Vec<Event>,
    /// Send it as `after` to get the next events.
    next: i64,
}

/// Something that happened.
#[derive(Serialize, ToSchema)]
pub(super) struct Event {
    /// Its position in the order of all events. Numbers can be missing.
    seq: i64,
    at: DateTime<Utc>,
    actor: EventActor,
    /// Such as `ticket.created`.
    kind: &'static str,
    subject: Subject,
    /// Ids, versions and fixed words, depending on the kind. Never text that a person wrote.
    #[schema(value_type = Object)]
    data: Value,
}

/// Who caused the event.
#[derive(Serialize, ToSchema)]
struct EventActor {
    /// `user`, `key`, `visitor` or `system`.
    kind: String,
    /// The id of the user or key; null for others.
    id: Option<i64>,
    /// The name at that time; may be empty.
    name: String,
}

/// What the event is about.
#[derive(Serialize, ToSchema)]
struct Subject {
    /// `ticket`, `attachment`, `conversation` or `submission`.
    kind: &'static str,
    /// Its id in the API; the number of a ticket.
    id: String,
}

impl From<event::Event> for Event {
    fn from(event: event::Event) -> Self {
        Self {
            seq: event.seq.unwrap_or_default(),
            at: event.at.and_utc(),
            actor: EventActor { kind: event.actor_kind, id: event.actor_id, name: event.text.actor },
            kind: event.kind.as_str(),
            subject: Subject { kind: event.kind.subject(), id: event.subject },
            data: event.data.0,
        }
    }
}

/// What happened to tickets, attachments, conversations and submissions, oldest first. Events
/// keep their order, and none is added before one that you have read.
#[utoipa::path(
    get, path = "/events", tag = "Events", params(EventsQuery),
    responses(
        (status = 200, description = "The next events", body = Events),
        (status = 410, description = "Events after that number are no longer kept", body = ApiError)
    )
)]
pub async fn list(app: AppData, actor: Actor, query: Query<EventsQuery>) -> Result<HttpResponse> {
    let (after, limit) = (query.after, limit(query.limit)?);
    let load = move |conn: &mut _| {
        let forgotten = retention::forgotten(conn)?;
        if after < forgotten {
            let message = format!("Events up to {forgotten} are no longer kept. Go on with after={forgotten}.");
            return Err(Error::new(Kind::Gone, message));
        }
        feed::of_account(conn, actor.account_id, after, limit)
    };
    let events = app.db.read(load).await?;
    let next = events.last().and_then(|event| event.seq).unwrap_or(after);
    Ok(HttpResponse::Ok().json(Events { data: events.into_iter().map(Event::from).collect(), next }))
}
