//! Replies to a conversation, and closes, deletes and restores it.

use crate::accounts::agent::Agent;
use crate::accounts::role::Action;
use crate::conversations::conversation::Status;
use crate::conversations::messages::{NewMessage, parse_client_id, parse_message};
use crate::conversations::{conversation, messages, trash};
use crate::desk::conversations::show::render;
use crate::desk::undo;
use crate::error::Result;
use crate::values::token;
use crate::web::fields::Form;
use crate::web::flash::Flash;
use crate::web::layout::Layout;
use crate::web::{AppData, answer};
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use serde_json::json;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Reply {
    #[serde(default)]
    body: String,
    request_id: Option<String>,
}

/// `POST /conversations/{id}/messages`: `body`, `requestId`. Scripts get the id for the next
/// request as JSON.
pub async fn reply(
    req: HttpRequest,
    app: AppData,
    agent: Agent,
    layout: Layout,
    path: web::Path<String>,
    Form(sent): Form<Reply>,
) -> Result<HttpResponse> {
    let (id, now) = (path.into_inner(), app.clock.now());
    let in_place = answer::wants_json(&req);
    let body = match parse_message(&sent.body) {
        Ok(body) => body,
        Err(error) if in_place => return Err(error),
        Err(error) => {
            let reply = (sent.body, error.message().to_owned());
            return render(&app, &agent, &layout, id, None, Some(reply)).await;
        }
    };
    let to = format!("/conversations/{id}#latest");
    let client_id = sent.request_id.filter(|id| !id.is_empty()).map(|id| parse_client_id(&id)).transpose()?;
    let message = NewMessage { client_id, ..NewMessage::reply(&agent.name, body, now) };
    app.write_as(&agent, Action::Work, move |conn, actor| messages::post(conn, actor, &id, &message)).await?;
    if in_place {
        return Ok(HttpResponse::Created().json(json!({ "nextRequestId": token::id()? })));
    }
    layout.see_other_with(to, &Flash::new("The reply is sent."))
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

/// `POST /conversations/{id}/delete`
pub async fn delete(app: AppData, agent: Agent, layout: Layout, path: web::Path<String>) -> Result<HttpResponse> {
    let (id, now) = (path.into_inner(), app.clock.now());
    let event = app.write_as(&agent, Action::Work, move |conn, actor| trash::delete(conn, actor, &id, now)).await?;
    let text = "The conversation is deleted. Tickets made from it stay.";
    layout.see_other_with("/conversations", &undo::flash(text, [event]))
}

/// `POST /conversations/{id}/restore`
pub async fn restore(app: AppData, agent: Agent, layout: Layout, path: web::Path<String>) -> Result<HttpResponse> {
    let (id, now) = (path.into_inner(), app.clock.now());
    let to = format!("/conversations/{id}");
    app.write_as(&agent, Action::Work, move |conn, actor| trash::restore(conn, actor, &id, now)).await?;
    layout.see_other_with(to, &Flash::new("The conversation is back."))
}
