//! A message as pages show it.

use crate::conversations::messages::Message;
use crate::desk::prose::{Span, spans};
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
        }
    }
}

/// Messages for a reader in `zone`, with a line for each day.
pub fn lines(messages: Vec<Message>, visitor: &str, zone: Tz, now: NaiveDateTime) -> Vec<Line> {
    let mut last = String::new();
    let line = |message| {
        let line = Line::new(message, visitor, zone, now);
        let day = line.at.day();
        let is_new = day != last;
        last.clone_from(&day);
        Line { day: is_new.then_some(day), ..line }
    };
    messages.into_iter().map(line).collect()
}
