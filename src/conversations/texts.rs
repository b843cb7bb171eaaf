//! The texts of the bubble: English by default, or the account's own in any language.

use crate::error::{Error, Result};
use crate::values::text;
use std::collections::BTreeMap;

/// Longest text of the bubble, in characters.
pub const MAX_TEXT: usize = 500;

/// One text of the bubble.
#[derive(Clone, Copy, Debug)]
pub struct Text {
    /// Its name in the bubble and in the settings' form.
    pub key: &'static str,
    /// The default text.
    pub english: &'static str,
    /// Where it appears, for translators.
    pub hint: &'static str,
}

/// Every text of the bubble.
pub const TEXTS: [Text; 31] = [
    text("title", "Chat with us", "above the messages"),
    text("welcome", "Hello! Write to us, and we answer here.", "before the first message"),
    text("open", "Open the chat", "the round button"),
    text("close", "Close the chat", "the button that closes the panel"),
    text("placeholder", "Write a message…", "in the empty field"),
    text("send", "Send", "the button"),
    text("attach", "Attach files", "a button beside the field"),
    text("removeFile", "Remove", "a button beside a chosen file"),
    text("name", "Your name (optional)", "a field before the first message"),
    text("email", "Your email address (optional)", "a field before the first message"),
    text("you", "You", "who wrote a message of the visitor"),
    text("team", "Team", "who wrote a message without a name"),
    text("sending", "Sending…", "below a message"),
    text("sent", "Sent", "below a message"),
    text("failed", "Not sent. Try again", "below a message, a button"),
    text("offline", "No connection. Your messages are sent when it is back.", "above the field"),
    text("slowDown", "That was quick. Your messages are sent in a moment.", "above the field"),
    text("tooLong", "That is more than 10,000 characters.", "below the field"),
    text("unread", "{n} new messages", "the number on the round button; {n} is the number"),
    text("newMessage", "New message from", "read aloud before a name"),
    text("earlier", "Earlier messages", "a button above the messages"),
    text("mailSubject", "{team} replied to you", "the subject of an email; {team} is the account’s name"),
    text("mailWrote", "You wrote:", "in an email, above the visitor’s message"),
    text("mailAnswer", "Read everything and answer", "in an email, the link to the conversation"),
    text("mailReply", "You can also reply to this email.", "in an email, below that link"),
    text("mailNoReply", "Please don’t reply to this email: nobody reads this mailbox.", "in an email, below that link"),
    text("mailStop", "Stop emails about replies", "in an email, a link; on its page, a button"),
    text("mailStopped", "You get no more emails about replies.", "on the page of that link"),
    text("mailAgain", "Send me emails again", "on the page of that link, a button"),
    text("threadSent", "Your message was sent.", "on the page that emails link to"),
    text("ended", "This conversation was closed. Write to open it again.", "below the messages"),
];

const fn text(key: &'static str, english: &'static str, hint: &'static str) -> Text {
    Text { key, english, hint }
}

/// The account's own texts by key; all others stay English.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Texts(BTreeMap<String, String>);

impl Texts {
    /// Reads the output of [`Texts::to_json`]; anything else counts as no texts.
    pub fn from_json(json: &str) -> Self {
        Self(serde_json::from_str(json).unwrap_or_default())
    }

    /// Reads the texts from a form. Empty ones fall back to English.
    pub fn parse(get: impl Fn(&str) -> String) -> Result<Self> {
        let mut texts = BTreeMap::new();
        for Text { key, english, .. } in TEXTS {
            let own = text::block(&format!("The texts ({key})"), get(key).trim(), MAX_TEXT)?;
            if !own.is_empty() && own != english {
                texts.insert(key.to_owned(), own);
            }
        }
        Ok(Self(texts))
    }

    pub fn to_json(&self) -> Result<String> {
        serde_json::to_string(&self.0).map_err(|source| Error::internal("texts", source))
    }

    /// The account's own text; empty if it has none.
    pub fn own(&self, key: &str) -> &str {
        self.0.get(key).map_or("", String::as_str)
    }

    /// All texts by key, with defaults filled in.
    pub fn all(&self) -> BTreeMap<&'static str, &str> {
        let said = |text: &Text| match self.own(text.key) {
            "" => text.english,
            own => own,
        };
        TEXTS.iter().map(|text| (text.key, said(text))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_texts_stand_before_ours_and_survive_the_database() {
        let texts = Texts::parse(|key| if key == "send" { " Senden ".into() } else { String::new() }).unwrap();
        let read = Texts::from_json(&texts.to_json().unwrap());
        assert_eq!(read, texts);
        assert_eq!((read.all()["send"], read.all()["close"]), ("Senden", "Close the chat"));
        assert!(Texts::parse(|_| "x".repeat(MAX_TEXT + 1)).is_err());
        assert_eq!(Texts::from_json("nonsense").all()["send"], "Send");
    }
}
