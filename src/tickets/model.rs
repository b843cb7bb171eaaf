//! What a ticket is, without a database.

use crate::error::{Error, Result};
use crate::web::{text, token};
use chrono::NaiveDateTime;
use unicode_normalization::UnicodeNormalization;

/// Longest title, in characters.
pub const MAX_TITLE: usize = 200;
/// Longest notes, in characters.
pub const MAX_NOTES: usize = 100_000;
/// Longest id of a conversation or submission, in characters.
pub const MAX_SOURCE_ID: usize = 128;
/// Longest name or address of a requester, in characters.
pub const MAX_REQUESTER: usize = 254;
/// Most tags that one request can change.
pub const MAX_TAGS: usize = 50;
/// Longest tag, in characters.
pub const MAX_TAG: usize = 50;

/// Where a ticket stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Status {
    /// Nobody has begun.
    New,
    /// Somebody is at it.
    InProgress,
    /// Done and archived; still found by search.
    Closed,
}

impl Status {
    /// All of them, in the order in which a ticket goes through them.
    pub const ALL: [Self; 3] = [Self::New, Self::InProgress, Self::Closed];

    /// The stored and submitted word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::InProgress => "in_progress",
            Self::Closed => "closed",
        }
    }

    /// The word for people.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::New => "New",
            Self::InProgress => "In progress",
            Self::Closed => "Closed",
        }
    }
}

impl std::str::FromStr for Status {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let found = Self::ALL.into_iter().find(|status| status.as_str() == text);
        found.ok_or_else(|| Error::invalid("A status is new, in_progress or closed."))
    }
}

/// What kind of thing a ticket was made from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SourceKind {
    /// A conversation.
    Chat,
    /// A form submission.
    Form,
}

impl SourceKind {
    /// The stored and submitted word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Chat => "chat",
            Self::Form => "form",
        }
    }
}

/// Where a ticket came from. The id may be known to another system only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// A conversation or a submission.
    pub kind: SourceKind,
    /// Its id, as it was given.
    pub id: String,
}

impl Source {
    /// Reads the two fields of which at most one may be filled.
    ///
    /// # Errors
    /// *Invalid* when both are there or the id is none.
    pub fn parse(conversation_id: &str, submission_id: &str) -> Result<Option<Self>> {
        let (kind, id) = match (conversation_id, submission_id) {
            ("", "") => return Ok(None),
            (id, "") => (SourceKind::Chat, id),
            ("", id) => (SourceKind::Form, id),
            _ => return Err(Error::invalid("A ticket has a conversation or a form submission, not both.")),
        };
        if !is_source_id(id) {
            return Err(Error::invalid(
                "The id of a conversation or submission has 1 to 128 characters: letters, digits, _ - . :",
            ));
        }
        Ok(Some(Self { kind, id: id.to_owned() }))
    }
}

/// Whether `id` may name a conversation or a submission.
#[must_use]
pub fn is_source_id(id: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.:".contains(&byte);
    (1..=MAX_SOURCE_ID).contains(&id.len()) && id.bytes().all(allowed) && id.bytes().any(|byte| byte != b'.')
}

/// A title: 1 to 200 characters on one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Title(String);

