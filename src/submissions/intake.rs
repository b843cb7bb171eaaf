//! `POST /f/{formKey}`: a website's own form. Open to every origin, blind to
//! cookies, and able to do nothing but add a submission.

use crate::app::AppData;
use crate::error::{Error, Kind, Result};
use crate::limits::network;
use crate::submissions::model::{FIELDS_READ, JsonFields, MAX_BYTES, Parsed};
use crate::submissions::news;
use crate::submissions::store::{self, Form};
use crate::web::cross_origin::{self, any_origin};
use crate::web::fields::{Fields, content_type, read_body};
use crate::web::layout::Layout;
use crate::web::{client, text, token};
use actix_multipart::Multipart;
use actix_web::dev::Payload;
use actix_web::http::header::{LOCATION, REFERER};
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use futures_util::TryStreamExt;
use serde_json::json;

/// `POST /f/{formKey}`. JSON in, JSON out, readable for the site that sent it.
///
/// # Errors
/// *Not found* for an unknown key, *forbidden* for an origin that the form does
/// not allow, *too large*, *unreadable* or *invalid* for what cannot be kept.
pub async fn receive(
    req: HttpRequest,
    app: AppData,
    layout: Layout,
    path: web::Path<String>,
    payload: web::Payload,
) -> Result<HttpResponse> {
    let is_json = content_type(&req) == "application/json";
    let outcome = keep(req, app, layout, path, payload).await;
    if is_json { any_origin(outcome) } else { outcome }
}

async fn keep(
    req: HttpRequest,
    app: AppData,
    layout: Layout,
    path: web::Path<String>,
    payload: web::Payload,
) -> Result<HttpResponse> {
    let key = path.into_inner();
    // Before anything is looked up: a flood must not reach the database.
    app.limits.form_address.check(network(client::address(&req, &app.config)))?;
    app.limits.form_key.check(&key)?;
    let form = app.db.read(move |conn| store::form_by_key(conn, &key)).await?;
    cross_origin::check(&req, &form.allowed_origins)?;
    let origin = cross_origin::origin(&req);
    let is_json = content_type(&req) == "application/json";
    let parsed = Parsed::new(read(&req, payload.into_inner()).await?)?;
    let page_url = parsed.page_url.clone().or_else(|| referer(&req));
    let country = client::country(&req, &app.config);
    let next = allowed_next(&form, &parsed, origin);
    let said = form.thanks.clone();
    let (id, now, thanks) = (token::id()?, app.clock.now(), format!("/f/{}/thanks", form.key));
    let (stored, account_id) = (id.clone(), form.account_id);
    let submission = app
        .db
        .write(move |conn| store::add(conn, &form, &stored, &parsed, (page_url.as_deref(), country.as_deref()), now))
        .await?;
    news::submitted(&app.live, account_id, &submission);
    if is_json {
        return Ok(HttpResponse::Created().json(json!({ "id": id, "next": next, "thanks": said })));
    }
    Ok(match next {
        Some(next) => HttpResponse::SeeOther().insert_header((LOCATION, next)).finish(),
        None => layout.see_other(thanks),
    })
}

/// `OPTIONS /f/{formKey}`: browsers ask before they send JSON across origins.
pub async fn preflight() -> HttpResponse {
    cross_origin::preflight("POST", "Content-Type")
}

#[derive(Template)]
#[template(path = "submissions/thanks.html")]
struct ThanksPage<'a> {
    layout: &'a Layout,
    thanks: String,
}

/// `GET /f/{formKey}/thanks`
///
/// # Errors
/// *Not found* for an unknown key.
pub async fn thanks(app: AppData, layout: Layout, path: web::Path<String>) -> Result<HttpResponse> {
    let key = path.into_inner();
    let form = app.db.read(move |conn| store::form_by_key(conn, &key)).await?;
    layout.page(&ThanksPage { layout: &layout, thanks: form.thanks })
}

fn header<'a>(req: &'a HttpRequest, name: &str) -> Option<&'a str> {
    req.headers().get(name).and_then(|value| value.to_str().ok())
}

/// `_next` may lead to an allowed origin only; where the form names none, to
/// the site that sent it. Otherwise the form's own page, if it has one.
fn allowed_next(form: &Form, parsed: &Parsed, origin: Option<&str>) -> Option<String> {
    let is_allowed = |url: &url::Url| {
        let target = url.origin().ascii_serialization();
        form.origins().any(|allowed| allowed == target) || (form.origins().next().is_none() && origin == Some(&target))
    };
    let wanted = parsed.next.as_deref().and_then(text::web_url).filter(is_allowed);
    let own = || text::web_url(&form.next_url);
    wanted.or_else(own).map(String::from)
}

fn referer(req: &HttpRequest) -> Option<String> {
    header(req, REFERER.as_str()).and_then(text::web_url).map(String::from)
}

async fn read(req: &HttpRequest, mut payload: Payload) -> Result<Vec<(String, String)>> {
    match content_type(req).as_str() {
        "application/x-www-form-urlencoded" => {
            let body = read_body(&mut payload, MAX_BYTES).await?;
            Ok(Fields::parse(&body).iter().cloned().collect())
        }
        "application/json" => {
            let body = read_body(&mut payload, MAX_BYTES).await?;
            let unreadable =
                |error| Error::new(Kind::Unreadable, format!("That is not a JSON object of fields: {error}."));
            serde_json::from_slice(&body).map(|JsonFields(fields)| fields).map_err(unreadable)
        }
        "multipart/form-data" => read_multipart(Multipart::new(req.headers(), payload)).await,
        _ => Err(Error::new(
            Kind::UnsupportedType,
            "A form is sent as application/x-www-form-urlencoded, multipart/form-data or application/json.",
        )),
    }
}

/// Reads the fields; a file is told by its name only, since forms take none.
async fn read_multipart(mut parts: Multipart) -> Result<Vec<(String, String)>> {
    let unreadable = |_| Error::new(Kind::Unreadable, "The form ended before all of it arrived.");
    let (mut fields, mut left) = (Vec::new(), MAX_BYTES);
    while let Some(mut part) = parts.try_next().await.map_err(unreadable)? {
        let name = part.name().unwrap_or_default().to_owned();
        let file = part.content_disposition().and_then(|disposition| disposition.get_filename()).map(ToOwned::to_owned);
        let mut value = Vec::new();
        left = take(left, name.len() + file.as_ref().map_or(0, String::len))?;
        if fields.len() >= FIELDS_READ {
            break;
        }
        while let Some(chunk) = part.try_next().await.map_err(unreadable)? {
            left = take(left, chunk.len())?;
            value.extend_from_slice(&chunk);
        }
        match file {
            Some(file) if !file.is_empty() => fields.push((name, format!("(file not kept: {file})"))),
            // A file field that was left empty.
            Some(_) => fields.push((name, String::new())),
            None => fields.push((name, String::from_utf8_lossy(&value).into_owned())),
        }
    }
    Ok(fields)
}

fn take(left: usize, bytes: usize) -> Result<usize> {
    left.checked_sub(bytes).ok_or_else(|| Error::new(Kind::TooLarge, "A form takes at most 64 KB, and no files."))
}
