//! Turns web addresses and `#12` in plain text into links.

use crate::values::urls::urls;

/// A piece of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Span<'a> {
    Text(&'a str),
    Url(&'a str),
    /// The digits of `#12`, a ticket of the same account.
    Ticket(&'a str),
}

/// Splits a text into pieces, which add up to the whole text.
pub fn spans(text: &str) -> Vec<Span<'_>> {
    let mut spans = Vec::new();
    let mut from = 0;
    for link in urls(text) {
        push_plain(&text[from..link.start], &mut spans);
        spans.push(Span::Url(&text[link.clone()]));
        from = link.end;
    }
    push_plain(&text[from..], &mut spans);
    spans
}

fn push_plain<'a>(text: &'a str, spans: &mut Vec<Span<'a>>) {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let mut from = 0;
    for (at, _) in text.match_indices('#') {
        let after = &text[at + 1..];
        let digits = after.len() - after.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let stands_alone = !text[..at].ends_with(is_word) && !after[digits..].starts_with(is_word);
        if !(1..=18).contains(&digits) || !stands_alone {
            continue;
        }
        if from < at {
            spans.push(Span::Text(&text[from..at]));
        }
        from = at + 1 + digits;
        spans.push(Span::Ticket(&text[at + 1..from]));
    }
    if from < text.len() {
        spans.push(Span::Text(&text[from..]));
    }
}

#[cfg(test)]
mod tests {
    use super::{Span::*, *};

    #[test]
    fn addresses_and_numbers_become_links() {
        let text = "See https://a.example/x_(y)?q=1, (http://b.example) or #12. Not x#3, #4x, https://";
        assert_eq!(
            spans(text),
            [
                Text("See "),
                Url("https://a.example/x_(y)?q=1"),
                Text(", ("),
                Url("http://b.example"),
                Text(") or "),
                Ticket("12"),
                Text(". Not x#3, #4x, https://"),
            ]
        );
    }

    /// Quadratic time here would block everyone for many seconds.
    #[test]
    fn very_many_marks_are_quickly_read() {
        let text = format!("http://a{}", ")".repeat(99_000));
        let begun = std::time::Instant::now();
        assert_eq!(spans(&text)[0], Url("http://a"));
        assert!(begun.elapsed().as_secs() < 2);
    }

    #[test]
    fn the_pieces_are_the_text_again() {
        for text in ["", "#", "ü#1ü #2", "javascript:alert(1)", "https://ü.example/#7 \u{202e}x", "##1"] {
            let whole: String = spans(text)
                .iter()
                .map(|span| match span {
                    Text(text) | Url(text) => (*text).to_owned(),
                    Ticket(digits) => format!("#{digits}"),
                })
                .collect();
            assert_eq!(whole, text);
        }
    }
}
