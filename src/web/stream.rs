//! Responses with server-sent events.

use actix_web::HttpResponse;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_ENCODING, HeaderName};
use actix_web::web::Bytes;
use futures_util::{Stream, StreamExt};
use std::convert::Infallible;

pub fn events(frames: impl Stream<Item = Bytes> + 'static) -> HttpResponse {
    HttpResponse::Ok()
        .content_type("text/event-stream")
        .insert_header((CACHE_CONTROL, "no-store"))
        // Compression and proxies would hold events back in their buffers.
        .insert_header((CONTENT_ENCODING, "identity"))
        .insert_header((HeaderName::from_static("x-accel-buffering"), "no"))
        .streaming(frames.map(Ok::<_, Infallible>))
}

/// Formats one event (HTML standard, 9.2).
pub fn frame(name: &str, id: Option<i64>, data: &str) -> String {
    let id = id.map(|id| format!("id: {id}\n")).unwrap_or_default();
    format!("event: {name}\n{id}data: {data}\n\n")
}

/// A comment that keeps a quiet stream alive through proxies.
pub const KEEP_ALIVE: &str = ": \n\n";
