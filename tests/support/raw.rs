//! A client that sends bytes as they are, for requests that no HTTP library would send.

use crate::support::{PASSWORD, Person, TestApp};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;

/// Longest time to wait for something that must happen.
pub const PATIENCE: Duration = Duration::from_secs(30);

pub const FORM: &str = "Content-Type: application/x-www-form-urlencoded\r\n";

pub const UPLOAD: &str = "Content-Type: multipart/form-data; boundary=b\r\n";

pub const HALF_A_FILE: &str = "--b\r\nContent-Disposition: form-data; name=\"files\"; filename=\"a.png\"\r\n\r\nhalf";

/// A client that can send any bytes.
pub struct Raw(pub TcpStream);

impl Raw {
    pub async fn send(base: &str, text: &str) -> Self {
        let mut stream = TcpStream::connect(base.trim_start_matches("http://")).await.unwrap();
        stream.write_all(text.as_bytes()).await.unwrap();
        Self(stream)
    }

    /// A client with a tiny receive buffer.
    pub async fn with_little_room(base: &str) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(4096).unwrap();
        Self(socket.connect(base.trim_start_matches("http://").parse().unwrap()).await.unwrap())
    }

    /// Sends the head of a request with a body of that length, and the beginning of the body.
    pub async fn begin(base: &str, path: &str, headers: &str, length: usize, beginning: &str) -> Self {
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: localhost\r\nSec-Fetch-Site: same-origin\r\n\
             Content-Length: {length}\r\n{headers}\r\n"
        );
        Self::send(base, &(head + beginning)).await
    }

    /// Reads until the connection ends.
    pub async fn rest(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        // If the server closes a connection with unread data, it ends with a reset.
        let _ = timeout(PATIENCE, self.0.read_to_end(&mut bytes)).await.expect("the connection ends");
        bytes
    }

    pub async fn status(&mut self) -> String {
        let mut head = [0; 12];
        timeout(PATIENCE, self.0.read_exact(&mut head)).await.expect("an answer comes").unwrap();
        String::from_utf8_lossy(&head[9..]).into_owned()
    }
}

/// Signs a person in once more and returns the session as a `Cookie` header.
pub async fn cookie_of(app: &TestApp, person: &Person) -> String {
    let answer = app.stranger().sign_in(&person.email, PASSWORD).await;
    let cookies = answer.expect(303).headers.get_all("set-cookie").iter().map(|value| value.to_str().unwrap());
    let pairs: Vec<&str> = cookies.map(|cookie| cookie.split(';').next().unwrap()).collect();
    format!("Cookie: {}\r\n", pairs.join("; "))
}
