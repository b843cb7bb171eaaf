//! `POST /f/{formKey}`: receives a website's own form. The endpoint is open to every origin
//! that the form allows, ignores cookies, and can only add a submission.

use crate::error::{Error, Kind, Result};
use crate::events::actor::Actor;
use crate::limits::budget::Share;
use crate::submissions::fields::{FIELDS_READ, JsonFields, MAX_BYTES, Parsed};
use crate::submissions::form::Form;
use crate::submissions::submission::Origin;
use crate::submissions::{form, submission};
use crate::values::{text, token};
use crate::web::fields::{content_type, read_body};
use crate::web::layout::Layout;
use crate::web::multipart::{file_name, multipart_error};
use crate::web::query::Query;
use crate::web::{AppData, charset, client, cross_origin, flow, multipart};
use actix_multipart::Multipart;
use actix_web::dev::Payload;
use actix_web::http::header::{LOCATION, REFERER};
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use encoding_rs::Encoding;
use form_urlencoded::byte_serialize;
use futures_util::TryStreamExt;
use serde::Deserialize;
use serde_json::json;

/// Maximum size of files that are read and discarded, in bytes, so that the text after them
/// is kept. They cost transfer time but no memory.
const MAX_FILES: usize = 1024 * 1024 * 1024;

/// `POST /f/{formKey}`. A JSON request gets a JSON response, which the website can read.
///
/// # Errors
/// *Not found* for an unknown key, *forbidden* for an origin that the form doesn't allow,
/// *too large*, *unreadable* or *invalid* for a form that can't be stored.
pub async fn receive(
    req: HttpRequest,
    app: AppData,
    layout: Layout,
    path: web::Path<String>,
    payload: web::Payload,
) -> Result<HttpResponse> {
    let key = path.into_inner();
    // Before any lookup: a flood of requests must not reach the database.
    app.limits.form_address.check(client::network(&req, &app.config))?;
    app.limits.form_key.check(&key)?;
    let form = app.db.read(move |conn| form::by_key(conn, &key)).await?;
    cross_origin::check(&req, &app.config, &form.allowed_origins)?;
    let origin = cross_origin::origin(&req);
    let Sent { fields, files } = read(&req, payload.into_inner()).await?;
    let parsed = Parsed::new(fields)?;
    let page_url = parsed.page_url.clone().or_else(|| referer(&req));
    let from = Origin { page_url, country: client::country(&req, &app.config) };
    let next = allowed_next(&form, parsed.next.as_deref(), origin);
    let said = form.thanks.clone();
    let (id, now, thanks) = (token::id()?, app.clock.now(), format!("/f/{}/thanks", form.key));
    let (stored, visitor) = (id.clone(), Actor::visitor(form.account_id, &parsed.visitor_name));
    app.db.write(move |conn| submission::add(conn, &visitor, &form, &stored, &parsed, &from, now)).await?;
    if content_type(&req) == "application/json" {
        return Ok(HttpResponse::Created().json(json!({ "id": id, "next": next, "thanks": said })));
    }
    let to = match (files, next) {
        (0, Some(next)) => HttpResponse::SeeOther().insert_header((LOCATION, next)).finish(),
        (0, None) => layout.see_other(thanks),
        // Our page first says that the files weren't kept.
        (files, next) => {
            let next = next.map(|next| format!("&next={}", byte_serialize(next.as_bytes()).collect::<String>()));
            layout.see_other(format!("{thanks}?files={files}{}", next.unwrap_or_default()))
        }
    };
    Ok(to)
}

#[derive(Template)]
#[template(path = "public/thanks.html")]
struct ThanksPage<'a> {
    layout: &'a Layout,
    thanks: String,
    /// How many files were sent but not kept.
    files: usize,
    /// The form's next page, if the visitor has to see a notice first.
    next: Option<String>,
    /// The website that sent the form, and its address.
    site: Option<(String, String)>,
}

/// Query of `GET /f/{formKey}/thanks`.
#[derive(Deserialize)]
pub struct Outcome {
    #[serde(default)]
    files: usize,
    next: Option<String>,
}

/// `GET /f/{formKey}/thanks`: `files` (how many weren't kept), `next`
pub async fn thanks(
    req: HttpRequest,
    app: AppData,
    layout: Layout,
    path: web::Path<String>,
    query: Query<Outcome>,
) -> Result<HttpResponse> {
    let key = path.into_inner();
    let form = app.db.read(move |conn| form::by_key(conn, &key)).await?;
    let Outcome { files, next } = query.into_inner();
    // Only the referrer tells which website sent the form.
    let site = referer(&req).and_then(|url| text::web_url(&url)).map(|url| url.origin().ascii_serialization());
    let next = allowed_next(&form, next.as_deref(), site.as_deref()).filter(|_| files > 0);
    let ours = client::our_origin(&req, &app.config);
    let site = site.filter(|site| *site != ours).map(|site| (text::without_scheme(&site).to_owned(), site));
    layout.page(&ThanksPage { layout: &layout, thanks: form.thanks, files, next, site })
}

