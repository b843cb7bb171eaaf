//! `POST /tickets/{number}/attachments`: files come in.

use crate::accounts::actor::Actor;
use crate::attachments::attachment::Attachment;
use crate::attachments::rejection::{Code, Rejection};
use crate::attachments::upload::Failure;
use crate::attachments::{upload, validation};
use crate::desk::attachments::card::Card;
use crate::desk::attachments::receive::{Receiver, Sent};
use crate::error::{Error, Result};
use crate::tickets::ticket;
use crate::web::flash::Flash;
use crate::web::layout::Layout;
use crate::web::multipart::Parts;
use crate::web::{AppData, answer};
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use serde_json::{Value, json};

struct Refused {
    filename: String,
    rejection: Rejection,
}

#[derive(Template)]
#[template(path = "desk/attachments/outcome.html")]
struct OutcomePage<'a> {
    layout: &'a Layout,
    number: i64,
    kept: Vec<Card>,
    rejected: &'a [Refused],
}

/// `POST /tickets/{number}/attachments`: multipart, `files` repeated.
///
/// # Errors
/// *Not found* when the ticket is out of reach; *too large* when the request is;
/// when database or storage fail.
pub async fn upload(
    req: HttpRequest,
    app: AppData,
    actor: Actor,
    layout: Layout,
    path: web::Path<i64>,
    parts: Parts,
) -> Result<HttpResponse> {
    let number = path.into_inner();
    let account_id = actor.account_id;
    app.db.read(move |conn| ticket::find(conn, account_id, number)).await?;
    let (mut kept, mut rejected) = (Vec::new(), Vec::new());
    let mut receiver = Receiver::new(parts.0, &app.uploads, actor.holder());
    while let Some(Sent { filename, content, place: _place }) = receiver.next().await? {
        let outcome = match content {
            Ok(bytes) => upload::keep(&app, &actor, number, &filename, bytes).await,
            // The name first: who sends a folder of videos is to learn the types.
            Err(rejection) => Err(validation::kind_of(&filename).err().unwrap_or(rejection).into()),
        };
        match outcome {
            Ok(attachment) => kept.push(attachment),
            Err(Failure::Failed(error)) => return Err(error),
            Err(Failure::Rejected(rejection)) => {
                tracing::info!(code = rejection.code.as_str(), "a file was refused");
                rejected.push(Refused { filename, rejection });
            }
        }
    }
    answer_upload(&req, &layout, number, &kept, &rejected)
}

fn answer_upload(
    req: &HttpRequest,
    layout: &Layout,
    number: i64,
    kept: &[Attachment],
    rejected: &[Refused],
) -> Result<HttpResponse> {
    let is_among = |code| rejected.iter().any(|refused| refused.rejection.code == code);
    let status = match (kept.is_empty(), rejected) {
        (true, []) => return Err(Error::invalid("No file was sent. Choose one first.")),
        (false, _) => StatusCode::CREATED,
        (true, _) if is_among(Code::NoRoom) => StatusCode::INSUFFICIENT_STORAGE,
        (true, _) if is_among(Code::TooLarge) => StatusCode::PAYLOAD_TOO_LARGE,
        (true, _) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
    };
    let cards = || kept.iter().map(|attachment| Card::new(attachment, number, &layout.links));
    if answer::wants_json(req) {
        let data: Vec<Value> = kept.iter().zip(cards()).map(|(attachment, card)| json_of(attachment, &card)).collect();
        let rejected: Vec<Value> = rejected.iter().map(json_of_refused).collect();
        return Ok(HttpResponse::build(status).json(json!({ "data": data, "rejected": rejected })));
    }
    if rejected.is_empty() {
        let text = if kept.len() == 1 { "File attached.".into() } else { format!("{} files attached.", kept.len()) };
        return layout.see_other_saying(format!("/tickets/{number}#files"), &Flash::new(text));
    }
    layout.page_with(status, &OutcomePage { layout, number, kept: cards().collect(), rejected })
}

fn json_of(attachment: &Attachment, card: &Card) -> Value {
    json!({
        "id": card.id,
        "filename": card.filename,
        "contentType": attachment.kind.content_type(),
        "size": attachment.size,
        "url": card.url,
        "thumbnailUrl": card.thumbnail_url,
    })
}

fn json_of_refused(refused: &Refused) -> Value {
    json!({
        "filename": refused.filename,
        "code": refused.rejection.code.as_str(),
        "message": refused.rejection.message,
    })
}
