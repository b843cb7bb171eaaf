//! A mailbox on another server, read over IMAP (RFC 3501).

use crate::config::Config;
use crate::error::{Error, Result};
use crate::mail::trust;
use async_imap::types::Fetch;
use async_imap::{Client, Session};
use futures_util::TryStreamExt;
use percent_encoding::percent_decode_str;
use std::fmt::Debug;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, crypto};
use url::Url;

/// How long the server may take for one step.
const PATIENCE: Duration = Duration::from_secs(60);
/// Messages whose headers are read at once.
pub const STEP: usize = 100;

/// Where a mailbox is, and who reads it.
#[derive(Clone)]
pub struct Mailbox {
    host: String,
    port: u16,
    is_tls: bool,
    user: String,
    password: String,
    folder: String,
}

/// What is known of a message before all of it is read.
pub struct Head {
    /// Grows with each message that arrives.
    pub uid: u32,
    /// In bytes.
    pub size: u32,
    /// All header fields, as sent.
    pub header: Vec<u8>,
}

/// An open mailbox.
pub struct Reader {
    session: Session<Box<dyn Stream>>,
    /// With another value, the server has given all messages new numbers.
    pub validity: u32,
}

impl Mailbox {
    /// Reads the setting; `None` if it names no mailbox.
    ///
    /// # Errors
    /// One line that says what is unusable.
    pub fn open(config: &Config) -> Result<Option<Self>, String> {
        let Some(url) = &config.imap_url else { return Ok(None) };
        // Not the error itself: it may hold a part of the password.
        let wrong = "DOCKET_IMAP_URL cannot be read: it is imaps://USER:SECRET@HOST/FOLDER; in user and secret the \
                     signs @ # / % are written as %40 %23 %2F %25";
        Self::parse(url).map(Some).ok_or_else(|| wrong.to_owned())
    }

    fn parse(url: &str) -> Option<Self> {
        let url = Url::parse(url).ok()?;
        let is_tls = match url.scheme() {
            "imaps" => true,
            "imap" => false,
            _ => return None,
        };
        let plain = |text: &str| percent_decode_str(text).decode_utf8().ok().map(String::from);
        let folder = plain(url.path().trim_matches('/'))?;
        Some(Self {
            host: url.host_str().filter(|host| !host.is_empty())?.to_owned(),
            port: url.port().unwrap_or(if is_tls { 993 } else { 143 }),
            is_tls,
            user: plain(url.username()).filter(|user| !user.is_empty())?,
            password: plain(url.password()?)?,
            folder: if folder.is_empty() { "INBOX".into() } else { folder },
        })
    }

    /// Tells this mailbox from others.
    pub fn name(&self) -> String {
        format!("{}@{}:{}/{}", self.user, self.host, self.port, self.folder)
    }

    /// Signs in and opens the folder.
    ///
    /// # Errors
    /// *Unavailable* when the server can’t be reached, refuses, or takes too long.
    pub async fn read(&self) -> Result<Reader> {
        let opened = timeout(PATIENCE, self.sign_in()).await;
        opened
            .map_err(Error::unavailable)?
            .map_err(|error| Error::unavailable(format!("the mailbox {} can’t be opened: {error}", self.name())))
    }

    async fn sign_in(&self) -> Result<Reader, async_imap::error::Error> {
        let tcp = TcpStream::connect((self.host.as_str(), self.port)).await?;
        let stream: Box<dyn Stream> = if self.is_tls {
            let provider = Arc::new(crypto::ring::default_provider());
            let tls = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
            let tls = tls.map_err(io::Error::other)?.with_root_certificates(trust::roots()).with_no_client_auth();
            let name = ServerName::try_from(self.host.clone()).map_err(io::Error::other)?;
            Box::new(TlsConnector::from(Arc::new(tls)).connect(name, tcp).await?)
        } else {
            Box::new(tcp)
        };
        let mut client = Client::new(stream);
        client.read_response().await?;
        let mut session = client.login(&self.user, &self.password).await.map_err(|(error, _)| error)?;
        let opened = session.select(&self.folder).await?;
        Ok(Reader { session, validity: opened.uid_validity.unwrap_or_default() })
    }
}

impl Reader {
    /// The heads of the oldest messages after a number, at most [`STEP`].
    ///
    /// # Errors
    /// *Unavailable* when the server fails; so for all functions below.
    pub async fn after(&mut self, uid: u32) -> Result<Vec<Head>> {
        let from = uid.saturating_add(1);
        let found = within(self.session.uid_search(format!("UID {from}:*"))).await?;
        // The last message is found even if its number is smaller.
        let mut newer: Vec<u32> = found.into_iter().filter(|found| *found >= from).collect();
        newer.sort_unstable();
        newer.truncate(STEP);
        if newer.is_empty() {
            return Ok(Vec::new());
        }
        let query = "(UID RFC822.SIZE BODY.PEEK[HEADER])";
        let head = |fetch: &Fetch| {
            let header = fetch.header().unwrap_or_default().to_vec();
            Some(Head { uid: fetch.uid?, size: fetch.size.unwrap_or_default(), header })
        };
        let mut heads: Vec<Head> = self.fetch(&list(&newer), query).await?.iter().filter_map(head).collect();
        heads.sort_by_key(|head| head.uid);
        Ok(heads)
    }

    /// A whole message; `None` if somebody has removed it.
    pub async fn message(&mut self, uid: u32) -> Result<Option<Vec<u8>>> {
        let fetched = self.fetch(&uid.to_string(), "(UID BODY.PEEK[])").await?;
        Ok(fetched.iter().find(|fetch| fetch.uid == Some(uid)).and_then(|fetch| fetch.body().map(<[u8]>::to_vec)))
    }

    /// Marks a message as read, for people who look into the mailbox.
    pub async fn mark(&mut self, uid: u32) -> Result<()> {
        let marked = async {
            self.session.uid_store(uid.to_string(), "+FLAGS.SILENT (\\Seen)").await?.try_collect::<Vec<_>>().await
        };
        within(marked).await.map(|_| ())
    }

    /// Ends the session.
    pub async fn close(mut self) {
        // The server ends it anyway.
        let _ = within(self.session.logout()).await;
    }

    async fn fetch(&mut self, uids: &str, query: &str) -> Result<Vec<Fetch>> {
        within(async { self.session.uid_fetch(uids, query).await?.try_collect().await }).await
    }
}

fn list(uids: &[u32]) -> String {
    uids.iter().map(u32::to_string).collect::<Vec<_>>().join(",")
}

async fn within<T>(step: impl Future<Output = Result<T, async_imap::error::Error>>) -> Result<T> {
    timeout(PATIENCE, step).await.map_err(Error::unavailable)?.map_err(Error::unavailable)
}

/// A connection with or without TLS.
trait Stream: AsyncRead + AsyncWrite + Debug + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Debug + Send + Unpin> Stream for T {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mailbox_is_named_by_a_url() {
        let found = Mailbox::parse("imaps://desk%40example.com:p%40ss%2F@mail.example.com/Desk%2FIn").unwrap();
        assert_eq!(found.name(), "desk@example.com@mail.example.com:993/Desk/In");
        assert_eq!((found.password.as_str(), found.is_tls), ("p@ss/", true));
        assert_eq!(Mailbox::parse("imap://u:p@localhost").unwrap().name(), "u@localhost:143/INBOX");
        for url in ["", "imaps://host", "imaps://u@host", "http://u:p@host", "imaps://:p@host", "imaps://u:%ff@host"] {
            assert!(Mailbox::parse(url).is_none(), "{url}");
        }
    }
}
