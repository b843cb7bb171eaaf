//! `POST /f/{formKey}`: a website's own form. Open to every origin, blind to
//! cookies, and able to do nothing but add a submission.

use crate::app::AppData;
use crate::error::{Error, Kind, Result};
use crate::submissions::model::{FIELDS_READ, JsonFields, MAX_BYTES, Parsed};
use crate::submissions::store::{self, Form};
use crate::web::fields::{Fields, content_type, read_body};
use crate::web::layout::Layout;
use crate::web::{answer, client, text, token};
use actix_multipart::Multipart;
use actix_web::dev::Payload;
use actix_web::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_MAX_AGE,
    HeaderValue, LOCATION, ORIGIN, REFERER,
};
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
    match keep(req, app, layout, path, payload).await {
        Err(error) if is_json && error.kind.status().is_client_error() => {
            let mut answer = answer::json_of(&error);
            answer.headers_mut().insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
            Ok(answer)
        }
        outcome => outcome,
    }
}

async fn keep(
    req: HttpRequest,
    app: AppData,
    layout: Layout,
    path: web::Path<String>,
    payload: web::Payload,
) -> Result<HttpResponse> {
    let key = path.into_inner();
    let form = app.db.read(move |conn| store::form_by_key(conn, &key)).await?;
    let origin = header(&req, ORIGIN.as_str());
    check_origin(&form, origin)?;
    let is_json = content_type(&req) == "application/json";
    let parsed = Parsed::new(read(&req, payload.into_inner()).await?)?;
    let page_url = parsed.page_url.clone().or_else(|| referer(&req));
    let country = client::country(&req, &app.config);
    let next = allowed_next(&form, &parsed, origin);
    let (id, now, thanks) = (token::id()?, app.clock.now(), format!("/f/{}/thanks", form.key));
    let stored = id.clone();
    app.db
        .write(move |conn| store::add(conn, &form, &stored, &parsed, (page_url.as_deref(), country.as_deref()), now))
        .await?;
    if is_json {
        return Ok(HttpResponse::Created()
            .insert_header((ACCESS_CONTROL_ALLOW_ORIGIN, "*"))
            .json(json!({ "id": id, "next": next })));
    }
    Ok(match next {
        Some(next) => HttpResponse::SeeOther().insert_header((LOCATION, next)).finish(),
        None => layout.see_other(thanks),
    })
}

/// `OPTIONS /f/{formKey}`: browsers ask before they send JSON across origins.
pub async fn preflight() -> HttpResponse {
    HttpResponse::NoContent()
        .insert_header((ACCESS_CONTROL_ALLOW_ORIGIN, "*"))
        .insert_header((ACCESS_CONTROL_ALLOW_METHODS, "POST"))
        .insert_header((ACCESS_CONTROL_ALLOW_HEADERS, "Content-Type"))
        .insert_header((ACCESS_CONTROL_MAX_AGE, "86400"))
        .finish()
}

#[derive(Template)]
#[template(path = "submissions/thanks.html")]
struct ThanksPage<'a> {
    layout: &'a Layout,
}

/// `GET /f/{formKey}/thanks`
///
/// # Errors
/// When the template fails.
pub async fn thanks(layout: Layout) -> Result<HttpResponse> {
    layout.page(&ThanksPage { layout: &layout })
}

fn header<'a>(req: &'a HttpRequest, name: &str) -> Option<&'a str> {
    req.headers().get(name).and_then(|value| value.to_str().ok())
}

fn check_origin(form: &Form, origin: Option<&str>) -> Result<()> {
    // Browsers name the origin, programs need not: this keeps other sites from
    // using the form, and is no secret.
    let allowed = match origin {
        None => true,
        Some(origin) => form.origins().next().is_none() || form.origins().any(|allowed| allowed == origin),
    };
    if allowed {
        return Ok(());
    }
    Err(Error::new(Kind::Forbidden, "This form does not take entries from that website."))
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
