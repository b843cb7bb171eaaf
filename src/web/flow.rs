//! Limits how bodies are received and responses are sent: with a minimum speed, in pieces,
//! and within the memory budget.

use crate::app::App;
use crate::error::{Error, Kind, Result};
use crate::limits::budget::Share;
use crate::limits::pace::Pace;
use crate::web::client;
use crate::web::connection::Handle;
use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::error::PayloadError;
use actix_web::http::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderMap};
use actix_web::middleware::Next;
use actix_web::rt::task::JoinHandle;
use actix_web::web::Bytes;
use actix_web::{HttpMessage, HttpRequest, HttpResponse, web};
use futures_util::Stream;
use std::cell::Cell;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::{Instant, Sleep, sleep};

/// Size of the pieces in which a response is sent, in bytes. The unsent rest counts against
/// the budget. A client that stops reading is disconnected.
const PIECE: usize = 32 * 1024;

/// How much of a body of unknown length is read at a time, in bytes.
const CHUNK: u64 = 4 * 1024;

/// The request's share of the memory budget.
///
/// # Errors
/// *Internal* outside of [`regulate`].
pub fn share(req: &HttpRequest) -> Result<Share> {
    req.extensions().get::<Share>().cloned().ok_or_else(|| Error::internal("wiring", "no share of the budget"))
}

/// The `Content-Length` in bytes.
pub fn declared_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// Middleware that applies these limits to every request and response.
pub async fn regulate(
    mut req: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    let Some(app) = req.app_data::<web::Data<App>>().cloned() else {
        return next.call(req).await.map(ServiceResponse::map_into_boxed_body);
    };
    let pace = app.config.pace;
    let share = app.budget.share(client::network(req.request(), &app.config));
    let connection = req.conn_data::<Handle>().cloned();
    req.extensions_mut().insert(share.clone());
    let length = declared_length(req.headers());
    let payload = Paced { length, connection: connection.clone(), ..Paced::new(req.take_payload(), pace) };
    req.set_payload(Payload::Stream { payload: Box::pin(payload) });
    let response = next.call(req).await?.map_into_boxed_body();
    // The time of the next event is unknown, so only the system's TCP timeout can detect that
    // the reader of an event stream is gone.
    let is_stream = response.headers().get(CONTENT_TYPE).is_some_and(|kind| kind == "text/event-stream");
    let is_empty = matches!(response.response().body().size(), BodySize::None | BodySize::Sized(0));
    if is_stream || is_empty || response.response().error().is_some() {
        return Ok(response);
    }
    let (request, response) = response.into_parts();
    let (response, body) = response.into_parts();
    let size = body.size();
    let (body, rest) = match body.try_into_bytes() {
        Ok(bytes) => (BoxBody::new(()), bytes),
        Err(body) => (body, Bytes::new()),
    };
    if let Err(error) = share.take(rest.len()) {
        return Ok(ServiceResponse::new(request, HttpResponse::from_error(error)));
    }
    let patience = app.config.pace.read_stall;
    let pieces = Pieces { size, body, rest, _share: share, watch: None, patience, connection };
    Ok(ServiceResponse::new(request, response.set_body(BoxBody::new(pieces))))
}

/// A body that must arrive at the configured pace. Only the time spent waiting for the
/// client counts.
struct Paced {
    payload: Payload,
    pace: Pace,
    received: u64,
    waited: Duration,
    waiting: Option<(Instant, Pin<Box<Sleep>>)>,
    /// The declared length in bytes.
    length: Option<u64>,
    connection: Option<Handle>,
}

impl Paced {
    fn new(payload: Payload, pace: Pace) -> Self {
        Self { payload, pace, received: 0, waited: Duration::ZERO, waiting: None, length: None, connection: None }
    }
}

impl Stream for Paced {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        match Pin::new(&mut this.payload).poll_next(cx) {
            Poll::Pending => {
                if let Some(connection) = &this.connection {
                    connection.let_in(this.length.map_or(CHUNK, |length| length.saturating_sub(this.received)));
                }
                let left = this.pace.left(this.waited, this.received);
                let (_, timer) = this.waiting.get_or_insert_with(|| (Instant::now(), Box::pin(sleep(left))));
                if timer.as_mut().poll(cx).is_pending() {
                    return Poll::Pending;
                }
                // The library would wait for the end of a body of unknown length, however
                // long.
                if let (None, Some(connection)) = (this.length, &this.connection) {
                    connection.end();
                }
                Poll::Ready(Some(Err(PayloadError::Io(std::io::ErrorKind::TimedOut.into()))))
            }
            ready => {
                if let Some((since, _)) = this.waiting.take() {
                    this.waited += since.elapsed();
                }
                if let Poll::Ready(Some(Ok(bytes))) = &ready {
                    this.received += bytes.len() as u64;
                }
                ready
            }
        }
    }
}

