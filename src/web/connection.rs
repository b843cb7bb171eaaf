//! A connection that takes in one request at a time.
//!
//! The HTTP library decodes whatever has arrived, and keeps some 7 KB for each
//! request that waits behind another: a client that sends many short requests and
//! reads no response could fill the memory with them. Here they wait where they
//! are, in the system's buffers, until it is their turn.

use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::middleware::Next;
use actix_web::rt::net::TcpStream;
use actix_web::web::Bytes;
use rustix::net::{Shutdown, shutdown};
use std::cell::Cell;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// So many bytes are read and decoded at a time while no request is at hand. Most
/// heads fit, and what is sent along with one cannot hold many others.
const AHEAD: usize = 1024;

/// The stream of bytes from and to a client.
pub struct Connection(Handle);

/// How much is read of what has arrived.
#[derive(Default)]
struct Intake {
    /// While a request is at hand: so many bytes of its body may still be read.
    room: Cell<Option<u64>>,
    /// What was read last is decoded before more of it is.
    is_paused: Cell<bool>,
    /// Nothing is read after the request at hand.
    is_last: Cell<bool>,
    waiting: Cell<Option<Waker>>,
}

impl Intake {
    fn set(&self, room: Option<u64>) {
        self.room.set(room);
        if let Some(waker) = self.waiting.take() {
            waker.wake();
        }
    }
}

/// What those who answer a request see of its connection.
#[derive(Clone)]
pub struct Handle {
    stream: Rc<TcpStream>,
    intake: Rc<Intake>,
}

impl Handle {
    /// Lets so many bytes of the request's body in, unless some are still to come.
    pub fn let_in(&self, bytes: u64) {
        if self.intake.room.get() == Some(0) {
            self.intake.set(Some(bytes));
        }
    }

    /// Ends the connection after the response to the request at hand.
    pub fn end(&self) {
        self.intake.is_last.set(true);
    }

    /// Ends the connection in the middle of whatever it does.
    pub fn cut_off(&self) {
        // It may have gone by itself.
        let _ = shutdown(&*self.stream, Shutdown::Both);
    }

    fn begin(&self) -> AtHand {
        self.intake.set(Some(0));
        AtHand(self.intake.clone())
    }
}

/// A request that is being answered. The next one is read after it is dropped.
struct AtHand(Rc<Intake>);

impl Drop for AtHand {
    fn drop(&mut self) {
        self.0.set(None);
    }
}

/// Middleware around everything else: the next request is read when the response
/// to this one is handed over.
pub async fn one_at_a_time(
    req: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<Answering>, actix_web::Error> {
    let at_hand = req.conn_data::<Handle>().map(Handle::begin);
    let response = next.call(req).await?;
    Ok(response.map_body(|_, body| Answering { body: body.boxed(), _at_hand: at_hand }))
}

/// The body of a response, with its request.
pub struct Answering {
    body: BoxBody,
    _at_hand: Option<AtHand>,
}

impl MessageBody for Answering {
    type Error = <BoxBody as MessageBody>::Error;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Self::Error>>> {
        Pin::new(&mut self.body).poll_next(cx)
    }
}

impl Connection {
    /// A connection that was just accepted.
    pub fn new(stream: TcpStream) -> Self {
        Self(Handle { stream: Rc::new(stream), intake: Rc::default() })
    }

    /// A handle for those who answer its requests.
    pub fn handle(&self) -> Handle {
        self.0.clone()
    }

    /// Ready when the client has gone; what it has sent before stays where it is.
    fn poll_gone(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.0.stream.poll_peek(cx, &mut ReadBuf::new(&mut [0])) {
            Poll::Ready(Ok(0)) => Poll::Ready(Ok(())),
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Ready(Ok(_)) | Poll::Pending => Poll::Pending,
        }
    }
}

impl AsyncRead for Connection {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.0.intake.waiting.set(Some(cx.waker().clone()));
        let wanted = match self.0.intake.room.get() {
            Some(0) => return self.poll_gone(cx),
            Some(room) => usize::try_from(room).unwrap_or(usize::MAX),
            None if self.0.intake.is_last.get() => return Poll::Ready(Ok(())),
            None if self.0.intake.is_paused.take() => {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            None => AHEAD,
        };
        let part = buf.initialize_unfilled_to(wanted.min(buf.remaining()));
        loop {
            ready!(self.0.stream.poll_read_ready(cx))?;
            match self.0.stream.try_read(part) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Poll::Ready(Err(error)),
                Ok(read) => {
                    buf.advance(read);
                    match self.0.intake.room.get() {
                        Some(room) => self.0.intake.room.set(Some(room.saturating_sub(read as u64))),
                        None => self.0.intake.is_paused.set(read > 0),
                    }
                    return Poll::Ready(Ok(()));
                }
            }
        }
    }
}

impl AsyncWrite for Connection {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        loop {
            ready!(self.0.stream.poll_write_ready(cx))?;
            match self.0.stream.try_write(bytes) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                written => return Poll::Ready(written),
            }
        }
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(shutdown(&*self.0.stream, Shutdown::Write)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    async fn pair() -> (Connection, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        (Connection::new(listener.accept().await.unwrap().0), client)
    }

    async fn read(connection: &mut Connection) -> usize {
        let mut buffer = vec![0; 1 << 20];
        connection.read(&mut buffer).await.unwrap()
    }

    async fn waits(connection: &mut Connection) -> bool {
        let mut buffer = [0];
        let mut buffer = ReadBuf::new(&mut buffer);
        std::future::poll_fn(|cx| Poll::Ready(Pin::new(&mut *connection).poll_read(cx, &mut buffer).is_pending())).await
    }

    #[tokio::test]
    async fn what_is_sent_ahead_waits_for_its_turn() {
        let (mut connection, mut client) = pair().await;
        let handle = connection.handle();
        client.write_all(&[b'a'; 100_000]).await.unwrap();
        assert_eq!(read(&mut connection).await, AHEAD);
        let at_hand = handle.begin();
        assert!(waits(&mut connection).await, "a request is at hand");
        handle.let_in(5000);
        handle.let_in(90_000);
        assert_eq!(read(&mut connection).await, 5000, "its body is read");
        assert!(waits(&mut connection).await, "its body was read");
        drop(at_hand);
        assert_eq!(read(&mut connection).await, AHEAD);
        assert!(waits(&mut connection).await, "what was read is decoded first");
        assert_eq!(read(&mut connection).await, AHEAD);
    }

    #[tokio::test]
    async fn who_leaves_is_noticed_while_their_request_is_at_hand() {
        let (mut connection, client) = pair().await;
        let _at_hand = connection.handle().begin();
        assert!(waits(&mut connection).await);
        drop(client);
        assert_eq!(read(&mut connection).await, 0);
    }
}
