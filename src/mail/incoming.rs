//! Reads raw messages (RFC 5322): an answer, an automatic reply, or a report about a mail of ours.

use crate::mail::quotes::Split;
use crate::mail::{flowed, quotes};
use crate::values::reply_address::ReplyAddress;
use crate::values::token::sha256;
use mail_parser::{Address, Message, MessageParser, MessagePart, MimeHeaders, PartType};

/// Longest message in HTML that is turned into text, in bytes. Longer ones are cut.
const MAX_HTML: usize = 1024 * 1024;
/// The width of the text that HTML becomes: wide, because pages wrap it.
const WIDTH: usize = 1_000;
/// Headers that may name the recipient.
const RECIPIENTS: [&str; 6] = ["To", "Cc", "Delivered-To", "X-Original-To", "Envelope-To", "X-Envelope-To"];

/// A message that has arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Incoming {
    /// The SHA-256 of its `Message-ID`; of the whole message if it has none.
    pub id: String,
    /// The tokens of the reply addresses that it was sent to.
    pub tokens: Vec<String>,
    /// The sender's address in lower case; empty if there is none.
    pub from: String,
    pub kind: Kind,
    /// One line, perhaps empty.
    pub subject: String,
    /// Its text. Secrets of ours in quotes are taken out.
    pub text: Split,
    pub files: Vec<File>,
}

/// An attached file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    pub name: String,
    pub bytes: Vec<u8>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Somebody has written it.
    Written,
    /// A program has sent it, such as a note about a vacation.
    Automatic,
    /// A mail of ours was not delivered, and never will be: the reason.
    NotDelivered(String),
    /// A report about a mail that is on its way, or was delivered.
    Report,
}

/// Reads a raw message; `None` if it is none.
pub fn read(raw: &[u8], address: &ReplyAddress) -> Option<Incoming> {
    let message = MessageParser::default().parse(raw)?;
    // Without a sender and a recipient it is something else.
    message.parts.first().filter(|root| !root.headers.is_empty())?;
    let mut tokens: Vec<String> = message
        .headers_raw()
        .filter(|(name, _)| RECIPIENTS.iter().any(|recipient| recipient.eq_ignore_ascii_case(name)))
        .flat_map(|(_, value)| address.tokens(value))
        .collect();
    tokens.dedup();
    let id = message.message_id().map_or_else(|| sha256(raw), |id| sha256(id.as_bytes()));
    let from = message.from().and_then(Address::first).and_then(|from| from.address.as_deref());
    let text = quotes::split(&text(&message).replace('\r', ""), |line| address.is_in(line));
    let files = message.attachments().filter(|part| !is_report(part)).map(file).collect();
    Some(Incoming {
        id,
        tokens,
        from: from.unwrap_or_default().to_lowercase(),
        kind: kind(&message),
        subject: clean(message.subject().unwrap_or_default(), address),
        text: Split { written: clean(&text.written, address), folded: clean(&text.folded, address) },
        files,
    })
}

fn kind(message: &Message) -> Kind {
    let root = message.root_part();
    if root.is_content_type("multipart", "report") {
        let of_type = |kind: &str| {
            let declared = root.content_type().and_then(|content| content.attribute("report-type"));
            declared.is_some_and(|declared| declared.eq_ignore_ascii_case(kind))
        };
        if of_type("delivery-status") {
            let failed = message.parts.iter().filter(|part| is_report(part)).find_map(|part| failure(part.contents()));
            return failed.map_or(Kind::Report, Kind::NotDelivered);
        }
        return Kind::Report;
    }
    if is_automatic(message) { Kind::Automatic } else { Kind::Written }
}

/// Whether a program has sent a message (RFC 3834, and what programs did before it).
fn is_automatic(message: &Message) -> bool {
    let value = |name: &'static str| message.header_raw(name).map(|value| value.trim().to_ascii_lowercase());
    let is_submitted = value("Auto-Submitted").is_some_and(|said| !said.starts_with("no"));
    let precedence = value("Precedence");
    let is_bulk = precedence.is_some_and(|said| ["bulk", "junk", "list", "auto_reply"].contains(&said.as_str()));
    let is_marked = ["X-Autoreply", "X-Autorespond", "X-Autoresponder"].iter().any(|name| value(name).is_some());
    // Bounces that are no report come from nobody.
    let from_nobody = value("Return-Path").is_some_and(|path| path == "<>");
    is_submitted || is_bulk || is_marked || from_nobody
}

fn is_report(part: &MessagePart) -> bool {
    part.is_content_type("message", "delivery-status") || part.is_content_type("message", "global-delivery-status")
}

/// Why a mail was not delivered (RFC 3464); `None` if it was, or may be later.
fn failure(report: &[u8]) -> Option<String> {
    let report = String::from_utf8_lossy(report).replace("\r\n", "\n");
    report.split("\n\n").find_map(|group| {
        // Long fields go on in lines that begin with a space.
        let group = group.replace("\n ", " ").replace("\n\t", " ");
        let field = |name: &str| {
            let found =
                group.lines().filter_map(|line| line.split_once(':')).find(|(n, _)| n.eq_ignore_ascii_case(name));
            found.map(|(_, value)| value.trim().to_owned())
        };
        field("Action").filter(|action| action.eq_ignore_ascii_case("failed"))?;
        let (status, said) = (field("Status").unwrap_or_default(), field("Diagnostic-Code").unwrap_or_default());
        let said = said.split_once(';').map_or(said.as_str(), |(_, said)| said).trim();
        let known = said.contains(&status);
        Some(if known { said.to_owned() } else { format!("{status} {said}").trim().to_owned() })
    })
}

/// The text of a message: its plain text, or its HTML where it has no other.
fn text(message: &Message) -> String {
    let plain: Vec<String> = message.text_bodies().filter(|part| !is_report(part)).map(part_text).collect();
    let plain = plain.join("\n");
    if plain.trim().is_empty() {
        let html: Vec<String> = message.html_bodies().map(part_text).collect();
        return html.join("\n");
    }
    plain
}

fn part_text(part: &MessagePart) -> String {
    match &part.body {
        PartType::Html(html) => {
            let html = &html.as_bytes()[..html.len().min(MAX_HTML)];
            html2text::config::plain_no_decorate().string_from_read(html, WIDTH).unwrap_or_default()
        }
        PartType::Text(text) => {
            let attribute = |name| part.content_type().and_then(|kind| kind.attribute(name));
            let is = |name, value: &str| attribute(name).is_some_and(|said| said.eq_ignore_ascii_case(value));
            if is("format", "flowed") { flowed::joined(text, is("delsp", "yes")) } else { text.to_string() }
        }
        _ => String::new(),
    }
}

fn file(part: &MessagePart) -> File {
    File { name: part.attachment_name().unwrap_or("unnamed").to_owned(), bytes: part.contents().to_vec() }
}

/// The text without the secrets of the mail that it quotes.
fn clean(text: &str, address: &ReplyAddress) -> String {
    let text = address.without_tokens(text);
    let mut kept = String::with_capacity(text.len());
    let mut rest = text.as_str();
    while let Some(at) = rest.find("/thread/") {
        let (before, after) = rest.split_at(at + "/thread/".len());
        let length = after.bytes().take_while(u8::is_ascii_alphanumeric).count();
        kept.push_str(before);
        kept.push_str(if length >= 16 { "…" } else { &after[..length] });
        rest = &after[length..];
    }
    kept + rest
}
