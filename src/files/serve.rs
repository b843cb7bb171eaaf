//! Serves files: streamed, in ranges, and only as the type found by validation.

use crate::attachments::attachment;
use crate::error::{Error, Kind as ErrorKind, Result};
use crate::events::actor::Actor;
use crate::source_files::file;
use crate::source_files::file::SourceFile;
use crate::validation::kind::Kind;
use crate::web::query::Query;
use crate::web::{AppData, assets};
use actix_files::NamedFile;
use actix_web::http::StatusCode;
use actix_web::http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, Charset, ContentDisposition,
    ContentLength, ContentRange, ContentRangeSpec, ContentType, DispositionParam, DispositionType, ETAG, ExtendedValue,
    Header, HeaderValue, IF_NONE_MATCH, RANGE, Range,
};
use actix_web::{HttpRequest, HttpResponse, web};

/// A file must not run scripts, load other resources, or be framed by other websites.
const INERT: &str = "default-src 'none'; img-src 'self'; style-src 'unsafe-inline'; base-uri 'none'; \
     frame-ancestors 'none'; sandbox";
/// The browser's own PDF viewer doesn't start in a sandbox.
const INERT_PDF: &str = "default-src 'none'; object-src 'self'; base-uri 'none'; frame-ancestors 'none'";

/// The browser may cache the file, but must revalidate it each time.
const KEPT_FOR_SIGNED_IN: &str = "private, no-cache";

/// Query of an attachment's address.
#[derive(serde::Deserialize)]
pub struct Wish {
    download: Option<String>,
}

/// `GET /tickets/{number}/attachments/{id}`
///
/// # Errors
/// *Not found* also when the bytes are missing from the storage.
pub async fn show(
    req: HttpRequest,
    app: AppData,
    actor: Actor,
    path: web::Path<(i64, String)>,
    wish: Query<Wish>,
) -> Result<HttpResponse> {
    let (number, id) = path.into_inner();
    let file = app.db.read(move |conn| attachment::find(conn, actor.account_id, number, &id)).await?;
    let served = Served::new(file.key(), file.size, &file.sha256, file.kind, &file.filename, &wish);
    serve(&req, &app, served).await
}

/// `GET /files/{id}`: a file of a message or a submission
///
/// # Errors
/// *Not found* also when the bytes are missing from the storage.
pub async fn of_source(
    req: HttpRequest,
    app: AppData,
    actor: Actor,
    path: web::Path<String>,
    wish: Query<Wish>,
) -> Result<HttpResponse> {
    let id = path.into_inner();
    let file = app.db.read(move |conn| file::find(conn, actor.account_id, &id)).await?;
    source_file(&req, &app, &file, &wish).await
}

/// `GET /files/{id}/thumbnail`
///
/// # Errors
/// *Not found* when there is none.
pub async fn source_thumbnail(
    req: HttpRequest,
    app: AppData,
    actor: Actor,
    path: web::Path<String>,
) -> Result<HttpResponse> {
    let id = path.into_inner();
    let file = app.db.read(move |conn| file::find(conn, actor.account_id, &id)).await?;
    thumbnail_of(&req, &app, file.thumbnail_key(), &file.id).await
}

/// Serves a file of a message or a submission to somebody who may have it.
///
/// # Errors
/// *Not found* when the bytes are missing from the storage.
pub async fn source_file(req: &HttpRequest, app: &AppData, file: &SourceFile, wish: &Wish) -> Result<HttpResponse> {
    let served = Served::new(file.key(), file.size, &file.sha256, file.kind, &file.filename, wish);
    serve(req, app, served).await
}

/// `GET /tickets/{number}/attachments/{id}/thumbnail`
///
/// # Errors
/// *Not found* when there is none. If the bytes are missing from the storage, the
/// response is *not found* with a picture that says so.
pub async fn thumbnail(
    req: HttpRequest,
    app: AppData,
    actor: Actor,
    path: web::Path<(i64, String)>,
) -> Result<HttpResponse> {
    let (number, id) = path.into_inner();
    let attachment = app.db.read(move |conn| attachment::find(conn, actor.account_id, number, &id)).await?;
    // Stamps are unique within an account.
    thumbnail_of(&req, &app, attachment.thumbnail_key(), &attachment.stamp.to_string()).await
}

