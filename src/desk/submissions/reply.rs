//! Replies to a submission.

use crate::accounts::agent::Agent;
use crate::accounts::role::Action;
use crate::desk::conversations::change::Reply;
use crate::desk::submissions::show::{Draft, render};
use crate::desk::tickets;
use crate::error::Result;
use crate::submissions::replies;
use crate::values::token;
use crate::web::AppData;
use crate::web::flash::Flash;
use crate::web::layout::Layout;
use actix_web::{HttpRequest, HttpResponse, web};

/// `POST /submissions/{id}/messages`: `body`, `requestId`, `ticket`, `files`. Goes to the sender by mail.
///
/// # Errors
/// *Conflict* for spam, for submissions without an email address, and when no mail goes there.
pub async fn reply(
    req: HttpRequest,
    app: AppData,
    agent: Agent,
    layout: Layout,
    path: web::Path<String>,
    payload: web::Payload,
) -> Result<HttpResponse> {
    let id = path.into_inner();
    let (sent, message) = Reply::read(&req, &app, &agent, payload).await?;
    let message = match message {
        Ok(message) => message,
        Err(error) => {
            if let Some(number) = sent.ticket {
                let draft = tickets::show::Draft { reply: Some(sent.body), error: Some(error), ..Default::default() };
                return tickets::show::render(&app, &agent, &layout, number, draft).await;
            }
            let draft = Draft { reply: sent.body, error: Some(error) };
            return render(&app, &agent, &layout, id, draft).await;
        }
    };
    let to = match sent.ticket {
        Some(number) => format!("/tickets/{number}#source"),
        None => format!("/submissions/{id}"),
    };
    let conversation = token::id()?;
    let write = move |conn: &mut _, actor: &_| replies::reply(conn, actor, &id, &message, &conversation);
    app.write_as(&agent, Action::Work, write).await?;
    layout.see_other_with(to, &Flash::new("Reply sent."))
}
