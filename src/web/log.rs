//! What is logged about a request: enough to find it again and to see who sends too many
//! requests (client address and user id), but nothing secret and nothing that a person wrote.
//! The route's pattern is logged instead of the address, which can contain invitation tokens
//! and search terms.

use crate::app::App;
use crate::web::client;
use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::{HttpMessage, HttpRequest, web};
use tracing::Span;
use tracing::field::Empty;
use tracing_actix_web::{RequestId, RootSpanBuilder};

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
        tracing::error_span!("request", method = %req.method(), %route, %id, %client, user = Empty, key = Empty)
    }

    fn on_request_end<B: MessageBody>(_: Span, _: &Result<ServiceResponse<B>, actix_web::Error>) {}
}