/// Explains why a body could not be read to its end.
pub fn body_error(error: &PayloadError) -> Error {
    match error {
        PayloadError::Io(error) if error.kind() == std::io::ErrorKind::TimedOut => {
            Error::new(Kind::TooSlow, "The request came too slowly. Check your connection and try again.")
        }
        _ => Error::new(Kind::Unreadable, "The request ended before all of it arrived. Try again."),
    }
}

/// A response body sent in pieces. It holds its share of the budget until it is dropped.
struct Pieces {
    size: BodySize,
    body: BoxBody,
    rest: Bytes,
    _share: Share,
    watch: Option<Watch>,
    patience: Duration,
    connection: Option<Handle>,
}

impl MessageBody for Pieces {
    type Error = Box<dyn std::error::Error>;

    fn size(&self) -> BodySize {
        self.size
    }

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Self::Error>>> {
        let this = self.get_mut();
        match &this.watch {
            Some(watch) => watch.last.set(Instant::now()),
            // The first piece fits into the connection's own buffer.
            None => this.watch = this.connection.take().map(|connection| Watch::start(connection, this.patience)),
        }
        while this.rest.is_empty() {
            match Pin::new(&mut this.body).poll_next(cx) {
                Poll::Ready(Some(Ok(bytes))) => this.rest = bytes,
                // The reader waits for the server now, so stop watching the reader.
                Poll::Pending => {
                    this.connection = this.watch.take().map(|watch| watch.connection.clone());
                    return Poll::Pending;
                }
                other => return other,
            }
        }
        let piece = this.rest.split_to(this.rest.len().min(PIECE));
        Poll::Ready(Some(Ok(piece)))
    }
}

/// Closes a connection when its reader stops taking pieces.
struct Watch {
    last: Rc<Cell<Instant>>,
    connection: Handle,
    task: JoinHandle<()>,
}

impl Watch {
    fn start(connection: Handle, patience: Duration) -> Self {
        let last = Rc::new(Cell::new(Instant::now()));
        let (seen, watched) = (last.clone(), connection.clone());
        let task = actix_web::rt::spawn(async move {
            loop {
                let quiet = seen.get().elapsed();
                if quiet >= patience {
                    tracing::debug!("closed a connection that read too slowly");
                    watched.cut_off();
                    return;
                }
                sleep(patience - quiet).await;
            }
        });
        Self { last, connection, task }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.task.abort();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::{StreamExt, stream};

    fn body(parts: Vec<(u64, usize)>) -> Paced {
        let parts = stream::unfold(parts.into_iter(), |mut parts| async {
            let (seconds, bytes) = parts.next()?;
            tokio::time::sleep(Duration::from_secs(seconds)).await;
            Some((Ok::<_, PayloadError>(Bytes::from(vec![b'a'; bytes])), parts))
        });
        Paced::new(Payload::Stream { payload: Box::pin(parts) }, Pace::default())
    }

    async fn read(mut body: Paced) -> Result<usize, std::io::ErrorKind> {
        let mut bytes = 0;
        while let Some(part) = body.next().await {
            match part {
                Ok(part) => bytes += part.len(),
                Err(PayloadError::Io(error)) => return Err(error.kind()),
                Err(_) => return Err(std::io::ErrorKind::Other),
            }
        }
        Ok(bytes)
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_stalls_or_drips_is_given_up() {
        let timed_out = Err(std::io::ErrorKind::TimedOut);
        assert_eq!(read(body(vec![(15, 100), (1, 100)])).await, Ok(200));
        assert_eq!(read(body(vec![(0, 100), (21, 100)])).await, timed_out, "it stalls");
        let drips = vec![(5, 10); 20];
        assert_eq!(read(body(drips)).await, timed_out, "it drips");
        let slow = vec![(10, 64 * 1024); 20];
        assert_eq!(read(body(slow)).await, Ok(20 * 64 * 1024));
    }
}
