//! `POST /tickets/{number}/attachments`: files come in.

use crate::app::AppData;
use crate::attachments::model::{Attachment, Code, MAX_BYTES, Rejection};
use crate::attachments::pages::card::Card;
use crate::attachments::upload::{self, Slots};
use crate::attachments::validation;
use crate::error::{Error, Kind, Result};
use crate::people::model::Agent;
use crate::tickets::store as tickets;
use crate::web::answer;
use crate::web::layout::{Flash, Layout};
use actix_multipart::{Field, Multipart, MultipartError};
use actix_web::http::StatusCode;
use actix_web::http::header::ContentDisposition;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use futures_util::TryStreamExt;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::timeout;

const MAX_FILES: usize = 20;
const MAX_REQUEST: usize = 105 * 1024 * 1024;
/// Parts without bytes are not free either.
const PART_COST: usize = 200;
/// A sender who stalls longer than this gives up its place.
const STALLED: Duration = Duration::from_secs(30);

struct Refused {
    filename: String,
    rejection: Rejection,
}

#[derive(Template)]
#[template(path = "attachments/outcome.html")]
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
    slots: web::Data<Slots>,
    agent: Agent,
    layout: Layout,
    path: web::Path<i64>,
    mut parts: Multipart,
) -> Result<HttpResponse> {
    let number = path.into_inner();
    let account_id = agent.account_id;
    app.db.read(move |conn| tickets::find(conn, account_id, number)).await?;
    let (mut kept, mut rejected, mut left) = (Vec::new(), Vec::new(), MAX_REQUEST);
    while let Some(mut part) = next_part(&mut parts).await? {
        let name = part.content_disposition().and_then(ContentDisposition::get_filename).map(ToOwned::to_owned);
        left = left.saturating_sub(PART_COST);
        let is_one_more = kept.len() + rejected.len() <= MAX_FILES;
        let Some(filename) = name.filter(|_| is_one_more && part.name() == Some("files")) else {
            drain(&mut part, &mut left).await?;
            continue;
        };
        let _slot = slots.files.acquire().await.map_err(Error::unavailable)?;
        let bytes = read_file(&mut part, &mut left).await?;
        if filename.is_empty() && bytes.as_ref().is_ok_and(Vec::is_empty) {
            // What a browser sends for a file field that was left empty.
            continue;
        }
        let outcome = match (validation::kind_of(&filename), bytes) {
            (Err(rejection), _) | (_, Err(rejection)) => Err(rejection),
            _ if kept.len() + rejected.len() >= MAX_FILES => {
                Err(Rejection::new(Code::TooLarge, format!("At most {MAX_FILES} files fit into one request.")))
            }
            (Ok(_), Ok(bytes)) => upload::keep(&app, &slots, &agent, number, &filename, bytes).await?,
        };
        match outcome {
            Ok(attachment) => kept.push(attachment),
            Err(rejection) => {
                tracing::info!(code = rejection.code.as_str(), "a file was refused");
                rejected.push(Refused { filename, rejection });
            }
        }
    }
    answer_upload(&req, &layout, number, &kept, &rejected)
}

async fn next_part(parts: &mut Multipart) -> Result<Option<Field>> {
    within_time(parts.try_next()).await
}

/// Reads one file. One that is too large is read to its end all the same, so
/// that the sender sees the answer and not a broken connection.
async fn read_file(part: &mut Field, left: &mut usize) -> Result<Result<Vec<u8>, Rejection>> {
    // Room for the largest at once: growing would copy, and take twice as much.
    let mut bytes = Vec::with_capacity(MAX_BYTES);
    let mut too_large = false;
    while let Some(chunk) = next_chunk(part, left).await? {
        too_large |= bytes.len() + chunk.len() > MAX_BYTES;
        if too_large {
            bytes = Vec::new();
        } else {
            bytes.extend_from_slice(&chunk);
        }
    }
    Ok(if too_large { Err(validation::too_large()) } else { Ok(bytes) })
}

async fn drain(part: &mut Field, left: &mut usize) -> Result<()> {
    while next_chunk(part, left).await?.is_some() {}
    Ok(())
}

async fn next_chunk(part: &mut Field, left: &mut usize) -> Result<Option<web::Bytes>> {
    let chunk = within_time(part.try_next()).await?;
    let length = chunk.as_ref().map_or(0, web::Bytes::len);
    *left = left
        .checked_sub(length)
        .ok_or_else(|| Error::new(Kind::TooLarge, "One request takes at most 105 MB. Files before that were kept."))?;
    Ok(chunk)
}

async fn within_time<T>(read: impl Future<Output = Result<T, MultipartError>>) -> Result<T> {
    match timeout(STALLED, read).await {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(_)) => Err(Error::new(Kind::Unreadable, "The upload ended before all of it arrived. Please try again.")),
        Err(_) => Err(Error::new(Kind::Unreadable, "The upload stalled. Please try again.")),
    }
}

fn answer_upload(
    req: &HttpRequest,
    layout: &Layout,
    number: i64,
    kept: &[Attachment],
    rejected: &[Refused],
) -> Result<HttpResponse> {
    let status = match (kept.is_empty(), rejected) {
        (true, []) => return Err(Error::invalid("No file was sent. Choose one first.")),
        (false, _) => StatusCode::CREATED,
        (true, all) if all.iter().any(|refused| refused.rejection.code == Code::TooLarge) => {
            StatusCode::PAYLOAD_TOO_LARGE
        }
        (true, _) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
    };
    let cards = || kept.iter().map(|attachment| Card::new(attachment, number, &layout.links));
    if answer::wants_json(req) {
        let data: Vec<Value> = kept.iter().zip(cards()).map(|(attachment, card)| json_of(attachment, &card)).collect();
        let rejected: Vec<Value> = rejected.iter().map(json_of_refused).collect();
        return Ok(HttpResponse::build(status).json(json!({ "data": data, "rejected": rejected })));
    }
    if rejected.is_empty() {
        let text = if kept.len() == 1 {
            "The file is attached.".into()
        } else {
            format!("{} files are attached.", kept.len())
        };
        return layout.see_other_saying(format!("/tickets/{number}#files"), &Flash::new(text));
    }
    layout.page_with(status, &OutcomePage { layout, number, kept: cards().collect(), rejected })
}

fn json_of(attachment: &Attachment, card: &Card) -> Value {
    json!({
        "id": card.id,
        "filename": card.filename,
        "contentType": attachment.kind().content_type(),
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
