//! Replies to a conversation, and closes, deletes and restores it.

use crate::accounts::agent::Agent;
use crate::accounts::role::Action;
use crate::conversations::conversation::Status;
use crate::conversations::messages::{NewMessage, parse_message_with, parse_request_id};
use crate::conversations::{conversation, reply_mails, stopped, thread_links, trash, visitor};
use crate::db::Connection;
use crate::desk::conversations::show::{Draft, render};
use crate::desk::{tickets, undo};
use crate::error::{OfField, Result};
use crate::events::actor::Actor;
use crate::files::message;
use crate::files::message::{From, Received};
use crate::values::text::ticked;
use crate::values::{email, text, token};
use crate::web::fields::Form;
use crate::web::flash::Flash;
use crate::web::layout::Layout;
use crate::web::{AppData, answer};
use actix_web::{HttpRequest, HttpResponse, web};
use chrono::NaiveDateTime;
use serde::Deserialize;
use serde_json::json;

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Reply {
    #[serde(default)]
    pub body: String,
    #[serde(default)]
    request_id: String,
    /// Whether the form asked if the reply may be mailed, and the answer.
    #[serde(default, deserialize_with = "ticked")]
    asks_mail: bool,
    #[serde(default, deserialize_with = "ticked")]
    by_mail: bool,
    /// The ticket on whose page the reply was written.
    pub ticket: Option<i64>,
}

impl Reply {
    /// Reads a reply with its files. The error is about the text or a file.
    pub async fn read(
        req: &HttpRequest,
        app: &AppData,
        agent: &Agent,
        payload: web::Payload,
    ) -> Result<(Self, Result<NewMessage>)> {
        let received = message::read(req, app, payload.into_inner(), From::Team(agent.holder())).await?;
        let reply: Self = received.fields.read()?;
        let message = reply.message(agent, &received, app.clock.now());
        Ok((reply, message))
    }

    fn message(&self, agent: &Agent, received: &Received, now: NaiveDateTime) -> Result<NewMessage> {
        received.expect_all_files().of_field("files")?;
        let body = parse_message_with(&self.body, &received.files).of_field("body")?;
        let (client_id, by_mail) = (parse_request_id(&self.request_id)?, self.by_mail || !self.asks_mail);
        let files = received.files.clone();
        Ok(NewMessage { client_id, by_mail, files, ..NewMessage::reply(&agent.name, body, now) })
    }
}

/// `POST /conversations/{id}/messages`: `body`, `requestId`, `ticket`, `files` (multipart); with
/// `asksMail`, the reply is mailed only with `byMail`. Scripts get the id for the next request as JSON.
pub async fn reply(
    req: HttpRequest,
    app: AppData,
    agent: Agent,
    layout: Layout,
    path: web::Path<String>,
    payload: web::Payload,
) -> Result<HttpResponse> {
    let id = path.into_inner();
    let in_place = answer::wants_json(&req);
    let (sent, message) = Reply::read(&req, &app, &agent, payload).await?;
    let message = match message {
        Ok(message) => message,
        Err(error) if in_place => return Err(error),
        Err(error) => {
            if let Some(number) = sent.ticket {
                let reply = Some(sent.body);
                let draft = tickets::show::Draft { reply, error: Some(error), ..Default::default() };
                return tickets::show::render(&app, &agent, &layout, number, draft).await;
            }
            let draft = Draft { reply: sent.body, error: Some(error), ..Draft::default() };
            return render(&app, &agent, &layout, id, None, draft).await;
        }
    };
    let to = match sent.ticket {
        Some(number) => format!("/tickets/{number}#source"),
        None => format!("/conversations/{id}#latest"),
    };
    app.write_as(&agent, Action::Work, move |conn, actor| reply_mails::reply(conn, actor, &id, &message)).await?;
    if in_place {
        return Ok(HttpResponse::Created().json(json!({ "nextRequestId": token::id()? })));
    }
    layout.see_other_with(to, &Flash::new("Reply sent."))
}

#[derive(Deserialize)]
pub struct SetStatus {
    status: Status,
}

