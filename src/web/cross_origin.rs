//! What the public endpoints share, which pages of other websites speak to.

use crate::error::{Error, Kind, Result};
use crate::web::{answer, assets, text};
use actix_web::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, HeaderName, HeaderValue, ORIGIN,
};
use actix_web::{HttpRequest, HttpResponse};

/// Makes an answer, or what a client did wrong, readable for every site: without
/// cookies nothing in it is anybody else's.
///
/// # Errors
/// Those of our own that are no answer to anybody, to be logged on their way.
pub fn any_origin(outcome: Result<HttpResponse>) -> Result<HttpResponse> {
    let mut answer = match outcome {
        Err(error) if error.kind != Kind::Internal => {
            if error.kind.status().is_server_error() {
                tracing::error!(%error, "request failed");
            }
            answer::json_of(&error)
        }
        outcome => outcome?,
    };
    let headers = answer.headers_mut();
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static("Retry-After"));
    headers.insert(HeaderName::from_static("cross-origin-resource-policy"), HeaderValue::from_static("cross-origin"));
    Ok(answer)
}

/// The answer to a browser that asks whether it may.
#[must_use]
pub fn preflight(methods: &'static str, headers: &'static str) -> HttpResponse {
    HttpResponse::NoContent()
        .insert_header((ACCESS_CONTROL_ALLOW_ORIGIN, "*"))
        .insert_header((ACCESS_CONTROL_ALLOW_METHODS, methods))
        .insert_header((ACCESS_CONTROL_ALLOW_HEADERS, headers))
        .insert_header((ACCESS_CONTROL_MAX_AGE, "86400"))
        .finish()
}

/// Refuses websites that are not on a list of origins; an empty list has all.
/// Browsers name the origin, programs need not: this keeps other sites from using
/// a key, and is no secret.
///
/// # Errors
/// *Forbidden*.
pub fn check(req: &HttpRequest, allowed: &str) -> Result<()> {
    let origin = origin(req);
    if allowed.is_empty() || origin.is_none_or(|origin| allowed.split_whitespace().any(|one| one == origin)) {
        return Ok(());
    }
    Err(Error::new(Kind::Forbidden, "This is not taken from that website."))
}

/// The origin that a browser names.
#[must_use]
pub fn origin(req: &HttpRequest) -> Option<&str> {
    req.headers().get(ORIGIN).and_then(|value| value.to_str().ok())
}

/// A list of websites as a person typed it, as origins, one a line.
///
/// # Errors
/// *Invalid*, naming what is no website's address.
pub fn parse_origins(typed: &str) -> Result<String> {
    let origin = |line: &str| {
        let url = text::web_url(line).ok_or_else(|| {
            Error::invalid(format!("“{line}” is not a website’s address such as https://www.example.com."))
        })?;
        Ok(url.origin().ascii_serialization())
    };
    let origins: Result<Vec<String>> = typed.split_whitespace().map(origin).collect();
    Ok(origins?.join("\n"))
}

/// `GET /embed.js`: the chat bubble for other websites.
///
/// # Errors
/// Never.
pub async fn bubble_script(req: HttpRequest) -> Result<HttpResponse> {
    any_origin(assets::by_name(&req, "embed.js"))
}

/// `GET /form.js`: help for the forms of other websites.
///
/// # Errors
/// Never.
pub async fn form_script(req: HttpRequest) -> Result<HttpResponse> {
    any_origin(assets::by_name(&req, "form.js"))
}
