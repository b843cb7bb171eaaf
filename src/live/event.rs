//! Events for open pages, and their recipients.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// The recipients of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Topic {
    /// The agents of an account.
    Account(i64),
    /// The visitor of a conversation, by its sequence number.
    Conversation(i64),
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// The kind of event, as pages know it.
    pub name: String,
    /// Details, as JSON.
    pub data: String,
}

impl Event {
    pub fn new(name: &str, data: &Value) -> Self {
        Self { name: name.into(), data: data.to_string() }
    }

    /// Begins a stream that tells what happens after that number. Pages that show an earlier
    /// state load their data again.
    pub fn begin(seq: i64) -> Self {
        Self::new("resync", &json!({ "seq": seq }))
    }

    /// Makes pages that may have missed something load their data again.
    pub fn resync() -> Self {
        Self::new("resync", &json!({}))
    }

    /// The same, after more events than pages should learn of one by one.
    pub fn burst() -> Self {
        Self::new("resync", &json!({ "burst": true }))
    }

    /// Makes streams check again whether their user is still signed in. Never sent to a
    /// page.
    pub fn recheck() -> Self {
        Self::new(RECHECK, &json!({}))
    }

    pub fn is_recheck(&self) -> bool {
        self.name == RECHECK
    }
}

const RECHECK: &str = "recheck";
