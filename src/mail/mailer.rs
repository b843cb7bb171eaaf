//! Mail over SMTP.

use crate::config::Config;
use crate::error::{Error, Kind, Result};
use crate::mail::trust;
use crate::values::reply_address::ReplyAddress;
use crate::values::{email, token};
use lettre::address::Envelope;
use lettre::message::header::{ContentType, HeaderName, HeaderValue, MIME_VERSION_1_0};
use lettre::message::{Mailbox, Message, MultiPart};
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::{Address, AsyncSmtpTransport, AsyncTransport, Tokio1Executor};
use std::time::Duration;
use url::Url;

/// How long a mail server may take to respond.
const PATIENCE: Duration = Duration::from_secs(20);

/// Reply codes about the recipient (RFC 5321, 4.2.3): an address that does not exist or
/// is not accepted. The operator can fix other failures, such as a wrong password.
const FOR_EVER: [u16; 4] = [501, 550, 551, 553];

/// A connection to the configured mail server.
pub struct Mailer {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
    reply_address: Option<ReplyAddress>,
    /// The base URL of links in mails.
    base: String,
}

/// A mail to one person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mail {
    /// The left side of its `Message-ID`, the same whenever it is sent again.
    pub id: String,
    /// The recipient's name; empty if it is unknown.
    pub name: String,
    /// The recipient's email address.
    pub address: String,
    /// One line.
    pub subject: String,
    /// Plain text.
    pub text: String,
    /// What only mails to visitors have.
    pub for_visitor: Option<ForVisitor>,
}

/// What mails to visitors have besides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForVisitor {
    /// The name of the sender.
    pub sender: String,
    /// The text as HTML.
    pub html: String,
    /// The ids of earlier mails of the conversation, oldest first.
    pub earlier: Vec<String>,
    /// Where a `POST` ends such mails (RFC 8058).
    pub stop_url: String,
    /// The address that takes answers, and reports that the mail was not delivered.
    pub reply_to: Option<String>,
}

/// How the connection to a mail server is encrypted, as its URL says, and who may vouch for it.
fn tls(url: &str) -> Result<Tls, Box<dyn std::error::Error>> {
    let url = Url::parse(url)?;
    let wanted = url.query_pairs().find(|(name, _)| name == "tls").map(|(_, value)| value.into_owned());
    let with: fn(TlsParameters) -> Tls = match (url.scheme(), wanted.as_deref()) {
        ("smtps", _) => Tls::Wrapper,
        (_, Some("required")) => Tls::Required,
        (_, Some("opportunistic")) => Tls::Opportunistic,
        _ => return Ok(Tls::None),
    };
    let mut parameters = TlsParameters::builder(url.host_str().unwrap_or_default().to_owned());
    for authority in trust::of_system() {
        parameters = parameters.add_root_certificate(Certificate::from_der(authority.to_vec())?);
    }
    Ok(with(parameters.build()?))
}

impl Mailer {
    /// Reads the settings; `None` if they name no mail server.
    ///
    /// # Errors
    /// One line that says which setting is unusable or missing.
    pub fn open(config: &Config) -> Result<Option<Self>, String> {
        let takes_answers = config.mail_inbound_secret.is_some() || config.imap_url.is_some();
        match &config.mail_reply_to {
            Some(_) if !takes_answers => {
                return Err("DOCKET_MAIL_REPLY_TO needs DOCKET_MAIL_INBOUND_SECRET or DOCKET_IMAP_URL: answers would \
                            reach nobody"
                    .into());
            }
            None if takes_answers => {
                return Err(
                    "DOCKET_MAIL_INBOUND_SECRET and DOCKET_IMAP_URL need DOCKET_MAIL_REPLY_TO, the address that \
                            takes answers"
                        .into(),
                );
            }
            _ => {}
        }
        let Some(url) = &config.smtp_url else { return Ok(None) };
        let public = config.public_url.as_ref();
        let public = public.ok_or("DOCKET_SMTP_URL needs DOCKET_PUBLIC_URL, because mails carry links")?;
        let from = config
            .mail_from
            .as_deref()
            .ok_or("DOCKET_SMTP_URL needs DOCKET_MAIL_FROM, as Docket <desk@example.com>")?;
        let from = from.parse().map_err(|error| format!("DOCKET_MAIL_FROM is no address: {error}"))?;
        let builder = AsyncSmtpTransport::<Tokio1Executor>::from_url(url)
            // Not the error itself: it may hold a part of the password.
            .map_err(|_| {
                "DOCKET_SMTP_URL cannot be read: it is smtp://HOST:25, smtps://USER:SECRET@HOST:465 or \
                 smtp://USER:SECRET@HOST:587?tls=required; in user and secret the signs @ # / % are written as %40 %23 %2F %25"
                    .to_owned()
            })?;
        let tls = tls(url).map_err(|_| "DOCKET_SMTP_URL names no host that a certificate can be for".to_owned())?;
        let transport = builder.tls(tls).timeout(Some(PATIENCE)).build();
        let base = public.as_str().trim_end_matches('/').to_owned();
        Ok(Some(Self { transport, from, reply_address: config.mail_reply_to.clone(), base }))
    }

