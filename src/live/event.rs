//! What open pages are told, and whom it is for.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Whom an event is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Topic {
    /// The agents of an account.
    Account(i64),
    /// The visitor of a conversation, by its sequence number.
    Conversation(i64),
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// What kind, as pages know it.
    pub name: String,
    /// More about it, as JSON.
    pub data: String,
}

impl Event {
    /// An event of that name.
    pub fn new(name: &str, data: &Value) -> Self {
        Self { name: name.into(), data: data.to_string() }
    }

    /// Pages that may have missed something read anew.
    pub fn resync() -> Self {
        Self::new("resync", &json!({}))
    }

    /// Streams look again whether their user is still signed in. Never sent to a page.
    pub fn recheck() -> Self {
        Self::new(RECHECK, &json!({}))
    }

    /// Whether this is [`Event::recheck`].
    pub fn is_recheck(&self) -> bool {
        self.name == RECHECK
    }
}

const RECHECK: &str = "recheck";
