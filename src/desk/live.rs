//! `/live`: server-sent events for the pages of the desk, and who is viewing what.

use crate::accounts::agent::Agent;
use crate::accounts::sessions;
use crate::desk::cookies;
use crate::error::{Error, Result};
use crate::limits::slots::Place;
use crate::live::event::{Event, Topic};
use crate::live::presence::{Doing, Presence};
use crate::live::subscription::{Subscription, Waited};
use crate::values::text;
use crate::web::fields::Form;
use crate::web::links::is_local_path;
use crate::web::stream::{KEEP_ALIVE, frame};
use crate::web::{AppData, stream};
use crate::{conversations, submissions};
use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse};
use futures_util::stream::unfold;
use serde::Deserialize;
use serde_json::json;
use std::time::Instant;

/// Maximum length of a place, in characters.
const MAX_PLACE: usize = 200;

/// `GET /live`. One stream serves all tabs of a browser.
pub async fn events(req: HttpRequest, app: AppData, agent: Agent) -> Result<HttpResponse> {
    let token =
        cookies::token(&req, &app, cookies::Kind::Session).ok_or_else(|| Error::internal("live", "no session"))?;
    let place = app.streams.try_take(agent.holder());
    let place = place.ok_or_else(|| Error::busy("Docket is open in too many tabs. Close some of them.", 30))?;
    let events = app.live.subscribe(Topic::Account(agent.account_id));
    let feed = Feed { events, app, token, has_begun: false, looked: Instant::now(), _place: place };
    Ok(stream::events(unfold(feed, Feed::next)))
}

struct Feed {
    events: Subscription,
    app: AppData,
    token: String,
    has_begun: bool,
    /// When the session was last checked.
    looked: Instant,
    _place: Place,
}

impl Feed {
    async fn next(mut self) -> Option<(Bytes, Self)> {
        if !std::mem::replace(&mut self.has_begun, true) {
            // The page may have missed earlier events.
            let begin = Event::begin(self.app.live.seq());
            return Some((frame(&begin.name, None, &begin.data).into(), self));
        }
        loop {
            let waited = self.events.next().await;
            let asked = matches!(&waited, Waited::Events(events) if events.iter().any(Event::is_recheck));
            if asked || self.looked.elapsed() >= self.events.patience {
                self.looked = Instant::now();
                if !self.is_signed_in().await {
                    return None;
                }
            }
            match waited {
                Waited::Stopping => return None,
                Waited::Quiet => return Some((KEEP_ALIVE.into(), self)),
                Waited::Events(events) => {
                    let told = events.iter().filter(|event| !event.is_recheck());
                    let text: String = told.map(|event| frame(&event.name, None, &event.data)).collect();
                    if !text.is_empty() {
                        return Some((text.into(), self));
                    }
                }
            }
        }
    }

    /// A session that has ended must not receive any more events.
    async fn is_signed_in(&self) -> bool {
        let (token, now, config) = (self.token.clone(), self.app.clock.now(), self.app.config.clone());
        let found = self.app.db.read(move |conn| sessions::find(conn, &config, &token, now)).await;
        // Without the database this can't be checked, but there are no events either.
        found.map_or(true, |found| found.is_some())
    }
}

/// `GET /live/unread`, as JSON: how many conversations need a reply and have messages that
/// the user hasn't read, and how many submissions that are not done they haven't read.
pub async fn unread(app: AppData, agent: Agent) -> Result<HttpResponse> {
    let (conversations, submissions) = app
        .db
        .read(move |conn| {
            let conversations = conversations::marks::unread(conn, agent.account_id, agent.id)?;
            Ok((conversations, submissions::marks::unread(conn, agent.account_id, agent.id)?))
        })
        .await?;
    Ok(HttpResponse::Ok().json(json!({ "conversations": conversations, "submissions": submissions })))
}

/// Where a user is, and what they are doing there.
#[derive(Deserialize)]
pub struct Here {
    #[serde(default)]
    place: String,
    doing: Doing,
}

/// `POST /live/presence`: `place` (a local path), `doing` (`looking`, `editing` or `gone`).
/// Returns who is there, as JSON.
pub async fn presence(app: AppData, agent: Agent, Form(sent): Form<Here>) -> Result<HttpResponse> {
    let place = text::required_line("The place", &sent.place, MAX_PLACE)?;
    if !is_local_path(&place) {
        return Err(Error::invalid("place must be a path of this server."));
    }
    let presence =
        Presence { account_id: agent.account_id, place, user_id: agent.id, name: agent.name, doing: sent.doing };
    Ok(HttpResponse::Ok().json(app.live.note(presence)))
}
