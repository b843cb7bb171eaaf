//! `POST /f/{formKey}`: receives a website's own form. The endpoint is open to every origin
//! that the form allows, ignores cookies, and can only add a submission.

use crate::app::App;
use crate::error::{Error, Kind, Result};
use crate::events::actor::Actor;
use crate::files::message;
use crate::files::message::From;
use crate::files::receive::{Part, Receiver, Rules};
use crate::files::upload::Refused;
use crate::source_files::file::MAX_FILES;
use crate::source_files::keep::Stored;
use crate::submissions::fields::{FIELDS_READ, JsonFields, MAX_BYTES, Parsed};
use crate::submissions::form::Form;
use crate::submissions::submission::Origin;
use crate::submissions::{form, submission};
use crate::values::{text, token};
use crate::web::fields::{content_type, read_body};
use crate::web::layout::Layout;
use crate::web::query::Query;
use crate::web::{AppData, charset, client, cross_origin, multipart};
use actix_multipart::Multipart;
use actix_web::dev::Payload;
use actix_web::http::header::{LOCATION, REFERER};
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use encoding_rs::Encoding;
use form_urlencoded::byte_serialize;
use serde::Deserialize;
use serde_json::json;

/// Most bytes of a form. Files that are too large are read and dropped, so that the text after them
/// is kept; they cost transfer time but no memory.
const MAX_REQUEST: usize = 1024 * 1024 * 1024;

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
    let from = From::Visitor(form.account_id, client::network(&req, &app.config));
    let Sent { fields, files, refused } = read(&req, &app, payload.into_inner(), from).await?;
    let mut parsed = Parsed::new(fields)?;
    if !parsed.spam {
        parsed.files = files;
    }
    let page_url = parsed.page_url.clone().or_else(|| referer(&req));
    let origin_of = Origin { page_url, country: client::country(&req, &app.config) };
    let next = allowed_next(&form, parsed.next.as_deref(), origin);
    let said = form.thanks.clone();
    let (id, now, thanks) = (token::id()?, app.clock.now(), format!("/f/{}/thanks", form.key));
    let (stored, visitor) = (id.clone(), Actor::visitor(form.account_id, &parsed.visitor_name));
    app.db.write(move |conn| submission::add(conn, &visitor, &form, &stored, &parsed, &origin_of, now)).await?;
    if content_type(&req) == "application/json" {
        return Ok(HttpResponse::Created().json(json!({ "id": id, "next": next, "thanks": said })));
    }
    let to = match (refused, next) {
        (0, Some(next)) => HttpResponse::SeeOther().insert_header((LOCATION, next)).finish(),
        (0, None) => layout.see_other(thanks),
        // Our page first says that the files weren't kept.
        (refused, next) => {
            let next = next.map(|next| format!("&next={}", byte_serialize(next.as_bytes()).collect::<String>()));
            layout.see_other(format!("{thanks}?files={refused}{}", next.unwrap_or_default()))
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
#[derive(Default)]
struct Sent {
    fields: Vec<(String, String)>,
    files: Vec<Stored>,
    /// How many files were refused.
    refused: usize,
}

impl Sent {
    fn of(fields: Vec<(String, String)>) -> Self {
        Self { fields, ..Self::default() }
    }
}

async fn read(req: &HttpRequest, app: &App, mut payload: Payload, from: From) -> Result<Sent> {
    let declared = charset::declared(req);
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
        "multipart/form-data" => read_multipart(app, multipart::parts(req, payload), from, declared).await,
        _ => Err(Error::new(
            Kind::UnsupportedType,
            "Send the form as application/x-www-form-urlencoded, multipart/form-data or application/json.",
        )),
    }
}

/// Reads the fields and stores the files. A refused file is named with the reason, and the
/// rest of the form is kept.
async fn read_multipart(app: &App, parts: Multipart, from: From, declared: Option<&'static Encoding>) -> Result<Sent> {
    let (max_request, sender) = (MAX_REQUEST, from.sender());
    let rules = Rules { only: None, max_files: MAX_FILES, max_text: MAX_BYTES, max_request, sender };
    let mut receiver = Receiver::new(parts, &app.uploads, rules);
    let (mut fields, mut sent) = (Vec::new(), Sent::default());
    while let Some(part) = receiver.next().await? {
        // There are too many fields already: `Parsed::new` rejects the form.
        if fields.len() >= FIELDS_READ {
            break;
        }
        fields.push(match part {
            Part::Field(name, value) => (name, Value::Text(value)),
            Part::File(name, file) => match message::store(app, from, file).await? {
                Ok(stored) => {
                    let filename = stored.filename.clone();
                    sent.files.push(stored);
                    (name, Value::File(filename))
                }
                Err(Refused { filename, rejection }) => {
                    sent.refused += 1;
                    (name, Value::File(format!("(file not kept: {filename}: {})", rejection.message)))
                }
            },
        });
    }
    let size = |(name, value): &(String, Value)| match value {
        Value::Text(text) => name.len() + text.len(),
        Value::File(text) => name.len() + text.len(),
    };
    if fields.iter().map(size).sum::<usize>() > MAX_BYTES {
        return Err(Error::new(Kind::TooLarge, "A form can have at most 64 KB of text."));
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
        Value::File(text) => text,
    };
    sent.fields = fields.into_iter().map(|(name, value)| (name, decode(value))).collect();
    Ok(sent)
}

/// The content of one part of a multipart form.
enum Value {
    Text(Vec<u8>),
    /// The name of a file, and why it was refused, if it was.
    File(String),
}
