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
}

impl Conversation {
    /// How the visitor is called: by name, else address, else as a visitor.
    #[must_use]
    pub fn visitor(&self) -> &str {
        text::first_filled(&[&self.visitor_name, &self.visitor_email, "Visitor"])
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
}

impl Message {
    /// Whether a member of the team wrote it.
    #[must_use]
    pub fn is_from_agent(&self) -> bool {
        self.sender == Sender::Agent.as_str()
    }
}
