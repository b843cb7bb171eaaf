//! The fields of a submission in order, and the visitor's details found in them.

use crate::error::{Error, Kind, Result};
use crate::source_files::keep::Stored;
use crate::values::{email, text};
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

/// Maximum number of fields per submission.
pub const MAX_FIELDS: usize = 100;

/// Fields to read before refusing a submission; allows for our own fields, too.
pub const FIELDS_READ: usize = MAX_FIELDS + 10;

/// Maximum size of a submission, in bytes.
pub const MAX_BYTES: usize = 64 * 1024;

/// The page the visitor was on.
const PAGE: &str = "_page";

/// Redirect after sending.
const NEXT: &str = "_next";

/// Honeypot: hidden from people, filled in by bots.
const HONEYPOT: &str = "_gotcha";

/// Time spent filling in the form, in milliseconds; sent by `form.js`.
const ELAPSED: &str = "_elapsed";

/// A person needs at least this long, in milliseconds.
const QUICKEST: u64 = 1_500;

/// The fields of a submission in their original order, including repeated ones.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldList(pub Vec<(String, String)>);

/// A JSON object as a list of fields, so that nothing is reordered or merged.
pub struct JsonFields(pub Vec<(String, String)>);

impl<'de> Deserialize<'de> for JsonFields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Pairs;
        impl<'de> Visitor<'de> for Pairs {
            type Value = JsonFields;

            fn expecting(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                out.write_str("an object whose members are the fields of the form")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<JsonFields, A::Error> {
                let mut pairs = Vec::new();
                while let Some((name, value)) = map.next_entry::<String, Value>()? {
                    // A few bytes of JSON can produce very many copies of a name.
                    let left = FIELDS_READ.saturating_sub(pairs.len());
                    match value {
                        // Like a form with several choices: the name is repeated.
                        Value::Array(items) => {
                            pairs.extend(items.iter().take(left).map(|item| (name.clone(), plain(item))));
                        }
                        value if left > 0 => pairs.push((name, plain(&value))),
                        _ => {}
                    }
                }
                Ok(JsonFields(pairs))
            }
        }
        deserializer.deserialize_map(Pairs)
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

/// A parsed submission.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parsed {
    /// What the visitor filled in.
    pub fields: FieldList,
    /// The page the form was on, if sent.
    pub page_url: Option<String>,
    /// Requested redirect after sending.
    pub next: Option<String>,
    /// Whether the honeypot was filled in, or the form sent too quickly for a person.
    pub spam: bool,
    /// The visitor's name, from the usual fields.
    pub visitor_name: String,
    /// The visitor's email address, from the usual fields.
    pub visitor_email: String,
    /// Stored files that came with it.
    pub files: Vec<Stored>,
}

impl Parsed {
    /// Separates our own fields, which start with an underscore, from the visitor's.
    ///
    /// # Errors
    /// *Invalid* when there are none, *too large* when there are too many.
    pub fn new(sent: Vec<(String, String)>) -> Result<Self> {
        if sent.len() >= FIELDS_READ {
            return Err(too_many());
        }
        let find = |wanted: &str| {
            let found = sent.iter().find(|(name, value)| name == wanted && !value.trim().is_empty());
            found.map(|(_, value)| value.trim().to_owned())
        };
        let (page_url, next) = (find(PAGE), find(NEXT));
        let too_quick = find(ELAPSED).and_then(|text| text.parse().ok()).is_some_and(|elapsed: u64| elapsed < QUICKEST);
        let spam = find(HONEYPOT).is_some() || too_quick;
        // A person's browser may fill in the honeypot, so its value is shown, too.
        let is_ours = |name: &str, value: &str| {
            [PAGE, NEXT, ELAPSED].contains(&name) || (name == HONEYPOT && value.trim().is_empty())
        };
        if sent.iter().all(|(name, value)| name == HONEYPOT || is_ours(name, value)) {
            return Err(no_fields());
        }
        let normalised = |(name, value): &(String, String)| (text::normalise(name), text::normalise(value));
        let fields: Vec<_> = sent.iter().filter(|(name, value)| !is_ours(name, value)).map(normalised).collect();
        Ok(Self {
            page_url: page_url.as_deref().and_then(text::web_url).map(String::from),
            next,
            spam,
            ..Self::of_fields(fields)?
        })
    }

    /// Like [`Parsed::new`], but for the API: all fields are the visitor's.
    ///
    /// # Errors
    /// *Invalid* when there are none, *too large* for too many fields or too much text.
    pub fn of_program(fields: Vec<(String, String)>) -> Result<Self> {
        if fields.iter().map(|(name, value)| name.len() + value.len()).sum::<usize>() > MAX_BYTES {
            return Err(Error::new(Kind::TooLarge, "A form can have at most 64 KB of text."));
        }
        Self::of_fields(fields.iter().map(|(name, value)| (text::normalise(name), text::normalise(value))).collect())
    }