/// `POST /conversations/{id}/status`: `status`
pub async fn set_status(
    app: AppData,
    agent: Agent,
    layout: Layout,
    path: web::Path<String>,
    Form(sent): Form<SetStatus>,
) -> Result<HttpResponse> {
    let (id, status, now) = (path.into_inner(), sent.status, app.clock.now());
    let to = format!("/conversations/{id}");
    app.write_as(&agent, Action::Work, move |conn, actor| conversation::set_status(conn, actor, &id, status, now))
        .await?;
    let text = if status == Status::Closed { "Conversation closed." } else { "Conversation reopened." };
    layout.see_other_with(to, &Flash::new(text))
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct SetVisitor {
    visitor_name: String,
    visitor_email: String,
}

/// `POST /conversations/{id}/visitor`: `visitorName`, `visitorEmail`
pub async fn set_visitor(
    app: AppData,
    agent: Agent,
    layout: Layout,
    path: web::Path<String>,
    Form(sent): Form<SetVisitor>,
) -> Result<HttpResponse> {
    let (id, now) = (path.into_inner(), app.clock.now());
    let to = format!("/conversations/{id}");
    let name = text::line("The name", &sent.visitor_name, email::MAX).of_field("visitorName");
    let email = email::parse_optional(&sent.visitor_email).of_field("visitorEmail");
    let (name, email) = match (name, email) {
        (Ok(name), Ok(email)) => (name, email),
        (Err(error), _) | (_, Err(error)) => {
            let visitor = Some((sent.visitor_name, sent.visitor_email));
            let draft = Draft { visitor, error: Some(error), ..Draft::default() };
            return render(&app, &agent, &layout, id, None, draft).await;
        }
    };
    let write = move |conn: &mut Connection, actor: &Actor| {
        visitor::change_visitor(conn, actor, &id, Some(&name), Some(&email), now)
    };
    app.write_as(&agent, Action::Work, write).await?;
    layout.see_other_with(to, &Flash::new("Visitor saved."))
}

/// `POST /conversations/{id}/end-links`: ends the links in mails to the visitor
pub async fn end_links(app: AppData, agent: Agent, layout: Layout, path: web::Path<String>) -> Result<HttpResponse> {
    let id = path.into_inner();
    let to = format!("/conversations/{id}");
    let write = move |conn: &mut Connection, actor: &Actor| {
        let found = conversation::get(conn, actor.account_id, &id)?;
        thread_links::revoke(conn, found.seq)
    };
    let count = app.write_as(&agent, Action::Work, write).await?;
    let text = match count {
        0 => "There were no links.".into(),
        1 => "One link no longer works.".into(),
        count => format!("{count} links no longer work."),
    };
    layout.see_other_with(to, &Flash::new(text))
}

/// `POST /conversations/{id}/try-emails-again`: sends emails to an address that was refused
pub async fn try_emails_again(
    app: AppData,
    agent: Agent,
    layout: Layout,
    path: web::Path<String>,
) -> Result<HttpResponse> {
    let id = path.into_inner();
    let to = format!("/conversations/{id}");
    let write = move |conn: &mut Connection, actor: &Actor| {
        let found = conversation::get(conn, actor.account_id, &id)?;
        stopped::try_again(conn, actor.account_id, &found.visitor_email)
    };
    app.write_as(&agent, Action::Work, write).await?;
    layout.see_other_with(to, &Flash::new("The next reply goes out by email again."))
}

/// `POST /conversations/{id}/delete`
pub async fn delete(app: AppData, agent: Agent, layout: Layout, path: web::Path<String>) -> Result<HttpResponse> {
    let (id, now) = (path.into_inner(), app.clock.now());
    let event = app.write_as(&agent, Action::Work, move |conn, actor| trash::delete(conn, actor, &id, now)).await?;
    let text = "Conversation deleted. Its tickets stay.";
    layout.see_other_with("/conversations", &undo::flash(text, [event]))
}

/// `POST /conversations/{id}/restore`
pub async fn restore(app: AppData, agent: Agent, layout: Layout, path: web::Path<String>) -> Result<HttpResponse> {
    let (id, now) = (path.into_inner(), app.clock.now());
    let to = format!("/conversations/{id}");
    app.write_as(&agent, Action::Work, move |conn, actor| trash::restore(conn, actor, &id, now)).await?;
    layout.see_other_with(to, &Flash::new("Conversation restored."))
}
