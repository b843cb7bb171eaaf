//! Where a ticket came from: a conversation or a submission.

use crate::error::{Error, Result};
use crate::words;
use diesel::deserialize::FromSqlRow;
use diesel::expression::AsExpression;

/// Longest id of a conversation or submission, in characters.
pub const MAX_SOURCE_ID: usize = 128;

/// What a ticket was created from.
#[derive(AsExpression, Clone, Copy, Debug, Eq, FromSqlRow, Hash, PartialEq)]
#[diesel(sql_type = diesel::sql_types::Text)]
pub enum SourceKind {
    /// A conversation.
    Chat,
    /// A form submission.
    Form,
}

words!(SourceKind);

impl SourceKind {
    /// The word used in the database and in requests.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Chat => "chat",
            Self::Form => "form",
        }
    }
}

impl std::str::FromStr for SourceKind {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "chat" => Ok(Self::Chat),
            "form" => Ok(Self::Form),
            _ => Err(Error::invalid("source must be chat or form.")),
        }
    }
}

/// Where a ticket came from. The id may belong to another system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    pub kind: SourceKind,
    /// Opaque, stored as received.
    pub id: String,
}

impl Source {
    /// Parses the two id fields, of which at most one may be filled in.
    ///
    /// # Errors
    /// *Invalid* when both are filled in or the id is malformed.
    pub fn parse(conversation_id: &str, submission_id: &str) -> Result<Option<Self>> {
        let (kind, id) = match (conversation_id, submission_id) {
            ("", "") => return Ok(None),
            (id, "") => (SourceKind::Chat, id),
            ("", id) => (SourceKind::Form, id),
            _ => return Err(Error::invalid("A ticket can come from a conversation or a form submission, not both.")),
        };
        if !is_source_id(id) {
            return Err(Error::invalid(
                "The id of a conversation or submission must have 1 to 128 characters: letters, digits and _ - . :",
            ));
        }
        Ok(Some(Self { kind, id: id.to_owned() }))
    }
}

/// Whether `id` is well-formed for a conversation or submission.
pub fn is_source_id(id: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.:".contains(&byte);
    (1..=MAX_SOURCE_ID).contains(&id.len()) && id.bytes().all(allowed) && id.bytes().any(|byte| byte != b'.')
}

#[cfg(test)]
mod tests {
    use super::*;

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
}
