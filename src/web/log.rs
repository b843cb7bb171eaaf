//! What is logged about a request: enough to find it again and to see who sends too many
//! requests (client address and user id), but nothing secret and nothing that a person wrote.
//! The route's pattern is logged instead of the address, which can contain invitation tokens
//! and search terms.

use crate::app::App;
use crate::web::client;
use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{HeaderMap, HeaderName};
use actix_web::{HttpMessage, HttpRequest, web};
use opentelemetry::global;
use opentelemetry::propagation::Extractor;
use opentelemetry::trace::Status;
use tracing::Span;
use tracing::field::Empty;
use tracing_actix_web::{RequestId, RootSpanBuilder};
use tracing_opentelemetry::OpenTelemetrySpanExt;

/// The id of a request in the log, in response headers and on error pages.
pub fn request_id(req: &HttpRequest) -> String {
    req.extensions().get::<RequestId>().map(ToString::to_string).unwrap_or_default()
}

/// Adds the user or API key that sent the request to its subsequent log lines.
pub fn name_sender(user: Option<i64>, key: Option<i64>) {
    let span = Span::current();
    span.record("user", user);
    span.record("key", key);
}

/// The span around everything that happens for one request.
#[derive(Debug)]
pub struct RequestSpan;

impl RootSpanBuilder for RequestSpan {
    fn on_request_start(req: &ServiceRequest) -> Span {
        let id = request_id(req.request());
        let app = req.app_data::<web::Data<App>>();
        let client = app.map(|app| client::address(req.request(), &app.config).to_string()).unwrap_or_default();
        let route = req.match_pattern().unwrap_or_else(|| "none".into());
        // The highest level, so that RUST_LOG never removes the span from a line that it
        // shows.
        let span =
            tracing::error_span!("request", method = %req.method(), %route, %id, %client, user = Empty, key = Empty);
        if app.is_some_and(|app| client::is_from_proxy(req.request(), &app.config)) {
            let caller = global::get_text_map_propagator(|propagator| propagator.extract(&Caller(req.headers())));
            // Fails where no traces are collected.
            let _ = span.set_parent(caller);
        }
        span
    }

    fn on_request_end<B: MessageBody>(span: Span, outcome: &Result<ServiceResponse<B>, actix_web::Error>) {
        let status = match outcome {
            Ok(response) => response.status(),
            Err(error) => error.as_response_error().status_code(),
        };
        span.set_attribute("http.response.status_code", i64::from(status.as_u16()));
        if status.is_server_error() {
            span.set_status(Status::error(""));
        }
    }
}

/// The trace that a request belongs to, as its headers say (W3C Trace Context).
struct Caller<'a>(&'a HeaderMap);

impl Extractor for Caller<'_> {
    fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name)?.to_str().ok()
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(HeaderName::as_str).collect()
    }
}
