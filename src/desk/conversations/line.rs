//! A message as pages show it.

use crate::conversations::conversation::Conversation;
use crate::conversations::messages::{Channel, Message};
use crate::conversations::reply_mails::ReplyMail;
use crate::conversations::{messages, reply_mails};
use crate::db::Connection;
use crate::desk::conversations::mailing::delivery;
use crate::error::Result;
use crate::files::shown::ShownFile;
use crate::source_files::file::SourceFile;
use crate::tickets::source_copy::Line as Copied;
use crate::values::text;
use crate::web::layout::Layout;
use crate::web::prose::{Span, spans};
use crate::web::when::When;
use chrono::NaiveDateTime;
use chrono_tz::Tz;
use std::collections::HashMap;

#[derive(Clone, Debug)]
pub struct Line {
    /// Its number in the conversation.
    pub position: i64,
    pub author: String,
    /// Whether the author is a member of the team.
    pub from_agent: bool,
    pub body: String,
    pub at: When,
    /// The day, if it is the first message of one.
    pub day: Option<String>,
    /// What became of a reply, or how a message came; empty if there is nothing to tell.
    pub remark: String,
    /// The quotes and the signature of an email.
    pub folded: String,
    pub files: Vec<ShownFile>,
}

/// Some messages of a conversation, the mails to the visitor that hold some of them, and their files.
pub struct Loaded {
    pub messages: Vec<Message>,
    mails: Vec<ReplyMail>,
    files: HashMap<i64, Vec<SourceFile>>,
}

impl Loaded {
    /// Loads the latest messages before a position; `None` for the end.
    pub fn before(conn: &mut Connection, of: &Conversation, before: Option<i64>, limit: i64) -> Result<Self> {
        let messages = messages::before(conn, of.seq, before, limit)?;
        let files = messages::files_of(conn, of.seq, &messages)?;
        let mails = reply_mails::of(conn, of.seq, messages.first().map_or(0, |first| first.position))?;
        Ok(Self { messages, mails, files })
    }
}

impl Line {
    /// The body, split into text and links.
    pub fn spans(&self) -> Vec<Span<'_>> {
        spans(&self.body)
    }

    fn new(
        message: Message,
        files: &[SourceFile],
        visitor: &str,
        layout: &Layout,
        zone: Tz,
        now: NaiveDateTime,
    ) -> Self {
        let files = ShownFile::of_team(files, layout);
        let from_agent = message.is_from_agent();
        let remark = if from_agent { String::new() } else { origin(&message) };
        let visitor = text::first_filled(&[&message.from_address, visitor]);
        Self {
            position: message.position,
            author: author(message.author_name, from_agent, visitor),
            from_agent,
            remark,
            folded: message.folded,
            body: ShownFile::text_beside(&files, message.body),
            files,
            at: When::new(message.created_at, zone).since(now),
            day: None,
        }
    }
}

/// How a visitor's message came.
fn origin(message: &Message) -> String {
    match message.channel {
        Channel::Mail if message.is_automatic => "Automatic email".into(),
        Channel::Mail if !message.from_address.is_empty() => "By email, from another address".into(),
        Channel::Mail => "By email".into(),
        _ => String::new(),
    }
}

/// Messages of a conversation for a reader in `zone`, with a line for each day.
pub fn lines(of: &Conversation, loaded: Loaded, layout: &Layout, zone: Tz, now: NaiveDateTime) -> Vec<Line> {
    let Loaded { messages, mails, mut files } = loaded;
    let seen = |message: &&Message| message.is_from_agent() && message.position <= of.seen_position;
    let last_seen = messages.iter().rev().find(seen).map_or(0, |message| message.position);
    let line = |message: Message| {
        let is_reply = message.is_from_agent();
        let delivery = is_reply.then(|| delivery(of, &mails, &message, last_seen));
        let files = files.remove(&message.position).unwrap_or_default();
        let line = Line::new(message, &files, of.visitor(), layout, zone, now);
        Line { remark: delivery.unwrap_or(line.remark), ..line }
    };
    with_days(messages.into_iter().map(line))
}

/// The messages of a copy. They are numbered from 1.
pub fn lines_of_copy(copied: Vec<Copied>, visitor: &str, zone: Tz, now: NaiveDateTime) -> Vec<Line> {
    let line = |(position, copied): (i64, Copied)| Line {
        position,
        author: author(copied.author, copied.from_agent, visitor),
        from_agent: copied.from_agent,
        body: copied.body,
        at: When::new(copied.at, zone).since(now),
        day: None,
        remark: String::new(),
        folded: String::new(),
        files: Vec::new(),
    };
    with_days((1..).zip(copied).map(line))
}

/// Sets the day of the first line of each.
fn with_days(lines: impl Iterator<Item = Line>) -> Vec<Line> {
    let mut last = String::new();
    let line = |line: Line| {
        let day = line.at.day();
        let is_new = day != last;
        last.clone_from(&day);
        Line { day: is_new.then_some(day), ..line }
    };
    lines.map(line).collect()
}

fn author(name: String, from_agent: bool, visitor: &str) -> String {
    match name {
        name if !name.is_empty() => name,
        _ if from_agent => "Team".to_owned(),
        _ => visitor.to_owned(),
    }
}
