//! A message as pages show it.

use crate::conversations::conversation::Conversation;
use crate::conversations::messages::Message;
use crate::conversations::reply_mails::ReplyMail;
use crate::desk::conversations::mailing::delivery;
use crate::web::prose::{Span, spans};
use crate::web::when::When;
use chrono::NaiveDateTime;
use chrono_tz::Tz;

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
    /// What became of a reply; empty if there is nothing to tell.
    pub delivery: String,
}

impl Line {
    /// The body, split into text and links.
    pub fn spans(&self) -> Vec<Span<'_>> {
        spans(&self.body)
    }

    fn new(message: Message, visitor: &str, zone: Tz, now: NaiveDateTime) -> Self {
        let from_agent = message.is_from_agent();
        let author = match message.author_name {
            name if !name.is_empty() => name,
            _ if from_agent => "Team".to_owned(),
            _ => visitor.to_owned(),
        };
        Self {
            position: message.position,
            author,
            from_agent,
            body: message.body,
            at: When::new(message.created_at, zone).since(now),
            day: None,
            delivery: String::new(),
        }
    }
}

/// Messages of a conversation for a reader in `zone`, with a line for each day, and the mails to
/// the visitor that hold some of them.
pub fn lines(
    of: &Conversation,
    messages: Vec<Message>,
    mails: &[ReplyMail],
    zone: Tz,
    now: NaiveDateTime,
) -> Vec<Line> {
    let mut last = String::new();
    let seen = |message: &&Message| message.is_from_agent() && message.position <= of.seen_position;
    let last_seen = messages.iter().rev().find(seen).map_or(0, |message| message.position);
    let line = |message: Message| {
        let is_reply = message.is_from_agent();
        let delivery = if is_reply { delivery(of, mails, &message, last_seen) } else { String::new() };
        let line = Line { delivery, ..Line::new(message, of.visitor(), zone, now) };
        let day = line.at.day();
        let is_new = day != last;
        last.clone_from(&day);
        Line { day: is_new.then_some(day), ..line }
    };
    messages.into_iter().map(line).collect()
}
