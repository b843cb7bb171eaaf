//! Cross-origin access to the public endpoints, for pages of other websites.

use crate::config::Config;
use crate::error::{Error, Kind, Result};
use crate::web::{assets, client};
use actix_web::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_HEADERS, HeaderMap, HeaderName,
    HeaderValue, ORIGIN, VARY,
};
use actix_web::{HttpRequest, HttpResponse};

/// Whether pages of other websites may read every response from this local path. This is
/// safe because these responses don't depend on cookies.
pub fn is_open(path: &str) -> bool {
    ["/f/", "/chat/"].iter().any(|below| path.starts_with(below)) || ["/embed.js", "/form.js"].contains(&path)
}

/// Adds the headers that let other websites read a response, whatever its status.
pub fn open(headers: &mut HeaderMap) {
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static("Retry-After"));
    headers.insert(HeaderName::from_static("cross-origin-resource-policy"), HeaderValue::from_static("cross-origin"));
}

/// `OPTIONS` of every open address. Browsers send it before a request with JSON, a secret,
/// or headers that monitoring tools add to the page. All headers are allowed, because only
/// the secret gives access to anything.
pub async fn preflight(req: HttpRequest) -> HttpResponse {
    let asked = req.headers().get(ACCESS_CONTROL_REQUEST_HEADERS).cloned();
    HttpResponse::NoContent()
        .insert_header((ACCESS_CONTROL_ALLOW_METHODS, "GET, POST"))
        .insert_header((ACCESS_CONTROL_ALLOW_HEADERS, asked.unwrap_or(HeaderValue::from_static("Content-Type"))))
        .insert_header((ACCESS_CONTROL_MAX_AGE, "86400"))
        .insert_header((VARY, "Access-Control-Request-Headers"))
        .finish()
}

/// Rejects websites that aren't in the list of allowed origins. An empty list allows all, and
/// our own hosted pages are always allowed. Browsers send the origin, other programs needn't:
/// this stops other websites from using a key, but it doesn't authenticate the client.
pub fn check(req: &HttpRequest, config: &Config, allowed: &str) -> Result<()> {
    let origin = origin(req);
    let is_listed = |origin: &str| allowed.split_whitespace().any(|one| one == origin);
    let is_ours = |origin: &str| origin == client::our_origin(req, config);
    if allowed.is_empty() || origin.is_none_or(|origin| is_listed(origin) || is_ours(origin)) {
        return Ok(());
    }
    Err(Error::new(Kind::Forbidden, "This website isn’t allowed to send this form."))
}

pub fn origin(req: &HttpRequest) -> Option<&str> {
    req.headers().get(ORIGIN).and_then(|value| value.to_str().ok())
}

/// `GET /embed.js`: the chat bubble for other websites.
pub async fn bubble_script(req: HttpRequest) -> Result<HttpResponse> {
    assets::by_name(&req, "embed.js")
}

/// `GET /form.js`: the optional script for forms on other websites.
pub async fn form_script(req: HttpRequest) -> Result<HttpResponse> {
    assets::by_name(&req, "form.js")
}