fn header<'a>(req: &'a HttpRequest, name: &str) -> Option<&'a str> {
    req.headers().get(name).and_then(|value| value.to_str().ok())
}

/// `_next` may lead only to an allowed origin or, if the form has no list of origins, to the
/// website that sent it. Otherwise the form's own page is used, if it has one.
fn allowed_next(form: &Form, wanted: Option<&str>, origin: Option<&str>) -> Option<String> {
    let is_allowed = |url: &url::Url| {
        let target = url.origin().ascii_serialization();
        form.origins().any(|allowed| allowed == target) || (form.origins().next().is_none() && origin == Some(&target))
    };
    let wanted = wanted.and_then(text::web_url).filter(is_allowed);
    let own = || text::web_url(&form.next_url);
    wanted.or_else(own).map(String::from)
}

fn referer(req: &HttpRequest) -> Option<String> {
    header(req, REFERER.as_str()).and_then(text::web_url).map(String::from)
}

/// The content of a submitted form.
struct Sent {
    fields: Vec<(String, String)>,
    /// How many files.
    files: usize,
}

impl Sent {
    fn of(fields: Vec<(String, String)>) -> Self {
        Self { fields, files: 0 }
    }
}

async fn read(req: &HttpRequest, mut payload: Payload) -> Result<Sent> {
    let (share, declared) = (flow::share(req)?, charset::declared(req));
    match content_type(req).as_str() {
        "application/x-www-form-urlencoded" => {
            let body = read_body(req, &mut payload, MAX_BYTES).await?;
            Ok(Sent::of(charset::pairs(&body, declared)))
        }
        "application/json" => {
            let body = read_body(req, &mut payload, MAX_BYTES).await?;
            let unreadable = |error| Error::new(Kind::Unreadable, format!("Send a JSON object of fields: {error}."));
            let read = serde_json::from_str(&charset::body(body, declared));
            read.map(|JsonFields(fields)| Sent::of(fields)).map_err(unreadable)
        }
        "multipart/form-data" => read_multipart(multipart::parts(req, payload), &share, declared).await,
        _ => Err(Error::new(
            Kind::UnsupportedType,
            "Send the form as application/x-www-form-urlencoded, multipart/form-data or application/json.",
        )),
    }
}

/// Reads the fields. Of a file only the name is kept, because forms accept no files.
async fn read_multipart(mut parts: Multipart, share: &Share, declared: Option<&'static Encoding>) -> Result<Sent> {
    let unreadable = |error| multipart_error(&error);
    let (mut fields, mut left, mut files, mut files_left) = (Vec::new(), MAX_BYTES, 0, MAX_FILES);
    while let Some(mut part) = parts.try_next().await.map_err(unreadable)? {
        // There are too many fields already: `Parsed::new` rejects the form.
        if fields.len() >= FIELDS_READ {
            break;
        }
        let name = part.name().unwrap_or_default().to_owned();
        let file = part.content_disposition().and_then(file_name);
        left = take(left, name.len() + file.as_ref().map_or(0, String::len))?;
        let mut value = Vec::new();
        while let Some(chunk) = part.try_next().await.map_err(unreadable)? {
            if file.is_some() {
                files_left = files_left.checked_sub(chunk.len()).ok_or_else(|| {
                    Error::new(Kind::TooLarge, "The files are too large. Send the form without them.")
                })?;
                continue;
            }
            left = take(left, chunk.len())?;
            share.take(chunk.len())?;
            value.extend_from_slice(&chunk);
        }
        let value = match file {
            Some(file) if !file.is_empty() => {
                files += 1;
                Value::File(file)
            }
            // An empty file field counts as empty text.
            _ => Value::Text(value),
        };
        fields.push((name, value));
    }
    // The headers of the parts are UTF-8 already, see multipart.rs.
    let texts = fields.iter().filter_map(|(name, value)| match value {
        Value::Text(value) => Some((name.as_bytes(), value.as_slice())),
        Value::File(_) => None,
    });
    let encoding = charset::of_fields(texts, declared);
    fields.retain(|(name, _)| name != charset::CHARSET_FIELD);
    let decode = |value| match value {
        Value::Text(value) => charset::decode(&value, encoding),
        Value::File(name) => format!("(file not kept: {name})"),
    };
    Ok(Sent { fields: fields.into_iter().map(|(name, value)| (name, decode(value))).collect(), files })
}

/// The content of one part of a multipart form.
enum Value {
    Text(Vec<u8>),
    /// The name of a file, whose content is discarded.
    File(String),
}

fn take(left: usize, bytes: usize) -> Result<usize> {
    left.checked_sub(bytes).ok_or_else(|| Error::new(Kind::TooLarge, "A form can have at most 64 KB of text."))
}
