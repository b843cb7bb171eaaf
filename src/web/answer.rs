//! Responses: pages, JSON, and errors as either of the two.

use crate::error::{Error, Kind, Result};
use crate::web::fields::content_type;
use crate::web::layout::Layout;
use crate::web::log;
use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::http::header::{ACCEPT, CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER};
use actix_web::middleware::Next;
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder};
use askama::Template;
use serde_json::json;

/// Whether the client wants JSON instead of a page.
pub fn wants_json(req: &HttpRequest) -> bool {
    let layout = Layout::of(req);
    if layout.is_for_programs() || (layout.is_for_visitors() && content_type(req) == "application/json") {
        return true;
    }
    let accept = req.headers().get(ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or("");
    accept.contains("application/json") && !accept.contains("text/html")
}

/// Middleware that renders every error as a page or as JSON, and logs server errors and
/// refused requests once.
pub async fn present_errors(
    req: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    let mut response = next.call(req).await?.map_into_boxed_body();
    let request_id = log::request_id(response.request());
    if let Ok(value) = HeaderValue::from_str(&request_id) {
        response.headers_mut().insert(HeaderName::from_static("x-request-id"), value);
    }
    let status = response.status();
    // A response without an error comes from a handler. The exceptions are the framework's
    // bare responses for an unknown address or method, which have no content type.
    let is_bare = matches!(status, StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED)
        && !response.headers().contains_key(CONTENT_TYPE);
    if response.response().error().is_none() && !is_bare {
        return Ok(response);
    }
    let foreign;
    let error = match response.response().error().and_then(|error| error.as_error::<Error>()) {
        Some(error) => error,
        None => {
            foreign = from_status(status, response.response().error());
            &foreign
        }
    };
    match error.kind {
        Kind::Internal | Kind::Unavailable | Kind::Full => tracing::error!(cause = error.cause(), "request failed"),
        Kind::SignedOut | Kind::Forbidden | Kind::Misdirected => {
            tracing::info!(reason = error.message(), "request refused");
        }
        // Don't log the rest: a client that sends too much must not fill the log.
        _ => {}
    }
    let mut page = error_response(response.request(), error, &request_id);
    if status == StatusCode::METHOD_NOT_ALLOWED {
        *page.status_mut() = status;
    }
    // Keep the other headers of the response, such as `Allow` and the rate limit.
    for (name, value) in response.headers() {
        if !page.headers().contains_key(name) {
            page.headers_mut().insert(name.clone(), value.clone());
        }
    }
    let (req, _) = response.into_parts();
    Ok(ServiceResponse::new(req, page))
}

/// Renders an error as a page or as JSON, whichever the client wants.
fn error_response(req: &HttpRequest, error: &Error, request_id: &str) -> HttpResponse {
    if wants_json(req) {
        return json_of(error);
    }
    let layout = Layout::of(req);
    let page = ErrorPage { layout: &layout, title: error_title(error.kind), message: error.message(), request_id };
    // If the error page itself fails, send only the message.
    let body = page.render().unwrap_or_else(|_| error.message().to_owned());
    start(error).content_type("text/html; charset=utf-8").body(body)
}

fn start(error: &Error) -> HttpResponseBuilder {
    let mut response = HttpResponse::build(error.kind.status());
    if let Some(seconds) = error.retry_after() {
        response.insert_header((RETRY_AFTER, seconds.to_string()));
    }
    if error.kind == Kind::TooSlow {
        // The rest of the body may still arrive.
        response.force_close();
    }
    response
}

fn json_of(error: &Error) -> HttpResponse {
    start(error).json(json!({ "error": { "code": error.kind.code(), "message": error.message() } }))
}

/// Converts an error of the framework to one of ours.
fn from_status(status: StatusCode, source: Option<&actix_web::Error>) -> Error {
    let kind = match status {
        StatusCode::NOT_FOUND => return Error::not_found(),
        StatusCode::METHOD_NOT_ALLOWED => {
            return Error::new(Kind::NotFound, "This address doesn’t support that method.");
        }
        StatusCode::UNAUTHORIZED => Kind::SignedOut,
        StatusCode::FORBIDDEN => Kind::Forbidden,
        StatusCode::PAYLOAD_TOO_LARGE => Kind::TooLarge,
        StatusCode::UNSUPPORTED_MEDIA_TYPE => Kind::UnsupportedType,
        status if status.is_client_error() => Kind::Unreadable,
        _ => {
            let source = source.map_or_else(|| status.to_string(), ToString::to_string);
            return Error::internal("request rejected by the framework", source);
        }
    };
    Error::new(kind, "The request could not be understood.")
}

#[derive(Template)]
#[template(path = "web/error.html")]
struct ErrorPage<'a> {
    layout: &'a Layout,
    title: &'static str,
    message: &'a str,
    request_id: &'a str,
}

fn error_title(kind: Kind) -> &'static str {
    match kind {
        Kind::Unreadable => "The request can’t be read",
        Kind::SignedOut => "Please sign in",
        Kind::Forbidden => "Not allowed",
        Kind::NotFound => "Not found",
        Kind::TooSlow => "The request took too long",
        Kind::Conflict => "Changed in the meantime",
        Kind::Gone => "No longer there",
        Kind::TooLarge => "Too large",
        Kind::UnsupportedType => "File type not allowed",
        Kind::Misdirected => "Wrong address",
        Kind::Invalid => "Please check your input",
        Kind::TooMany => "Too many requests",
        Kind::Internal => "Something went wrong",
        Kind::Unavailable => "Temporarily unavailable",
        Kind::Full => "Out of storage",
    }
}