impl Title {
    /// Trims and checks.
    ///
    /// # Errors
    /// *Invalid* when nothing or too much is left.
    pub fn parse(text: &str) -> Result<Self> {
        text::required_line("The title", text, MAX_TITLE).map(Self)
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The internal notes: at most 100,000 characters, LF as line end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notes(String);

impl Notes {
    /// Normalises line ends and checks the length.
    ///
    /// # Errors
    /// *Invalid* when they are too long.
    pub fn parse(text: &str) -> Result<Self> {
        text::block("The notes", text, MAX_NOTES).map(Self)
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The name and email address of a requester, both perhaps empty.
///
/// # Errors
/// *Invalid* when one is too long or the address is none.
pub fn parse_requester(name: &str, email: &str) -> Result<(String, String)> {
    let email = text::line("The requester’s email address", email, MAX_REQUESTER)?;
    if !email.is_empty() && !text::looks_like_email(&email) {
        return Err(Error::invalid("The requester’s email address is not an email address."));
    }
    Ok((text::line("The requester’s name", name, MAX_REQUESTER)?, email))
}

/// A tag: 1 to 50 characters in lower case, without commas. Tags that look alike
/// are one (Unicode NFKC, without signs that are not seen): this is the one
/// function for storing a tag and for asking for one.
///
/// # Errors
/// *Invalid* when nothing or too much is left.
pub fn parse_tag(text: &str) -> Result<String> {
    let seen = |c: &char| !text::is_invisible(*c);
    let folded: String = text.replace(',', " ").nfkc().filter(seen).flat_map(char::to_lowercase).collect();
    // The lower case of İ is an i with a dot above.
    let plain: String = folded.replace("i\u{307}", "i").nfkc().collect();
    text::required_line("The tag", plain.trim_start_matches(|c: char| c == '#' || c.is_whitespace()), MAX_TAG)
}

/// A ticket about to be made.
#[derive(Clone, Debug)]
pub struct NewTicket {
    /// Its title.
    pub title: Title,
    /// Its first notes, perhaps empty.
    pub notes: Notes,
    /// Where it comes from, if from anywhere.
    pub source: Option<Source>,
    /// Whom it is about.
    pub requester_name: String,
    /// How to reach them.
    pub requester_email: String,
    /// Random, made with the form: the same id makes one ticket, however often it is sent.
    pub request_id: String,
    /// Make one although the source has tickets already.
    pub another: bool,
}

impl NewTicket {
    /// What tells two requests with the same id apart.
    #[must_use]
    pub fn digest(&self) -> String {
        let source = self.source.as_ref().map_or(("", ""), |source| (source.kind.as_str(), source.id.as_str()));
        let parts =
            [self.title.as_str(), self.notes.as_str(), source.0, source.1, &self.requester_name, &self.requester_email];
        token::sha256(parts.join("\0").as_bytes())
    }
}

/// A title for a ticket about a visitor: their name, else their address, else
/// the first words of what they said.
#[must_use]
pub fn suggest_title(name: &str, email: &str, words: &str, otherwise: &str) -> String {
    let words = text::shorten(words, 80);
    text::shorten(text::first_filled(&[name, email, &words, otherwise]), MAX_TITLE)
}

/// A ticket's row.
#[derive(Clone, Debug, diesel::Queryable)]
#[allow(missing_docs)]
pub struct Ticket {
    pub id: i64,
    pub account_id: i64,
    pub number: i64,
    pub title: String,
    pub status: String,
    pub notes: String,
    pub notes_version: i64,
    pub requester_name: String,
    pub requester_email: String,
    pub source_kind: Option<String>,
    pub source_id: Option<String>,
    pub source_was_here: bool,
    pub assignee_id: Option<i64>,
    pub request_id: String,
    pub request_digest: String,
    pub created_at: NaiveDateTime,
    pub updated_at: NaiveDateTime,
    pub closed_at: Option<NaiveDateTime>,
    pub first_closed_at: Option<NaiveDateTime>,
    pub reopen_count: i64,
    pub deleted_at: Option<NaiveDateTime>,
    pub assigned_at: Option<NaiveDateTime>,
    pub assigned_by: Option<String>,
    /// Empty where a program did it.
    pub assigned_by_user: Option<i64>,
}

impl Ticket {
    /// Where it stands.
    #[must_use]
    pub fn status(&self) -> Status {
        self.status.parse().unwrap_or(Status::New)
    }

    /// Where it came from.
    #[must_use]
    pub fn source(&self) -> Option<Source> {
        let kind = match self.source_kind.as_deref()? {
            "chat" => SourceKind::Chat,
            _ => SourceKind::Form,
        };
        self.source_id.clone().map(|id| Source { kind, id })
    }

    /// The conversation that it came from, if from one.
    #[must_use]
    pub fn conversation_id(&self) -> Option<&str> {
        let is_chat = self.source_kind.as_deref() == Some(SourceKind::Chat.as_str());
        self.source_id.as_deref().filter(|_| is_chat)
    }

    /// Seconds from creation to the latest close; empty while open.
    #[must_use]
    pub fn resolution_seconds(&self) -> Option<i64> {
        self.closed_at.map(|closed| (closed - self.created_at).num_seconds().max(0))
    }
}

/// The times of a ticket that a change of status changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Times {
    /// The latest close; empty while open.
    pub closed_at: Option<NaiveDateTime>,
    /// The first close; stays.
    pub first_closed_at: Option<NaiveDateTime>,
    /// How often it was opened again.
    pub reopen_count: i64,
}

impl Times {
    /// What they become when the status changes at `now`.
    #[must_use]
    pub fn after(self, from: Status, to: Status, now: NaiveDateTime) -> Self {
        match (from, to) {
            (Status::Closed, Status::Closed) => self,
            (_, Status::Closed) => {
                Self { closed_at: Some(now), first_closed_at: self.first_closed_at.or(Some(now)), ..self }
            }
            (Status::Closed, _) => Self { closed_at: None, reopen_count: self.reopen_count + 1, ..self },
            _ => self,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::DateTime;

    #[test]
    fn titles_have_one_to_200_characters_after_trimming() {
        assert_eq!(Title::parse(&format!("  {}  ", "ü".repeat(200))).unwrap().as_str().chars().count(), 200);
        assert!(Title::parse(&"ü".repeat(201)).is_err());
        assert!(Title::parse(" \n ").is_err());
    }

    #[test]
    fn a_source_is_one_id_of_the_allowed_letters() {
        assert_eq!(Source::parse("", "").unwrap(), None);
        assert!(Source::parse("clx1abc2d0001ab12example", "").unwrap().is_some());
        assert!(Source::parse("", "a:b_c-d.e").unwrap().is_some());
        assert!(Source::parse("a", "b").is_err());
        for bad in ["a b", "..", "a/b", "ä", &"x".repeat(129)] {
            assert!(Source::parse(bad, "").is_err(), "{bad}");
        }
    }

    #[test]
    fn closing_and_reopening_keep_their_times() {
        let at = |seconds| DateTime::from_timestamp(seconds, 0).unwrap().naive_utc();
        let start = Times { closed_at: None, first_closed_at: None, reopen_count: 0 };
        let closed = start.after(Status::New, Status::Closed, at(10));
        assert_eq!((closed.closed_at, closed.first_closed_at), (Some(at(10)), Some(at(10))));
        let open = closed.after(Status::Closed, Status::InProgress, at(20));
        assert_eq!((open.closed_at, open.first_closed_at, open.reopen_count), (None, Some(at(10)), 1));
        let again = open.after(Status::InProgress, Status::Closed, at(30));
        assert_eq!((again.closed_at, again.first_closed_at, again.reopen_count), (Some(at(30)), Some(at(10)), 1));
    }

    #[test]
    fn tags_that_look_alike_are_one() {
        for group in [
            &["Köln", "Ko\u{308}ln", "KO\u{308}LN", " köln ", "#Köln"][..],
            &["\u{e5}ngstr\u{f6}m", "\u{212b}ngstro\u{308}m"],
            &["\u{fb01}le", "file", "ＦＩＬＥ"],
            &["zero\u{200b}width", "zerowidth", "zero\u{ad}width", "\u{feff}zerowidth\u{200f}"],
            &["İstanbul", "istanbul", "I\u{307}stanbul"],
            &["two  words", "two\u{a0}words", "two, words"],
            &["1", "#1", "##1"],
        ] {
            let tags: Vec<String> = group.iter().map(|text| parse_tag(text).unwrap()).collect();
            assert!(tags.windows(2).all(|pair| pair[0] == pair[1]), "{tags:?}");
            assert_eq!(parse_tag(&tags[0]).unwrap(), tags[0], "it stays what it is");
        }
        assert_ne!(parse_tag("straße").unwrap(), parse_tag("strase").unwrap());
        for nothing in ["", "#", " , ", "\u{200b}"] {
            assert!(parse_tag(nothing).is_err(), "{nothing:?}");
        }
    }

    #[test]
    fn a_title_is_suggested_from_what_is_known() {
        assert_eq!(suggest_title("Ana", "ana@x.example", "Hello", "Chat"), "Ana");
        assert_eq!(suggest_title(" ", "ana@x.example", "Hello", "Chat"), "ana@x.example");
        assert_eq!(suggest_title("", "", "It  does\nnot work", "Chat"), "It does not work");
        assert_eq!(suggest_title("", "", "", "Chat"), "Chat");
    }
}
