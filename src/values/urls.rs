//! Web addresses in a text. The bubble finds them by the same rule, in
//! `static/embed/links.js`; `tests/links.json` checks both.

use std::ops::Range;

/// Characters that belong to the sentence when they follow an address.
const TRAILING: &str = ".,;:!?'\"…’”‘“*_~([{";

/// The byte ranges of the addresses in a text, in order and without overlaps.
pub fn urls(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut from = 0;
    while let Some((start, host)) = next_scheme(text, from) {
        let run = run(&text[host..]);
        let end = host + run.trim_end_matches(|c| TRAILING.contains(c)).len();
        if text[host..end].contains(char::is_alphanumeric) {
            found.push(start..end);
        }
        from = end.max(host);
    }
    found
}

/// Where the next `http://` or `https://` begins, and where it ends.
fn next_scheme(text: &str, from: usize) -> Option<(usize, usize)> {
    let bytes = text.as_bytes();
    memchr::memchr2_iter(b'h', b'H', &bytes[from..]).map(|at| from + at).find_map(|start| {
        let is_inside_word = start > 0 && (bytes[start - 1].is_ascii_alphanumeric() || bytes[start - 1] == b'_');
        let scheme = ["https://", "http://"].into_iter().find(|scheme| {
            bytes[start..].get(..scheme.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(scheme.as_bytes()))
        })?;
        (!is_inside_word).then_some((start, start + scheme.len()))
    })
}

/// The longest start of a text that may belong to an address: up to a character that
/// never does, or to a closing bracket that was not opened in it.
fn run(text: &str) -> &str {
    let mut open = [0_usize; 3];
    for (at, c) in text.char_indices() {
        if ends(c) {
            return &text[..at];
        }
        if let Some(kind) = "([{".find(c) {
            open[kind] += 1;
        }
        if let Some(kind) = ")]}".find(c) {
            match open[kind].checked_sub(1) {
                Some(rest) => open[kind] = rest,
                None => return &text[..at],
            }
        }
    }
    text
}

/// White space, control characters, bidi marks, and punctuation of CJK text.
fn ends(c: char) -> bool {
    c.is_whitespace()
        || c.is_control()
        || "<>\"`".contains(c)
        || matches!(c,
            '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
            | '\u{3001}' | '\u{3002}' | '\u{3008}'..='\u{3011}' | '\u{3014}'..='\u{301f}'
            | '\u{ff01}'..='\u{ff0f}' | '\u{ff1a}'..='\u{ff20}' | '\u{ff3b}'..='\u{ff40}' | '\u{ff5b}'..='\u{ff65}')
}

#[cfg(test)]
mod tests {
    use super::urls;

    #[derive(serde::Deserialize)]
    struct Case {
        text: String,
        links: Vec<String>,
    }

    #[test]
    fn the_desk_finds_the_links_that_the_bubble_finds() {
        let cases: Vec<Case> = serde_json::from_str(include_str!("../../tests/links.json")).unwrap();
        assert!(cases.len() > 40);
        for Case { text, links: expected } in cases {
            let found: Vec<&str> = urls(&text).into_iter().map(|range| &text[range]).collect();
            assert_eq!(found, expected, "{text}");
        }
    }
}
