//! The socket on which the server accepts connections.

use crate::values::listen::Listen;
use rustix::net::sockopt::{set_socket_send_buffer_size, set_tcp_user_timeout};
use socket2::{SockFilter, SockRef};
use std::fs::Permissions;
use std::io::ErrorKind;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::time::Duration;
use tokio::time::sleep;

/// The send buffer of each connection, in bytes. The system accepts more data only when a
/// third of the buffer is free. With the system's default of up to 4 MB, a slow reader
/// would look stalled.
const SEND_BUFFER: usize = 256 * 1024;

/// How long a connection takes at most from its first packet until it is accepted.
const HANDSHAKE: Duration = Duration::from_millis(100);

/// A socket that accepts connections.
pub enum Listener {
    Tcp(TcpListener),
    Unix(UnixListener),
}

impl Listener {
    /// Binds an address. A client that neither takes nor acknowledges data for `patience` is gone.
    pub fn bind(address: &Listen, patience: Duration) -> std::io::Result<Self> {
        let listener = match address {
            Listen::Tcp(address) => Self::Tcp(TcpListener::bind(address)?),
            Listen::Unix(path) => Self::Unix(bind_socket(path)?),
        };
        if let Self::Tcp(listener) = &listener {
            // Connections inherit both.
            set_tcp_user_timeout(listener, u32::try_from(patience.as_millis()).unwrap_or(u32::MAX))?;
            set_socket_send_buffer_size(listener, SEND_BUFFER)?;
        }
        Ok(listener)
    }

    /// Another handle to the same socket.
    pub fn try_clone(&self) -> std::io::Result<Self> {
        Ok(match self {
            Self::Tcp(listener) => Self::Tcp(listener.try_clone()?),
            Self::Unix(listener) => Self::Unix(listener.try_clone()?),
        })
    }

    /// Lets no new connection begin, while those that have begun are accepted. Closing the socket
    /// alone would reset connections that the system has opened and nobody has accepted yet, with a
    /// request in them. A client that begins now finds the socket closed at its next try, a second
    /// later, and has sent nothing.
    pub async fn take_no_more(self) {
        let done = match &self {
            Self::Tcp(listener) => SockRef::from(listener).attach_filter(&without_new_connections()),
            Self::Unix(listener) => listener.local_addr().and_then(|address| match address.as_pathname() {
                Some(path) => std::fs::remove_file(path),
                None => Ok(()),
            }),
        };
        match done {
            Ok(()) => sleep(HANDSHAKE).await,
            Err(error) => tracing::warn!(%error, "connections that begin now may be lost"),
        }
    }

    /// With the port that was picked.
    pub fn address(&self) -> std::io::Result<Listen> {
        Ok(match self {
            Self::Tcp(listener) => Listen::Tcp(listener.local_addr()?.to_string()),
            Self::Unix(listener) => Listen::Unix(listener.local_addr()?.as_pathname().unwrap_or(Path::new("")).into()),
        })
    }
}

/// Binds a Unix socket for docket's own user and group. Replaces one that a killed server has left.
fn bind_socket(path: &Path) -> std::io::Result<UnixListener> {
    let is_dead = || UnixStream::connect(path).is_err_and(|error| error.kind() == ErrorKind::ConnectionRefused);
    let listener = match UnixListener::bind(path) {
        Err(error) if error.kind() == ErrorKind::AddrInUse && is_dead() => {
            std::fs::remove_file(path)?;
            UnixListener::bind(path)?
        }
        listener => listener?,
    };
    std::fs::set_permissions(path, Permissions::from_mode(0o660))?;
    Ok(listener)
}

/// A packet filter (classic BPF) that drops TCP packets with SYN and without ACK.
fn without_new_connections() -> [SockFilter; 5] {
    const LOAD_BYTE: u16 = 0x30;
    const AND: u16 = 0x54;
    const JUMP_IF_EQUAL: u16 = 0x15;
    const RETURN: u16 = 0x06;
    const SYN: u32 = 0x02;
    const ACK: u32 = 0x10;
    [
        // The flags in the TCP header (RFC 9293, 3.1).
        SockFilter::new(LOAD_BYTE, 0, 0, 13),
        SockFilter::new(AND, 0, 0, SYN | ACK),
        SockFilter::new(JUMP_IF_EQUAL, 0, 1, SYN),
        SockFilter::new(RETURN, 0, 0, 0),
        SockFilter::new(RETURN, 0, 0, u32::MAX),
    ]
}