    /// The address that takes answers to mails, if there is one.
    pub fn reply_address(&self) -> Option<&ReplyAddress> {
        self.reply_address.as_ref()
    }

    /// The full URL of a path, for a mail.
    pub fn link(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    /// Sends a mail that only shows that mails arrive.
    ///
    /// # Errors
    /// Those of [`Mailer::send`].
    pub async fn send_test(&self, address: &str) -> Result<()> {
        let text = format!(
            "Email from Docket at {} reaches you.\n\nIf it is in your spam folder, check the SPF, DKIM and DMARC records of {}.\n",
            self.base,
            self.from.email.domain()
        );
        let (name, address, subject) = (String::new(), address.to_owned(), "Test email from Docket".into());
        self.send(&Mail { id: token::id()?, name, address, subject, text, for_visitor: None }).await
    }

    /// Sends a mail.
    ///
    /// # Errors
    /// *Invalid* when the server will never accept it, *unavailable* when it may later.
    pub async fn send(&self, mail: &Mail) -> Result<()> {
        let wrong = |error: &dyn std::fmt::Display| Error::invalid(format!("The mail cannot be written: {error}."));
        let address: Address = email::mailable(&mail.address)?.parse().map_err(|error| wrong(&error))?;
        let domain = self.from.email.domain();
        let id = |left: &String| format!("<{left}@{domain}>");
        let visitor = mail.for_visitor.as_ref();
        let sender = visitor.map_or_else(|| self.from.name.clone(), |visitor| Some(visitor.sender.clone()));
        let mut message = Message::builder()
            .message_id(Some(id(&mail.id)))
            .header(MIME_VERSION_1_0)
            .from(Mailbox::new(sender, self.from.email.clone()))
            .to(Mailbox::new((!mail.name.is_empty()).then(|| mail.name.clone()), address.clone()))
            .subject(&mail.subject)
            // RFC 3834: prevents automatic replies.
            .raw_header(HeaderValue::new(HeaderName::new_from_ascii_str("Auto-Submitted"), "auto-generated".into()));
        let message = match visitor {
            None => message.header(ContentType::TEXT_PLAIN).body(mail.text.clone()),
            Some(visitor) => {
                if let Some(last) = visitor.earlier.last() {
                    let references: Vec<String> = visitor.earlier.iter().map(id).collect();
                    message = message.in_reply_to(id(last)).references(references.join(" "));
                }
                let stop = [
                    (HeaderName::new_from_ascii_str("List-Unsubscribe"), format!("<{}>", visitor.stop_url)),
                    (HeaderName::new_from_ascii_str("List-Unsubscribe-Post"), "List-Unsubscribe=One-Click".into()),
                ];
                for (name, value) in stop {
                    message = message.raw_header(HeaderValue::new(name, value));
                }
                if let Some(reply_to) = &visitor.reply_to {
                    let reply_to: Address = reply_to.parse().map_err(|error| wrong(&error))?;
                    let envelope =
                        Envelope::new(Some(reply_to.clone()), vec![address]).map_err(|error| wrong(&error))?;
                    message = message.reply_to(Mailbox::new(None, reply_to)).envelope(envelope);
                }
                message.multipart(MultiPart::alternative_plain_html(mail.text.clone(), visitor.html.clone()))
            }
        };
        let message = message.map_err(|error| wrong(&error))?;
        match self.transport.send(message).await {
            Ok(_) => Ok(()),
            Err(error) if error.status().is_some_and(|code| FOR_EVER.contains(&u16::from(code))) => {
                Err(Error::new(Kind::Invalid, format!("The mail server refuses the mail: {error}.")))
            }
            Err(error) => Err(Error::unavailable(error)),
        }
    }
}
