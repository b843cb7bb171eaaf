//! Undoing what was just done, from the button beside its message.

use crate::accounts::agent::Agent;
use crate::accounts::members;
use crate::accounts::role::Action;
use crate::attachments::attachment;
use crate::db::Connection;
use crate::error::{Error, Result};
use crate::events::actor::Actor;
use crate::events::event::{Event, Kind};
use crate::events::feed;
use crate::submissions::submission;
use crate::tickets::tags::MAX_TAGS;
use crate::web::AppData;
use crate::web::flash::Flash;
use crate::web::layout::Layout;
use crate::web::query::Query;
use crate::{conversations, submissions, tickets};
use actix_web::HttpResponse;
use chrono::NaiveDateTime;
use serde::Deserialize;

/// A message with a button that undoes these events. Without events, nothing has changed,
/// and there is no button.
pub fn flash(text: impl Into<String>, events: impl IntoIterator<Item = i64>) -> Flash {
    let mut query = form_urlencoded::Serializer::new(String::new());
    for event in events {
        query.append_pair("event", &event.to_string());
    }
    match query.finish() {
        none if none.is_empty() => Flash::new(text),
        query => Flash::with_undo(text, format!("/undo?{query}")),
    }
}

#[derive(Deserialize)]
pub struct UndoQuery {
    /// Ids of events.
    #[serde(default)]
    event: Vec<i64>,
}

/// `POST /undo?event=…`: undoes changes, except those of what has changed again since
pub async fn undo(app: AppData, agent: Agent, layout: Layout, query: Query<UndoQuery>) -> Result<HttpResponse> {
    let (ids, now, user) = (query.into_inner().event, app.clock.now(), agent.clone());
    if ids.is_empty() || ids.len() > MAX_TAGS {
        return Err(Error::invalid(format!("event must be given 1 to {MAX_TAGS} times.")));
    }
    let wanted = ids.len();
    let (page, undone) = app
        .write_as(&agent, Action::Work, move |conn, actor| {
            let (mut page, mut undone) = (String::new(), Vec::new());
            for id in &ids {
                let event = feed::find(conn, actor.account_id, *id)?;
                if undo_one(conn, &user, actor, &event, now)? {
                    undone.push(said(&event));
                }
                page = page_of(&event);
            }
            Ok((page, undone))
        })
        .await?;
    let text = match undone.as_slice() {
        [] => "Nothing undone: it was changed again in the meantime.",
        some if some.len() < wanted => "Undone, except for what was changed again in the meantime.",
        [only] => only,
        _ => "Undone.",
    };
    layout.see_other_with(page, &Flash::new(text))
}

fn undo_one(conn: &mut Connection, user: &Agent, actor: &Actor, event: &Event, now: NaiveDateTime) -> Result<bool> {
    let subject = event.subject.as_str();
    match event.kind {
        Kind::AttachmentRemoved => {
            return Ok(attachment::set_deleted(conn, actor, number_of(event)?, subject, false, now)?.event.is_some());
        }
        Kind::ConversationDeleted => conversations::trash::restore(conn, actor, subject, now)?,
        Kind::SubmissionDeleted => submissions::trash::restore(conn, actor, subject, now)?,
        Kind::SubmissionMarkedSpam => return Ok(submission::set_spam(conn, actor, subject, false, now)?.is_some()),
        Kind::SubmissionDone => return Ok(submission::set_done(conn, actor, subject, false, now)?.is_some()),
        Kind::UserDisabled => {
            let id = subject.parse().map_err(|_| Error::not_found())?;
            members::enable(conn, user, id, now)?;
        }
        _ => return tickets::undo::undo(conn, actor, number_of(event)?, event, now),
    }
    Ok(true)
}

/// What the message says after an event was undone.
fn said(event: &Event) -> String {
    let text = &event.text;
    match event.kind {
        Kind::TicketDeleted => format!("Ticket #{} restored.", event.subject),
        Kind::AttachmentRemoved => format!("{} restored.", text.old),
        Kind::ConversationDeleted => "Conversation restored.".into(),
        Kind::SubmissionDeleted => "Submission restored.".into(),
        Kind::SubmissionMarkedSpam => "Not spam: it is in the inbox again.".into(),
        Kind::SubmissionDone => "Not done: it is in the inbox again.".into(),
        Kind::UserDisabled => format!("{} can sign in again.", text.about),
        _ => "Undone.".into(),
    }
}

/// The number of the ticket that an event is about.
fn number_of(event: &Event) -> Result<i64> {
    event.ticket_number().ok_or_else(|| Error::invalid("This change can’t be undone."))
}

/// The page that shows the subject of an event.
fn page_of(event: &Event) -> String {
    let subject = &event.subject;
    match (event.kind.subject(), event.ticket_number()) {
        ("attachment", Some(number)) => format!("/tickets/{number}#files"),
        ("user", _) => "/settings/team".into(),
        (kind, _) => format!("/{kind}s/{subject}"),
    }
}
