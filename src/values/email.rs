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
    use super::mailable;

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
