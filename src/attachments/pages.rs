//! Files over HTTP: sending them, seeing them, taking them off.

use crate::app::AppData;
use crate::attachments::model::{Attachment, Code, Kind, MAX_BYTES, Rejection, readable_size};
use crate::attachments::upload::{self, Slots};
use crate::attachments::{store, validation};
use crate::error::{Error, Kind as ErrorKind, Result};
use crate::people::model::Agent;
use crate::tickets::store as tickets;
use crate::web::answer;
use crate::web::layout::{Flash, Layout, Links};
use actix_files::NamedFile;
use actix_multipart::{Field, Multipart};
use actix_web::http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, Charset, ContentDisposition,
    ContentLength, ContentRange, ContentRangeSpec, ContentType, DispositionParam, DispositionType, ETAG, ExtendedValue,
    HeaderValue, IF_NONE_MATCH, RANGE, Range,
};
use actix_web::http::{StatusCode, header::Header};
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use futures_util::TryStreamExt;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::timeout;

const MAX_FILES: usize = 20;
const MAX_REQUEST: usize = 105 * 1024 * 1024;
/// A sender who stalls longer than this gives up its place.
const STALLED: Duration = Duration::from_secs(30);

/// Nothing in a file may run, load or be framed by others.
const INERT: &str = "default-src 'none'; img-src 'self'; style-src 'unsafe-inline'; frame-ancestors 'none'; sandbox";
/// The browser's own PDF viewer does not start in a sandbox.
const INERT_PDF: &str = "default-src 'none'; object-src 'self'; frame-ancestors 'none'";

/// An attachment as pages show it.
#[derive(Clone, Debug)]
pub struct Card {
    /// Its random id.
    pub id: String,
    /// Its original name.
    pub filename: String,
    /// Its extension in upper case, for the icon.
    pub label: String,
    /// Its size for people.
    pub size: String,
    /// Its address.
    pub url: String,
    /// Its thumbnail's address, if it has one.
    pub thumbnail_url: Option<String>,
}

impl Card {
    /// The card of a file of the ticket of that number.
    #[must_use]
    pub fn new(attachment: &Attachment, number: i64, links: &Links) -> Self {
        let url = links.href(format!("/tickets/{number}/attachments/{}", attachment.id));
        Self {
            id: attachment.id.clone(),
            filename: attachment.filename.clone(),
            label: attachment.kind().extension().to_uppercase(),
            size: readable_size(attachment.size),
            thumbnail_url: attachment.thumbnail.as_ref().map(|_| format!("{url}/thumbnail")),
            url,
        }
    }
}

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
        let Some(filename) = name.filter(|_| part.name() == Some("files")) else {
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
    let mut bytes = Vec::new();
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
    *left = left.checked_sub(length).ok_or_else(|| {
        Error::new(ErrorKind::TooLarge, "One request takes at most 105 MB. Files before that were kept.")
    })?;
    Ok(chunk)
}

async fn within_time<T>(read: impl Future<Output = Result<T, actix_multipart::MultipartError>>) -> Result<T> {
    match timeout(STALLED, read).await {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(_)) => {
            Err(Error::new(ErrorKind::Unreadable, "The upload ended before all of it arrived. Please try again."))
        }
        Err(_) => Err(Error::new(ErrorKind::Unreadable, "The upload stalled. Please try again.")),
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

/// Query of an attachment's address.
#[derive(serde::Deserialize)]
pub struct Wish {
    download: Option<String>,
}

/// `GET /tickets/{number}/attachments/{id}`
///
/// # Errors
/// *Not found* when it is out of reach or its bytes are gone.
pub async fn show(
    req: HttpRequest,
    app: AppData,
    agent: Agent,
    path: web::Path<(i64, String)>,
    wish: web::Query<Wish>,
) -> Result<HttpResponse> {
    let (number, id) = path.into_inner();
    let attachment = app.db.read(move |conn| store::find(conn, agent.account_id, number, &id)).await?;
    let kind = attachment.kind();
    let inline = kind.is_shown_inline() && wish.download.is_none();
    let served = Served {
        key: attachment.key(),
        size: u64::try_from(attachment.size).unwrap_or(0),
        etag: format!("\"{}\"", attachment.sha256),
        content_type: kind.content_type(),
        disposition: disposition(inline, &attachment.filename),
        policy: if kind == Kind::Pdf { INERT_PDF } else { INERT },
    };
    serve(&req, &app, served).await
}

/// `GET /tickets/{number}/attachments/{id}/thumbnail`
///
/// # Errors
/// *Not found* when it is out of reach or there is none.
pub async fn thumbnail(app: AppData, agent: Agent, path: web::Path<(i64, String)>) -> Result<HttpResponse> {
    let (number, id) = path.into_inner();
    let attachment = app.db.read(move |conn| store::find(conn, agent.account_id, number, &id)).await?;
    let key = attachment.thumbnail_key().ok_or_else(Error::not_found)?;
    let bytes: Vec<web::Bytes> = app.storage.get(&key, None).await?.try_collect().await?;
    let content_type = if key.ends_with(".png") { "image/png" } else { "image/jpeg" };
    Ok(HttpResponse::Ok()
        .insert_header((CONTENT_SECURITY_POLICY, INERT))
        .insert_header((CACHE_CONTROL, "private, max-age=86400, immutable"))
        .insert_header((CONTENT_ENCODING, "identity"))
        .content_type(content_type)
        .body(bytes.concat()))
}

struct Served {
    key: String,
    size: u64,
    etag: String,
    content_type: &'static str,
    disposition: ContentDisposition,
    policy: &'static str,
}

async fn serve(req: &HttpRequest, app: &AppData, served: Served) -> Result<HttpResponse> {
    let mut response = match app.storage.file(&served.key) {
        Some(path) => from_disk(req, &path, &served)?,
        None => from_store(req, app, &served).await?,
    };
    let headers = response.headers_mut();
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(served.policy));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    headers.insert(CONTENT_ENCODING, HeaderValue::from_static("identity"));
    Ok(response)
}

