//! Notes as they are shown: plain text in which web addresses and `#12` are links.

/// A piece of shown text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Span<'a> {
    /// As it is.
    Text(&'a str),
    /// An address of the web.
    Url(&'a str),
    /// `#12`, a ticket of the same account.
    Ticket(&'a str),
}

/// Splits a text into its pieces; together they are the text again.
#[must_use]
pub fn spans(text: &str) -> Vec<Span<'_>> {
    let mut spans = Vec::new();
    let (mut plain_from, mut at) = (0, 0);
    while at < text.len() {
        let rest = &text[at..];
        let starts_word = !text[..at].chars().next_back().is_some_and(|c| c.is_alphanumeric() || c == '_');
        let link = if starts_word { link_at(rest) } else { None };
        if let Some(span) = link {
            if plain_from < at {
                spans.push(Span::Text(&text[plain_from..at]));
            }
            at += length(&span);
            plain_from = at;
            spans.push(span);
        } else {
            at += rest.chars().next().map_or(1, char::len_utf8);
        }
    }
    if plain_from < text.len() {
        spans.push(Span::Text(&text[plain_from..]));
    }
    spans
}

fn length(span: &Span<'_>) -> usize {
    match span {
        Span::Text(text) | Span::Url(text) => text.len(),
        Span::Ticket(digits) => digits.len() + 1,
    }
}

fn link_at(rest: &str) -> Option<Span<'_>> {
    if let Some(after) = rest.strip_prefix('#') {
        let digits = after.len() - after.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let ends_word = !after[digits..].starts_with(|c: char| c.is_alphanumeric() || c == '_');
        return ((1..=18).contains(&digits) && ends_word).then(|| Span::Ticket(&after[..digits]));
    }
    let scheme = ["https://", "http://"].into_iter().find(|scheme| rest.starts_with(scheme))?;
    let end = rest.find(|c: char| c.is_whitespace() || "<>\"".contains(c)).unwrap_or(rest.len());
    let url = trim_end(&rest[..end]);
    (url.len() > scheme.len()).then_some(Span::Url(url))
}

/// A sentence's own marks behind an address are not part of it; a bracket is,
/// where the address has opened it.
fn trim_end(url: &str) -> &str {
    let mut end = url.len();
    let mut unopened = url.matches(')').count().saturating_sub(url.matches('(').count());
    for last in url.chars().rev() {
        let is_extra_bracket = last == ')' && unopened > 0;
        if !(is_extra_bracket || ".,;:!?'\u{2019}\u{201d}]*_".contains(last)) {
            break;
        }
        unopened -= usize::from(is_extra_bracket);
        end -= last.len_utf8();
    }
    &url[..end]
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

    /// Quadratic time here would hold up everybody for many seconds.
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