    fn of_fields(fields: Vec<(String, String)>) -> Result<Self> {
        if fields.is_empty() {
            return Err(no_fields());
        }
        if fields.len() > MAX_FIELDS {
            return Err(too_many());
        }
        Ok(Self {
            page_url: None,
            next: None,
            spam: false,
            visitor_name: visitor_name(&fields),
            visitor_email: visitor_email(&fields),
            files: Vec::new(),
            fields: FieldList(fields),
        })
    }
}

fn no_fields() -> Error {
    Error::invalid("The form was sent without any field. Do its inputs have names?")
}

fn too_many() -> Error {
    Error::new(Kind::TooLarge, format!("A form can have at most {MAX_FIELDS} fields."))
}

fn simple(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase()
}

/// The first of these fields that is not blank, whatever the case of its name; empty if there
/// is none.
pub fn first(fields: &[(String, String)], names: &[&str]) -> String {
    let mut found = names
        .iter()
        .filter_map(|wanted| fields.iter().find(|(name, value)| simple(name) == *wanted && !value.trim().is_empty()));
    found.next().map(|(_, value)| text::shorten(value, email::MAX)).unwrap_or_default()
}

fn visitor_name(fields: &[(String, String)]) -> String {
    let whole = first(fields, &["name", "fullname", "yourname", "contactname", "customername", "username"]);
    if !whole.is_empty() {
        return whole;
    }
    let parts = [
        first(fields, &["firstname", "givenname", "fname", "vorname"]),
        first(fields, &["lastname", "surname", "familyname", "lname", "nachname"]),
    ];
    text::shorten(&parts.join(" "), email::MAX)
}

fn visitor_email(fields: &[(String, String)]) -> String {
    let usual = ["email", "emailaddress", "youremail", "mail", "contactemail", "customeremail", "replyto", "from"];
    let found = first(fields, &usual);
    if email::is_email(&found) { found } else { String::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(list: &[(&str, &str)]) -> Vec<(String, String)> {
        list.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn every_field_is_kept_in_order() {
        let sent = pairs(&[("b", "1"), ("a", ""), ("b", "2\r\n3"), ("_page", "https://a.example/x"), ("_next", "/t")]);
        let parsed = Parsed::new(sent).unwrap();
        assert_eq!(parsed.fields.0, pairs(&[("b", "1"), ("a", ""), ("b", "2\n3")]));
        assert_eq!(parsed.page_url.as_deref(), Some("https://a.example/x"));
        assert!(!parsed.spam);
    }

    #[test]
    fn json_keeps_order_and_repeats() {
        let JsonFields(fields) = serde_json::from_str(r#"{"z":1,"a":["x",null],"z":{"k":true}}"#).unwrap();
        assert_eq!(fields, pairs(&[("z", "1"), ("a", "x"), ("a", ""), ("z", "{\"k\":true}")]));
    }

    #[test]
    fn the_visitor_is_recognised() {
        let of = |list: &[(&str, &str)]| {
            let parsed = Parsed::new(pairs(list)).unwrap();
            (parsed.visitor_name, parsed.visitor_email)
        };
        assert_eq!(of(&[("Your-Name", "Ana"), ("E-Mail", "a@b.example")]), ("Ana".into(), "a@b.example".into()));
        assert_eq!(of(&[("last_name", "Ruiz"), ("first_name", "Ana")]), ("Ana Ruiz".into(), String::new()));
        assert_eq!(of(&[("email", "not an address")]), (String::new(), String::new()));
    }

    #[test]
    fn the_honeypot_marks_spam_only_when_filled() {
        assert!(!Parsed::new(pairs(&[("a", "b"), ("_gotcha", " ")])).unwrap().spam);
        let filled = Parsed::new(pairs(&[("a", "b"), ("_gotcha", "x")])).unwrap();
        assert!(filled.spam);
        assert_eq!(filled.fields.0, pairs(&[("a", "b"), ("_gotcha", "x")]), "what filled it is shown");
        for (elapsed, spam) in [("1499", true), ("1500", false), ("soon", false), ("", false)] {
            assert_eq!(Parsed::new(pairs(&[("a", "b"), ("_elapsed", elapsed)])).unwrap().spam, spam, "{elapsed}");
        }
        assert!(Parsed::new(pairs(&[("_gotcha", "x")])).is_err());
        assert!(Parsed::new(vec![("a".into(), String::new()); MAX_FIELDS + 1]).is_err());
    }
}
