//! What a conversation is, without a database.

use crate::error::{Error, Result};
use crate::web::text;
use chrono::NaiveDateTime;

/// Longest message, in characters.
pub const MAX_MESSAGE: usize = 10_000;

/// Where a conversation stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Somebody may have to answer.
    Open,
    /// Done.
    Closed,
}

impl Status {
    /// The stored and submitted word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Closed => "closed",
        }
    }
}

impl std::str::FromStr for Status {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "open" => Ok(Self::Open),
            "closed" => Ok(Self::Closed),
            _ => Err(Error::invalid("A conversation is open or closed.")),
        }
    }
}

/// Who wrote a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sender {
    /// The person on the website.
    Visitor,
    /// A member of the team.
    Agent,
}

impl Sender {
    /// The stored word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Visitor => "visitor",
            Self::Agent => "agent",
        }
    }
}

impl std::str::FromStr for Sender {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "visitor" => Ok(Self::Visitor),
            "agent" => Ok(Self::Agent),
            _ => Err(Error::invalid("A message is from visitor or agent.")),
        }
    }
}

/// Through what a message comes. Each has ids of its own, so that nobody can take
/// the place of another's message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Channel {
    /// The bubble on a website.
    Bubble,
    /// The desk, or a program with an API key.
    Team,
}

impl Channel {
    /// The stored word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Bubble => "bubble",
            Self::Team => "team",
        }
    }
}

/// A message about to be stored.
#[derive(Clone, Debug)]
pub struct NewMessage {
    /// Who wrote it.
    pub sender: Sender,
    /// What they are called; the visitor's name stands with the conversation.
    pub author_name: String,
    /// What [`parse_message`] returned.
    pub body: String,
    /// Through what it comes.
    pub channel: Channel,
    /// Made by whoever sends it: the same id through the same channel is the same message.
    pub client_id: Option<String>,
    /// When it was written, in UTC.
    pub at: NaiveDateTime,
    /// Whether it opens a closed conversation again.
    pub reopens: bool,
}

impl NewMessage {
    /// A reply by a member of the team.
    #[must_use]
    pub fn reply(author_name: &str, body: String, at: NaiveDateTime) -> Self {
        let author_name = author_name.to_owned();
        Self { sender: Sender::Agent, author_name, body, channel: Channel::Team, client_id: None, at, reopens: false }
    }

    /// A message of the visitor, through the bubble.
    #[must_use]
    pub fn of_visitor(body: String, client_id: Option<String>, at: NaiveDateTime) -> Self {
        let channel = Channel::Bubble;
        Self { sender: Sender::Visitor, author_name: String::new(), body, channel, client_id, at, reopens: true }
    }
}

/// An id that a sender made for a message: 8 to 64 letters, digits, `_` and `-`.
///
/// # Errors
/// *Invalid* when it is something else.
pub fn parse_client_id(id: &str) -> Result<String> {
    let is_fine =
        (8..=64).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte));
    if is_fine {
        Ok(id.to_owned())
    } else {
        Err(Error::invalid("The id of a message has 8 to 64 letters, digits, _ and -."))
    }
}

/// A message's text: 1 to 10,000 characters.
///
/// # Errors
/// *Invalid* when nothing or too much is left after trimming.
pub fn parse_message(body: &str) -> Result<String> {
    let body = text::block("Messages", body.trim(), MAX_MESSAGE)?;
    if body.is_empty() { Err(Error::invalid("The message is empty.")) } else { Ok(body) }
}

/// A conversation's row.
#[derive(Clone, Debug, diesel::Queryable)]
#[allow(missing_docs)]
pub struct Conversation {
    pub seq: i64,
    pub account_id: i64,
    pub id: String,
    pub status: String,
    pub visitor_name: String,
    pub visitor_email: String,
    pub page_url: Option<String>,
    pub country: Option<String>,
    pub message_count: i64,
    pub last_message: String,
    pub last_message_at: NaiveDateTime,
    pub created_at: NaiveDateTime,
    pub deleted_at: Option<NaiveDateTime>,
    pub widget_id: Option<i64>,
    pub visitor_hash: Option<String>,
    /// The team’s latest message: what comes after is the visitor’s.
    pub answered_position: i64,
    pub waiting_since: Option<NaiveDateTime>,
}

impl Conversation {
    /// How the visitor is called: by name, else address, else as a visitor.
    #[must_use]
    pub fn visitor(&self) -> &str {
        text::first_filled(&[&self.visitor_name, &self.visitor_email, "Visitor"])
    }

    /// How many messages of the visitor wait beyond what somebody has read, up
    /// to `mark`, or answered.
    #[must_use]
    pub fn unread(&self, mark: i64) -> i64 {
        (self.message_count - self.answered_position.max(mark)).max(0)
    }

    /// Whether it is open.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.status == Status::Open.as_str()
    }
}

/// A message's row.
#[derive(Clone, Debug, diesel::Queryable)]
#[allow(missing_docs)]
pub struct Message {
    pub account_id: i64,
    pub conversation_seq: i64,
    pub position: i64,
    pub sender: String,
    pub author_name: String,
    pub body: String,
    pub created_at: NaiveDateTime,
    pub client_id: Option<String>,
    pub channel: String,
}

impl Message {
    /// The id that the visitor's bubble has made for it.
    #[must_use]
    pub fn bubble_id(&self) -> Option<&str> {
        self.client_id.as_deref().filter(|_| self.channel == Channel::Bubble.as_str())
    }

    /// Whether a member of the team wrote it.
    #[must_use]
    pub fn is_from_agent(&self) -> bool {
        self.sender == Sender::Agent.as_str()
    }
}
