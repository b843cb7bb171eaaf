//! The address that takes answers to mails.

use std::str::FromStr;

/// Longest left side of an address (RFC 5321, 4.5.3.1.1).
const MAX_LOCAL: usize = 64;
/// Length of the tokens of [`token::for_address`](crate::values::token::for_address).
const TOKEN: usize = 26;

/// The address that takes answers to mails, such as `reply@in.example.com`. A mail names it as
/// `reply+TOKEN@in.example.com`; the token tells what is answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplyAddress {
    local: String,
    domain: String,
}

impl FromStr for ReplyAddress {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim().to_lowercase();
        text.parse::<lettre::Address>()
            .map_err(|_| "an address for replies is like reply@in.example.com".to_owned())?;
        let (local, domain) = text.rsplit_once('@').unwrap_or_default();
        if local.contains(['+', '"']) {
            return Err("an address for replies has no + on its left side; each mail adds one, and a token".into());
        }
        if local.len() + 1 + TOKEN > MAX_LOCAL {
            return Err(format!("the left side of an address for replies has at most {} signs", MAX_LOCAL - 1 - TOKEN));
        }
        Ok(Self { local: local.into(), domain: domain.into() })
    }
}

impl ReplyAddress {
    /// The address for answers to one mail.
    pub fn with(&self, token: &str) -> String {
        format!("{}+{token}@{}", self.local, self.domain)
    }

    /// The tokens of all such addresses in a text, in lower case: mail programs may change the case.
    pub fn tokens(&self, text: &str) -> Vec<String> {
        self.places(text).map(|(from, to)| text[from..to].to_ascii_lowercase()).collect()
    }

    /// Whether a text names such an address.
    pub fn is_in(&self, text: &str) -> bool {
        self.places(text).next().is_some()
    }

    /// The text with … in the place of each token.
    pub fn without_tokens(&self, text: &str) -> String {
        let mut kept = String::with_capacity(text.len());
        let mut copied = 0;
        for (from, to) in self.places(text) {
            kept.push_str(&text[copied..from]);
            kept.push('…');
            copied = to;
        }
        kept.push_str(&text[copied..]);
        kept
    }

    /// Where the tokens are, as bytes from and to.
    fn places<'a>(&'a self, text: &'a str) -> impl Iterator<Item = (usize, usize)> + 'a {
        // Its length is that of the text, unlike with `to_lowercase`.
        let lower = text.to_ascii_lowercase();
        // In links, signs are written as numbers.
        let after = ["@", "%40"].map(|at| format!("{at}{}", self.domain));
        let mut at = 0;
        std::iter::from_fn(move || {
            while let Some(found) = lower[at..].find(&self.local) {
                at += found + self.local.len();
                let Some(plus) = ["+", "%2b"].into_iter().find(|plus| lower[at..].starts_with(plus)) else { continue };
                let from = at + plus.len();
                let length = lower[from..].bytes().take_while(u8::is_ascii_alphanumeric).count();
                if length == TOKEN && after.iter().any(|after| lower[from + length..].starts_with(after)) {
                    at = from + length;
                    return Some((from, at));
                }
            }
            None
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = "abcdefghjkmnpqrstuvwxyz023";

    #[test]
    fn tokens_are_found_in_any_case_and_taken_out() {
        let address: ReplyAddress = " Reply@In.Example.com ".parse().unwrap();
        let written = address.with(TOKEN);
        assert_eq!(written, format!("reply+{TOKEN}@in.example.com"));
        let text = format!("İ “Team” <{}>, reply+short@in.example.com, {written}.evil, x", written.to_uppercase());
        assert_eq!(address.tokens(&text), [TOKEN, TOKEN]);
        assert!(!address.is_in(&format!("reply+{TOKEN}@elsewhere.example")));
        let clean = address.without_tokens(&text);
        assert!(!address.is_in(&clean) && clean.starts_with("İ “Team” <REPLY+…@IN.EXAMPLE.COM>"), "{clean}");
    }

    #[test]
    fn an_address_for_replies_has_room_for_a_token() {
        for text in ["", "reply", "reply@", "a+b@example.com", "Reply <reply@example.com>", &"x".repeat(70)] {
            assert!(text.parse::<ReplyAddress>().is_err(), "{text}");
        }
        assert!(format!("{}@example.com", "x".repeat(37)).parse::<ReplyAddress>().is_ok());
        assert!(format!("{}@example.com", "x".repeat(38)).parse::<ReplyAddress>().is_err());
    }
}
