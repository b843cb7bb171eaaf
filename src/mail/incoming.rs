//! Reads raw messages (RFC 5322): an answer, an automatic reply, or a report about a mail of ours.

use crate::mail::quotes::Split;
use crate::mail::{flowed, quotes};
use crate::values::email::is_email;
use crate::values::reply_address::ReplyAddress;
use crate::values::text::shorten;
use crate::values::token::sha256;
use mail_parser::decoders::html::html_to_text;
use mail_parser::{Address, Message, MessageParser, MessagePart, MimeHeaders, PartType};

/// Most of a message in HTML that is turned into text, and most text that is looked through, in
/// bytes. The rest is cut.
const MAX_TEXT: usize = 512 * 1024;
/// Stands where something was cut.
pub const CUT: &str = "… (The rest of this email was not kept.)";
/// Longest subject, name of a file and reason, in characters.
const MAX_LINE: usize = 250;
/// Elements that begin a line.
const BLOCKS: [&str; 9] = ["div", "p", "blockquote", "tr", "li", "table", "h1", "h2", "h3"];
/// A slash, as links within links write it.
const SEPARATORS: [&str; 4] = ["/", "%2f", "%252f", "=2f"];
/// No word after one is as long as the secret of a link.
const SECRET: usize = 40;
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

/// The tokens of the reply addresses that a raw message was sent to. Reads nothing but its header,
/// because anybody can send anything.
pub fn tokens(raw: &[u8], address: &ReplyAddress) -> Vec<String> {
    MessageParser::default().parse_headers(raw).map_or_else(Vec::new, |message| tokens_of(&message, address))
}

fn tokens_of(message: &Message, address: &ReplyAddress) -> Vec<String> {
    let mut tokens: Vec<String> = message
        .headers_raw()
        .filter(|(name, _)| RECIPIENTS.iter().any(|recipient| recipient.eq_ignore_ascii_case(name)))
        .flat_map(|(_, value)| address.tokens(value))
        .collect();
    tokens.dedup();
    tokens
}

/// Reads a raw message; `None` if it is none.
pub fn read(raw: &[u8], address: &ReplyAddress) -> Option<Incoming> {
    let message = MessageParser::default().parse(raw)?;
    // Without a sender and a recipient it is something else.
    message.parts.first().filter(|root| !root.headers.is_empty())?;
    let tokens = tokens_of(&message, address);
    let id = message.message_id().map_or_else(|| sha256(raw), |id| sha256(id.as_bytes()));
    let from = message.from().and_then(Address::first).and_then(|from| from.address.as_deref());
    let from = from.map(str::to_lowercase).filter(|from| is_email(from));
    let text = quotes::split(&cut(&text(&message).replace('\r', "")), |line| address.is_in(line));
    let files = message.attachments().filter(|part| !is_report(part)).map(file).collect();
    Some(Incoming {
        id,
        tokens,
        from: from.unwrap_or_default(),
        kind: kind(&message),
        subject: line(&clean(message.subject().unwrap_or_default(), address)),
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
        Some(if known { line(said) } else { line(&format!("{status} {said}")) })
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
            let end = html.floor_char_boundary(MAX_TEXT);
            let lines = html_to_text(&with_breaks(&html[..end]));
            let lines = lines.lines().map(|line| line.trim_matches([' ', '\u{a0}']));
            let text = lines.collect::<Vec<_>>().join("\n");
            if end < html.len() { format!("{text}\n{CUT}") } else { text }
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
    File { name: line(part.attachment_name().unwrap_or("unnamed")), bytes: part.contents().to_vec() }
}

/// The HTML with a line break before each block, for which the conversion makes none.
fn with_breaks(html: &str) -> String {
    let mut broken = String::with_capacity(html.len() + html.len() / 4);
    let mut copied = 0;
    for (at, _) in html.match_indices('<') {
        let tag = &html[at + 1..];
        let name = &tag[..tag.bytes().take(10).take_while(u8::is_ascii_alphanumeric).count()];
        if BLOCKS.iter().any(|block| block.eq_ignore_ascii_case(name)) {
            broken.push_str(&html[copied..at]);
            broken.push_str("<br>");
            copied = at;
        }
    }
    broken + &html[copied..]
}

/// One line without control characters, with an ellipsis where it is too long.
fn line(said: &str) -> String {
    let plain: String = said.chars().map(|sign| if sign.is_control() { ' ' } else { sign }).collect();
    shorten(&plain, MAX_LINE)
}

fn cut(text: &str) -> String {
    let end = text.floor_char_boundary(MAX_TEXT);
    if end < text.len() { format!("{}\n{CUT}", &text[..end]) } else { text.to_owned() }
}

/// The text without the secrets of the mail that it quotes, even if a gateway has put its links into
/// links of its own.
fn clean(text: &str, address: &ReplyAddress) -> String {
    let text = address.without_tokens(text);
    let lower = text.to_ascii_lowercase();
    let (mut kept, mut copied, mut at) = (String::with_capacity(text.len()), 0, 0);
    while let Some(found) = lower[at..].find("thread") {
        at += found + "thread".len();
        let Some(separator) = SEPARATORS.iter().find(|separator| lower[at..].starts_with(**separator)) else {
            continue;
        };
        at += separator.len();
        let length = lower[at..].bytes().take_while(u8::is_ascii_alphanumeric).count();
        if length >= SECRET {
            kept.push_str(&text[copied..at]);
            kept.push('…');
            copied = at + length;
        }
        at += length;
    }
    kept + &text[copied..]
}
