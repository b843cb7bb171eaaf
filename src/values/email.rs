//! Email addresses: their syntax, the form that users sign in with, and the form that
//! mail servers accept. Whether an address exists shows only when mail is sent.

use crate::error::{Error, Result};
use crate::values::text;

/// Longest address, in bytes (RFC 5321, 4.5.3.1.3, without its brackets), and longest
/// name of a person outside the team, in characters.
pub const MAX: usize = 254;

/// Whether a text may be an address.
pub fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else { return false };
    !local.is_empty()
        && !domain.is_empty()
        && text.len() <= MAX
        && !text.contains(|c: char| c.is_whitespace() || c.is_control() || "<>,;\"".contains(c))
}

/// An email address that a user signs in with: trimmed and in lower case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Email(String);

impl Email {
    pub fn parse(text: &str) -> Result<Self> {
        let text = text.trim().to_lowercase();
        if !is_email(&text) {
            return Err(Error::invalid("Enter a valid email address."));
        }
        Ok(Self(text))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// An address of someone outside the team, on one line; empty if there is none.
pub fn parse_optional(text: &str) -> Result<String> {
    let address = text::line("The email address", text, MAX)?;
    if address.is_empty() || is_email(&address) {
        return Ok(address);
    }
    Err(Error::invalid("The email address isn’t valid."))
}

/// Whether a text names one of these addresses, which are in lower case, and not only a longer
/// one that ends or begins like it.
pub fn names_any(text: &str, addresses: &[String]) -> bool {
    let text = text.to_lowercase();
    let is_of_local_part = |c: char| c.is_alphanumeric() || "._+-".contains(c);
    let is_whole = |at: usize, address: &str| {
        let mut after = text[at + address.len()..].chars();
        let goes_on = match after.next() {
            Some('.' | '-') => after.next().is_some_and(char::is_alphanumeric),
            next => next.is_some_and(char::is_alphanumeric),
        };
        !goes_on && !text[..at].chars().next_back().is_some_and(is_of_local_part)
    };
    addresses.iter().any(|address| text.match_indices(address.as_str()).any(|(at, _)| is_whole(at, address)))
}

/// A text for the log: without the addresses in it.
pub fn hidden(text: &str) -> String {
    let ends_word = |c: char| c.is_whitespace() || "<>(),;\"'".contains(c);
    let shown = |word: &str| match word.find('@') {
        Some(_) => format!("[address]{}", &word[word.trim_end_matches(ends_word).len()..]),
        None => word.to_owned(),
    };
    text.split_inclusive(ends_word).map(shown).collect()
}

/// Converts an address to the form that every mail server accepts: its domain in ASCII
/// (IDNA 2008, UTS 46). The part before the @ does not change; if it is not ASCII it
/// needs SMTPUTF8, which the transport requests.
pub fn mailable(address: &str) -> Result<String> {
    let wrong = || Error::invalid(format!("Mail can’t be sent to {address}."));
    let (local, domain) = address.rsplit_once('@').ok_or_else(wrong)?;
    match url::Host::parse(domain) {
        Ok(url::Host::Domain(ascii)) => Ok(format!("{local}@{ascii}")),
        // An address in brackets stays as it is.
        _ if domain.starts_with('[') => Ok(address.to_owned()),
        _ => Err(wrong()),
    }
}

#[cfg(test)]
mod tests {
    use super::{hidden, mailable, names_any};

    #[test]
    fn the_log_names_no_address() {
        for (text, expected) in [
            ("550 5.1.1 <ann@x.example>: no such user", "550 5.1.1 <[address]>: no such user"),
            ("ann@x.example is \"bo@y.example\"", "[address] is \"[address]\""),
            ("no address", "no address"),
            ("", ""),
        ] {
            assert_eq!(hidden(text), expected);
        }
    }

    #[test]
    fn longer_addresses_are_other_addresses() {
        let addresses = ["ann@x.example".to_owned()];
        for text in [
            "ann@x.example",
            "Ann <ANN@x.example>",
            "is it ann@x.example.",
            "from:\"ann@x.example\"",
            "(ann@x.example)-",
        ] {
            assert!(names_any(text, &addresses), "{text}");
        }
        for text in
            ["joann@x.example", "jo.ann@x.example", "ann@x.example.net", "ann@x.example-b.net", "ann@x.exam", ""]
        {
            assert!(!names_any(text, &addresses), "{text}");
        }
    }

    #[test]
    fn domains_go_out_in_ascii() {
        for (address, expected) in [
            ("ana@example.com", "ana@example.com"),
            ("mueller@exämple.example", "mueller@xn--exmple-cua.example"),
            ("a.b+c@例え.jp", "a.b+c@xn--r8jz45g.jp"),
            ("ana@[192.0.2.1]", "ana@[192.0.2.1]"),
        ] {
            assert_eq!(mailable(address).unwrap(), expected);
        }
        for bad in ["ana", "ana@", "ana@a b", "ana@exa%mple"] {
            assert!(mailable(bad).is_err(), "{bad}");
        }
    }
}