/// Serves a thumbnail. `mark` tells it from others that the same person may see.
///
/// # Errors
/// *Not found* when there is none.
pub async fn thumbnail_of(req: &HttpRequest, app: &AppData, key: Option<String>, mark: &str) -> Result<HttpResponse> {
    let key = key.ok_or_else(Error::not_found)?;
    let etag = format!("\"{mark}\"");
    if is_known(req, &etag) {
        return Ok(not_modified(&etag));
    }
    let bytes = match app.storage.get(&key, None).await {
        Err(error) if error.kind == ErrorKind::NotFound => return Ok(placeholder()),
        bytes => bytes?,
    };
    let content_type = if key.ends_with(".png") { "image/png" } else { "image/jpeg" };
    Ok(HttpResponse::Ok()
        .insert_header((CONTENT_SECURITY_POLICY, INERT))
        .insert_header((CACHE_CONTROL, KEPT_FOR_SIGNED_IN))
        .insert_header((ETAG, etag))
        .insert_header((CONTENT_ENCODING, "identity"))
        .content_type(content_type)
        .streaming(bytes))
}

/// Browsers show a picture even if its status is *not found*.
fn placeholder() -> HttpResponse {
    HttpResponse::NotFound()
        .insert_header((CONTENT_SECURITY_POLICY, INERT))
        .insert_header((CACHE_CONTROL, "no-store"))
        .content_type("image/svg+xml")
        .body(assets::bytes("missing.svg"))
}

fn is_known(req: &HttpRequest, etag: &str) -> bool {
    let known = req.headers().get(IF_NONE_MATCH).and_then(|value| value.to_str().ok());
    known.is_some_and(|known| known.contains(etag))
}

fn not_modified(etag: &str) -> HttpResponse {
    HttpResponse::NotModified().insert_header((CACHE_CONTROL, KEPT_FOR_SIGNED_IN)).insert_header((ETAG, etag)).finish()
}

struct Served {
    key: String,
    size: u64,
    etag: String,
    content_type: &'static str,
    disposition: ContentDisposition,
    policy: &'static str,
}

impl Served {
    fn new(key: String, size: i64, sha256: &str, kind: Kind, filename: &str, wish: &Wish) -> Self {
        let inline = kind.is_shown_inline() && wish.download.is_none();
        Self {
            key,
            size: u64::try_from(size).unwrap_or(0),
            etag: format!("\"{sha256}\""),
            content_type: kind.content_type(),
            disposition: disposition(inline, filename),
            policy: if kind == Kind::Pdf { INERT_PDF } else { INERT },
        }
    }
}

async fn serve(req: &HttpRequest, app: &AppData, served: Served) -> Result<HttpResponse> {
    let mut response = match app.storage.file(&served.key) {
        Some(path) => from_disk(req, &path, &served)?,
        None => from_store(req, app, &served).await?,
    };
    let headers = response.headers_mut();
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(served.policy));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static(KEPT_FOR_SIGNED_IN));
    headers.insert(CONTENT_ENCODING, HeaderValue::from_static("identity"));
    Ok(response)
}

fn missing() -> Error {
    Error::new(ErrorKind::NotFound, "This file is missing from the server’s storage. The ticket is not affected.")
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

/// Does for objects in a bucket what actix-files does for files on disk.
async fn from_store(req: &HttpRequest, app: &AppData, served: &Served) -> Result<HttpResponse> {
    if is_known(req, &served.etag) {
        return Ok(not_modified(&served.etag));
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

/// RFC 6266: the name in ASCII for old clients, and in full as `filename*`.
pub(super) fn disposition(inline: bool, filename: &str) -> ContentDisposition {
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
