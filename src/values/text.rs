//! Rules for text that every field shares.

use crate::error::{Error, Result};
use icu_properties::CodePointSetData;
use icu_properties::props::DefaultIgnorableCodePoint;

/// Turns CRLF and lone CR into LF, and removes NUL, which Postgres cannot store.
pub fn normalise(text: &str) -> String {
    text.replace("\r\n", "\n").replace('\r', "\n").replace('\0', "")
}

/// One trimmed line of at most `max` characters (Unicode scalar values), perhaps empty.
///
/// # Errors
/// *Invalid*, naming the field by `label`.
pub fn line(label: &str, text: &str, max: usize) -> Result<String> {
    let text = normalise(text).split_whitespace().collect::<Vec<_>>().join(" ");
    if text.chars().count() > max {
        return Err(Error::invalid(format!("{label} is longer than {max} characters.")));
    }
    Ok(text)
}

/// Like [`line()`], but never empty.
pub fn required_line(label: &str, text: &str, max: usize) -> Result<String> {
    match line(label, text, max)? {
        text if text.is_empty() => Err(Error::invalid(format!("{label} is missing."))),
        text => Ok(text),
    }
}

/// Several lines of at most `max` characters, with normalised line ends.
pub fn block(label: &str, text: &str, max: usize) -> Result<String> {
    let text = normalise(text);
    if text.chars().count() > max {
        return Err(Error::invalid(format!("{label} are longer than {max} characters.")));
    }
    Ok(text)
}

/// Reads a checkbox of a form, which sends 1 when ticked.
pub fn ticked<'de, D: serde::Deserializer<'de>>(deserializer: D) -> std::result::Result<bool, D::Error> {
    Ok(<String as serde::Deserialize>::deserialize(deserializer)? == "1")
}

/// The first `max` characters, with an ellipsis where something was cut.
pub fn shorten(text: &str, max: usize) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if text.chars().count() <= max {
        return text;
    }
    let cut: String = text.chars().take(max.saturating_sub(1)).collect();
    format!("{}…", cut.trim_end())
}

/// A number with commas between its thousands: `1,234`.
pub fn grouped(number: i64) -> String {
    let digits = number.unsigned_abs().to_string();
    let groups: Vec<&str> =
        digits.as_bytes().rchunks(3).rev().filter_map(|group| std::str::from_utf8(group).ok()).collect();
    format!("{}{}", if number < 0 { "-" } else { "" }, groups.join(","))
}

/// Such as `1 ticket` or `1,234 tickets`.
pub fn count_of(number: i64, word: &str) -> String {
    format!("{} {word}{}", grouped(number), if number == 1 { "" } else { "s" })
}

/// Whether a character is invisible or reverses the order of others: direction marks,
/// joiners, breaks. The variation selectors of emoji are not meant.
pub fn is_invisible(c: char) -> bool {
    let is_ignorable = CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(c);
    (is_ignorable && !matches!(c, '\u{fe00}'..='\u{fe0f}')) || matches!(c, '\u{2028}'..='\u{202e}')
}

/// The first letters of the first and the last word of a name.
pub fn initials(name: &str) -> String {
    let mut words = name.split(|c: char| !c.is_alphanumeric()).filter_map(|word| word.chars().next());
    let first = words.next();
    first.into_iter().chain(words.next_back()).flat_map(char::to_uppercase).collect()
}

/// A web address as people read it.
pub fn without_scheme(url: &str) -> &str {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://")).unwrap_or(url);
    rest.strip_suffix('/').unwrap_or(rest)
}

/// The first text that is not blank; empty if all are.
pub fn first_filled<'a>(texts: &[&'a str]) -> &'a str {
    texts.iter().find(|text| !text.trim().is_empty()).copied().unwrap_or_default()
}

/// Parses a URL that a page may link to: only http or https.
pub fn web_url(text: &str) -> Option<url::Url> {
    let url: url::Url = text.trim().parse().ok()?;
    (matches!(url.scheme(), "http" | "https") && url.has_host()).then_some(url)
}

/// Converts a typed list of websites to origins (RFC 6454), one per line.
pub fn parse_origins(typed: &str) -> Result<String> {
    let origin = |line: &str| {
        let url = web_url(line).ok_or_else(|| {
            Error::invalid(format!("“{line}” is not a website’s address such as https://www.example.com."))
        })?;
        Ok(url.origin().ascii_serialization())
    };
    let origins: Result<Vec<String>> = typed.split_whitespace().map(origin).collect();
    Ok(origins?.join("\n"))
}

/// Longest page URL that is stored, in bytes.
const MAX_PAGE_URL: usize = 2_000;

/// The URL of a visitor's page; `None` if it is invalid or too long.
pub fn page_url(text: &str) -> Option<String> {
    web_url(text).map(String::from).filter(|url| url.len() <= MAX_PAGE_URL)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_character_is_a_unicode_scalar_value_counted_after_line_ends() {
        assert!(block("Notes", &"ä".repeat(10), 10).is_ok());
        assert!(block("Notes", &"a\r\n".repeat(5), 10).is_ok());
        assert!(block("Notes", &"ä".repeat(11), 10).is_err());
    }

    #[test]
    fn a_line_is_trimmed_before_it_is_counted() {
        assert_eq!(required_line("Title", "  a \n b ", 3).unwrap(), "a b");
        assert!(required_line("Title", " \t\n ", 3).is_err());
        assert!(required_line("Title", "abcd", 3).is_err());
    }

    #[test]
    fn only_web_addresses_become_links() {
        assert!(web_url("https://a.example/x").is_some());
        for bad in ["javascript:alert(1)", "data:text/html,x", "//a.example", "ftp://a.example", "http://"] {
            assert!(web_url(bad).is_none(), "{bad}");
        }
    }
}
