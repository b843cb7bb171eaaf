//! Where in a text the words of a query stand.

use crate::search::query::{Phrase, Term, is_of_requester};
use crate::search::units::{joined_numbers, place, second_of_pair, units};
use std::ops::Range;

/// How much of a text is looked through, in bytes.
const WINDOW: usize = 20_000;
/// How much of it is shown before the first hit, and in all, in characters.
const BEFORE: usize = 40;
const SHOWN: usize = 160;

/// A piece of a text, and whether it is what was searched for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    pub text: String,
    pub is_hit: bool,
}

/// The phrases that a text can have hits of.
fn phrases(terms: &[Term]) -> impl Iterator<Item = &Phrase> {
    let wanted = terms.iter().filter(|term| !term.is_not).flat_map(|term| term.any.iter().flatten());
    wanted.filter(|phrase| !is_of_requester(phrase))
}

/// Whether a text can have hits at all.
pub fn can_have_hits(terms: &[Term]) -> bool {
    phrases(terms).next().is_some()
}

/// The places of a query's words in the beginning of a text, in order, without overlaps.
fn hits(text: &str, terms: &[Term]) -> Vec<Range<usize>> {
    let text = beginning(text, WINDOW);
    let found = units(text);
    let places: Vec<String> = (0..found.len()).map(|index| place(&found, index)).collect();
    let numbers = joined_numbers(text, &found);
    let mut hits: Vec<Range<usize>> = Vec::new();
    for Phrase { words, prefix } in phrases(terms) {
        let last = words.len() - 1;
        let is_one = |place: &str, index: usize| {
            place == words[index] || (*prefix && index == last && place.starts_with(&words[index]))
        };
        for (start, window) in places.windows(words.len()).enumerate() {
            if window.iter().enumerate().all(|(index, place)| is_one(place, index)) {
                let end = start + last;
                // A pair of signs ends with the second one.
                let end = second_of_pair(&found, end)
                    .filter(|_| places[end] == words[last])
                    .map_or(found[end].range.end, |next| next.range.end);
                hits.push(found[start].range.start..end);
            }
        }
        if let [word] = words.as_slice() {
            let alone = found.iter().filter(|unit| unit.is_sign && unit.text == *word);
            hits.extend(alone.map(|unit| unit.range.clone()));
            let numbers = numbers.iter().filter(|number| is_one(&number.text, 0));
            hits.extend(
                numbers.map(|number| found[number.units.start].range.start..found[number.units.end - 1].range.end),
            );
        }
    }
    hits.sort_by_key(|hit| (hit.start, hit.end));
    let mut apart: Vec<Range<usize>> = Vec::new();
    for hit in hits {
        match apart.last_mut().filter(|last| hit.start < last.end) {
            Some(last) => last.end = last.end.max(hit.end),
            None => apart.push(hit),
        }
    }
    apart
}

fn beginning(text: &str, bytes: usize) -> &str {
    let end = (0..=bytes.min(text.len())).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
    &text[..end]
}

/// A text with its hits marked; `None` without a hit.
pub fn marked(text: &str, terms: &[Term]) -> Option<Vec<Piece>> {
    let hits = hits(text, terms);
    (!hits.is_empty()).then(|| cut(text, &hits, 0..text.len()))
}

/// Instead of the surroundings of a hit that may stand beyond what is looked through; `None` if all
/// of the text is.
pub fn beyond(text: &str) -> Option<Vec<Piece>> {
    let told = Piece { text: "The words stand further down in this long text.".into(), is_hit: false };
    (text.len() > WINDOW).then(|| vec![told])
}

/// The surroundings of the first hit in a text, on one line; `None` without a hit.
pub fn snippet(text: &str, terms: &[Term]) -> Option<Vec<Piece>> {
    let hits = hits(text, terms);
    let first = hits.first()?;
    let start = text[..first.start].char_indices().rev().take(BEFORE).last().map_or(first.start, |(at, _)| at);
    // It begins with a whole word, if there is one before the hit.
    let space = text[start..first.start].find(char::is_whitespace).filter(|_| start > 0);
    let start = space.map_or(start, |at| start + at);
    let end = text[start..].char_indices().nth(SHOWN).map_or(text.len(), |(at, _)| start + at).max(first.end);
    let mut pieces = cut(text, &hits, start..end);
    if start > 0 {
        pieces.insert(0, Piece { text: "…".into(), is_hit: false });
    }
    if end < text.len() {
        pieces.push(Piece { text: "…".into(), is_hit: false });
    }
    Some(pieces)
}

fn cut(text: &str, hits: &[Range<usize>], shown: Range<usize>) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut at = shown.start;
    let mut push = |range: Range<usize>, is_hit| {
        if !range.is_empty() {
            pieces.push(Piece { text: text[range].to_owned(), is_hit });
        }
    };
    for hit in hits.iter().filter(|hit| hit.start < shown.end) {
        push(at..hit.start, false);
        at = hit.end.min(shown.end);
        push(hit.start..at, true);
    }
    push(at..shown.end, false);
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::search::parse;

    fn shown(pieces: Option<Vec<Piece>>) -> String {
        let piece = |piece: Piece| if piece.is_hit { format!("[{}]", piece.text) } else { piece.text };
        pieces.unwrap_or_default().into_iter().map(piece).collect()
    }

    #[test]
    fn hits_are_marked_as_they_were_written() {
        let cases = [
            ("Größe im CAFÉ, Cafés", "cafe grosse", "[Größe] im [CAFÉ], [Cafés]"),
            ("the lamp is broken", "\"lamp is\"", "the [lamp is] broken"),
            ("東京都の京都", "京都", "東[京都]の[京都]"),
            ("日本酒", "酒", "日本[酒]"),
            ("第3章の図", "3章", "第[3章]の図"),
            ("tel 030/123 456-78!", "03012345678", "tel [030/123 456-78]!"),
            ("red red", "red", "[red] [red]"),
            ("nothing", "lamp", ""),
            ("lamp", "-lamp", ""),
        ];
        for (text, query, expected) in cases {
            assert_eq!(shown(marked(text, &parse(query).unwrap())), expected, "{query}");
        }
    }

    #[test]
    fn a_snippet_is_bounded() {
        let text = format!("{}the lamp{}", "before ".repeat(100), " after".repeat(100));
        let pieces = snippet(&text, &parse("lamp").unwrap());
        let shown = shown(pieces);
        assert!(shown.starts_with("…") && shown.ends_with("…") && shown.contains(" the [lamp] after"), "{shown}");
        assert!(shown.starts_with("… before"), "{shown}");
        assert!(shown.chars().count() < SHOWN + 10, "{shown}");
        let far = format!("{}lamp", "x ".repeat(WINDOW));
        assert_eq!(snippet(&far, &parse("lamp").unwrap()), None, "beyond what is looked through");
        assert_eq!(snippet(&"é".repeat(WINDOW), &parse("lamp").unwrap()), None);
    }
}