fn missing() -> Error {
    Error::new(ErrorKind::NotFound, "The file is missing from the server's storage. The ticket itself is whole.")
}

fn from_disk(req: &HttpRequest, path: &std::path::Path, served: &Served) -> Result<HttpResponse> {
    let file = NamedFile::open(path).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => missing(),
        _ => Error::unavailable(error),
    })?;
    let content_type = served.content_type.parse().map_err(|source| Error::internal("media type", source))?;
    let file = file.set_content_type(content_type).set_content_disposition(served.disposition.clone());
    Ok(file.prefer_utf8(false).into_response(req))
}

/// The same as actix-files does for a file on disk, for objects elsewhere.
async fn from_store(req: &HttpRequest, app: &AppData, served: &Served) -> Result<HttpResponse> {
    let known = req.headers().get(IF_NONE_MATCH).and_then(|value| value.to_str().ok());
    if known.is_some_and(|known| known.contains(&served.etag)) {
        return Ok(HttpResponse::NotModified().insert_header((ETAG, served.etag.as_str())).finish());
    }
    let mut response = HttpResponse::Ok();
    response.insert_header((ETAG, served.etag.as_str())).insert_header((ACCEPT_RANGES, "bytes"));
    let part = match Range::parse(req) {
        Ok(Range::Bytes(parts)) if req.headers().contains_key(RANGE) && parts.len() == 1 => {
            let Some((first, last)) = parts[0].to_satisfiable_range(served.size) else {
                let whole = ContentRange(ContentRangeSpec::Bytes { range: None, instance_length: Some(served.size) });
                return Ok(HttpResponse::RangeNotSatisfiable().insert_header(whole).finish());
            };
            let range = ContentRangeSpec::Bytes { range: Some((first, last)), instance_length: Some(served.size) };
            response.status(StatusCode::PARTIAL_CONTENT).insert_header(ContentRange(range));
            Some(first..last + 1)
        }
        _ => None,
    };
    let length = part.as_ref().map_or(served.size, |part| part.end - part.start);
    let bytes = app.storage.get(&served.key, part).await.map_err(|error| match error.kind {
        ErrorKind::NotFound => missing(),
        _ => error,
    })?;
    Ok(response
        .insert_header(ContentType(
            served.content_type.parse().map_err(|source| Error::internal("media type", source))?,
        ))
        .insert_header(served.disposition.clone())
        .insert_header(ContentLength(usize::try_from(length).unwrap_or(usize::MAX)))
        .streaming(bytes))
}

/// RFC 6266: the name in ASCII for old programs, and in full as `filename*`.
fn disposition(inline: bool, filename: &str) -> ContentDisposition {
    let plain = |c: char| if c.is_ascii_graphic() && !"\"\\%".contains(c) || c == ' ' { c } else { '_' };
    let ascii = filename.chars().map(plain).collect();
    let extended = ExtendedValue {
        charset: Charset::Ext("UTF-8".into()),
        language_tag: None,
        value: filename.as_bytes().to_vec(),
    };
    ContentDisposition {
        disposition: if inline { DispositionType::Inline } else { DispositionType::Attachment },
        parameters: vec![DispositionParam::Filename(ascii), DispositionParam::FilenameExt(extended)],
    }
}

/// `POST /tickets/{number}/attachments/{id}/delete`
///
/// # Errors
/// *Not found* when it is out of reach.
pub async fn delete(
    app: AppData,
    agent: Agent,
    layout: Layout,
    path: web::Path<(i64, String)>,
) -> Result<HttpResponse> {
    let (number, id) = path.into_inner();
    let (now, wanted) = (app.clock.now(), id.clone());
    let filename = app.db.write(move |conn| store::set_deleted(conn, &agent, number, &wanted, true, now)).await?;
    let undo = format!("/tickets/{number}/attachments/{id}/restore");
    layout.see_other_saying(
        format!("/tickets/{number}#files"),
        &Flash::with_undo(format!("{filename} is removed."), undo),
    )
}

/// `POST /tickets/{number}/attachments/{id}/restore`
///
/// # Errors
/// *Not found* when it is out of reach.
pub async fn restore(
    app: AppData,
    agent: Agent,
    layout: Layout,
    path: web::Path<(i64, String)>,
) -> Result<HttpResponse> {
    let (number, id) = path.into_inner();
    let now = app.clock.now();
    let filename = app.db.write(move |conn| store::set_deleted(conn, &agent, number, &id, false, now)).await?;
    layout.see_other_saying(format!("/tickets/{number}#files"), &Flash::new(format!("{filename} is back.")))
}
