//! A connection that reads one request at a time.
//!
//! The HTTP library decodes everything that has arrived, and keeps about 7 KB for each
//! queued request. A client that sends many short requests and reads no responses could
//! fill the memory this way. Here, requests wait in the system's socket buffers until it
//! is their turn.

use crate::app::App;
use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::ConnectionType;
use actix_web::middleware::Next;
use actix_web::rt::net::{TcpStream, UnixStream};
use actix_web::web::{Bytes, Data};
use rustix::net::{RecvFlags, Shutdown, recv, shutdown};
use std::cell::Cell;
use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsFd, BorrowedFd};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, Waker, ready};
use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf};

/// How many bytes are read and decoded at a time between requests. Most request heads fit,
/// and there is little room for further requests.
const AHEAD: usize = 1024;

/// The two kinds of connections that a server accepts.
pub enum Stream {
    Tcp(TcpStream),
    Unix(UnixStream),
}

impl Stream {
    /// The client's address; `None` on a Unix socket.
    pub fn peer(&self) -> io::Result<Option<SocketAddr>> {
        match self {
            Self::Tcp(stream) => stream.peer_addr().map(Some),
            Self::Unix(_) => Ok(None),
        }
    }

    /// Sends each write at once. The head and the body of a page are two, and the second must not
    /// wait for the acknowledgement of the first.
    pub fn send_at_once(&self) -> io::Result<()> {
        match self {
            Self::Tcp(stream) => stream.set_nodelay(true),
            Self::Unix(_) => Ok(()),
        }
    }

    fn poll_read_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Tcp(stream) => stream.poll_read_ready(cx),
            Self::Unix(stream) => stream.poll_read_ready(cx),
        }
    }

    fn poll_write_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Tcp(stream) => stream.poll_write_ready(cx),
            Self::Unix(stream) => stream.poll_write_ready(cx),
        }
    }

    fn try_read(&self, part: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.try_read(part),
            Self::Unix(stream) => stream.try_read(part),
        }
    }

    fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.try_write(bytes),
            Self::Unix(stream) => stream.try_write(bytes),
        }
    }

    /// How many bytes could be read: 0 if the client has closed the connection, at most 1.
    fn try_peek(&self) -> io::Result<usize> {
        let peek = || {
            let (_, length) = recv(self.as_fd(), &mut [0; 1], RecvFlags::PEEK | RecvFlags::DONTWAIT)?;
            Ok(length)
        };
        match self {
            Self::Tcp(stream) => stream.try_io(Interest::READABLE, peek),
            Self::Unix(stream) => stream.try_io(Interest::READABLE, peek),
        }
    }
}

impl AsFd for Stream {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Tcp(stream) => stream.as_fd(),
            Self::Unix(stream) => stream.as_fd(),
        }
    }
}

/// The stream of bytes from and to a client.
pub struct Connection(Handle);

/// Controls how much of the received data is read.
#[derive(Default)]
struct Intake {
    /// While a request is handled: how many bytes of its body may still be read.
    room: Cell<Option<u64>>,
    /// Whether the last read must be decoded before the next one.
    is_paused: Cell<bool>,
    /// Whether nothing is read after the current request.
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

/// Lets the code that handles a request control its connection.
#[derive(Clone)]
pub struct Handle {
    stream: Rc<Stream>,
    intake: Rc<Intake>,
}

impl Handle {
    /// Allows reading `bytes` of the request's body, unless an earlier allowance is left.
    pub fn let_in(&self, bytes: u64) {
        if self.intake.room.get() == Some(0) {
            self.intake.set(Some(bytes));
        }
    }

    /// Closes the connection after the response to the current request.
    pub fn end(&self) {
        self.intake.is_last.set(true);
    }

    /// Closes the connection immediately.
    pub fn cut_off(&self) {
        // It may be closed already.
        let _ = shutdown(&*self.stream, Shutdown::Both);
    }

    fn begin(&self) -> AtHand {
        self.intake.set(Some(0));
        AtHand(self.intake.clone())
    }
}

/// The request that is being handled. The next one is read after this is dropped.
struct AtHand(Rc<Intake>);

impl Drop for AtHand {
    fn drop(&mut self) {
        self.0.set(None);
    }
}

/// The outermost middleware. It lets the connection read the next request only when the
/// response to this one has been handed over.
pub async fn one_at_a_time(
    req: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<Answering>, actix_web::Error> {
    let at_hand = req.conn_data::<Handle>().map(Handle::begin);
    let response = next.call(req).await?;
    Ok(response.map_body(|_, body| Answering { body: body.boxed(), _at_hand: at_hand }))
}

/// Middleware that ends connections while the server is about to stop, so that clients open the next
/// one to another instance.
pub async fn last_while_stopping(
    req: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, actix_web::Error> {
    let app = req.app_data::<Data<App>>().cloned();
    let mut response = next.call(req).await?;
    if app.is_some_and(|app| app.is_stopping.load(Ordering::Relaxed)) {
        response.response_mut().head_mut().set_connection_type(ConnectionType::Close);
    }
    Ok(response)
}

/// The body of a response. The next request is read after it is dropped.
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
    pub fn new(stream: Stream) -> Self {
        Self(Handle { stream: Rc::new(stream), intake: Rc::default() })
    }

    pub fn handle(&self) -> Handle {
        self.0.clone()
    }

    /// Ready when the client has closed the connection. Data that it sent stays unread.
    fn poll_gone(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            ready!(self.0.stream.poll_read_ready(cx))?;
            match self.0.stream.try_peek() {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Poll::Ready(Err(error)),
                Ok(0) => return Poll::Ready(Ok(())),
                Ok(_) => return Poll::Pending,
            }
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
        (Connection::new(Stream::Tcp(listener.accept().await.unwrap().0)), client)
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
