//! The query language: words, "phrases", -exclusions, and operators with values.

use crate::error::{Error, Result};
use crate::search::terms::MAX_PHRASE;
use crate::search::units::{joined_numbers, place, second_of_pair, units};
use std::collections::BTreeSet;
use std::ops::Range;

/// Maximum number of distinct words in a query: each costs an index lookup.
const MAX_QUERY: usize = 20;
/// A shorter prefix would match too many words.
const MIN_PREFIX: usize = 2;

/// Places of a text that must be side by side; the last one may be a prefix.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Phrase {
    /// Never empty. Letters, digits and marks only.
    pub words: Vec<String>,
    /// Whether the last word matches every word that starts with it.
    pub prefix: bool,
}

/// One condition of a query. A text must meet all of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Term {
    /// Whether the text must not meet it.
    pub is_not: bool,
    /// Alternatives, each of which is met by a text that holds all of its phrases.
    pub any: Vec<Vec<Phrase>>,
}

/// A piece of a query as it was typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    pub is_not: bool,
    /// The operator, such as `tag`, or empty.
    pub name: String,
    /// Without its quotes.
    pub value: String,
    pub is_quoted: bool,
    /// The place of all of it in the query, in bytes.
    pub range: Range<usize>,
}

/// Splits a query at spaces and quotes. `names` are the operators; other names are words.
pub fn pieces(query: &str, names: &[&str]) -> Vec<Piece> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(skipped) = query[at..].find(|c: char| !c.is_whitespace()) {
        let start = at + skipped;
        let rest = &query[start..];
        let after_sign =
            rest.strip_prefix('-').filter(|rest| rest.starts_with(|c: char| c == '"' || c.is_alphanumeric()));
        let rest = after_sign.unwrap_or(rest);
        let name = names.iter().find(|name| rest.strip_prefix(**name).is_some_and(|rest| rest.starts_with(':')));
        let rest = name.map_or(rest, |name| &rest[name.len() + 1..]);
        let (value, length) = match rest.strip_prefix('"') {
            Some(quoted) => match quoted.split_once('"') {
                Some((value, _)) => (value, value.len() + 2),
                None => (quoted, rest.len()),
            },
            None => {
                let end = rest.find(|c: char| c == '"' || c.is_whitespace()).unwrap_or(rest.len());
                (&rest[..end], end)
            }
        };
        at = query.len() - rest.len() + length;
        found.push(Piece {
            is_not: after_sign.is_some(),
            name: name.map_or_else(String::new, ToString::to_string),
            value: value.to_owned(),
            is_quoted: rest.starts_with('"'),
            range: start..at,
        });
    }
    found
}

/// Parses a query without operators.
///
/// # Errors
/// *Invalid* for too many distinct words, and for too long a phrase.
pub fn parse(query: &str) -> Result<Vec<Term>> {
    terms(query, &pieces(query, &[]))
}

/// The conditions of pieces. Every word must match and may be a prefix. All punctuation only
/// separates words. A single letter is no prefix. Numbers that are typed in groups are also
/// looked for without their grouping.
///
/// # Errors
/// *Invalid* for too many distinct words, and for too long a phrase.
pub fn terms(query: &str, pieces: &[Piece]) -> Result<Vec<Term>> {
    let mut terms: Vec<Term> = Vec::new();
    let mut words = BTreeSet::new();
    let mut index = 0;
    while index < pieces.len() {
        let piece = &pieces[index];
        let (count, term) = match grouped_number(query, &pieces[index..]) {
            Some(number) => number,
            None => (1, phrase(&piece.value, piece.is_quoted)?.map(|phrase| vec![vec![phrase]])),
        };
        index += count;
        let Some(any) = term else { continue };
        let term = Term { is_not: piece.is_not, any };
        if !terms.contains(&term) {
            words.extend(term.any.iter().flatten().flat_map(|phrase| &phrase.words).cloned());
            terms.push(term);
        }
        // Also bounds the search for repeats.
        if words.len() > MAX_QUERY {
            return Err(Error::invalid(format!("Search for at most {MAX_QUERY} different words.")));
        }
    }
    Ok(terms)
}

/// Stands before the words of a requester where only those are meant.
const REQUESTER: char = '\u{e000}';

/// The words by which a requester alone is found.
pub fn requester_words(text: &str) -> impl Iterator<Item = String> {
    units(text).into_iter().map(|unit| format!("{REQUESTER}{}", unit.text))
}

/// Whether a phrase is of words of [`requester_words`].
pub(super) fn is_of_requester(phrase: &Phrase) -> bool {
    phrase.words.iter().any(|word| word.starts_with(REQUESTER))
}

/// The condition that a requester's name and address have these words; the last one may be a
/// prefix. `None` where there are none or too many.
pub fn requester_term(text: &str, is_not: bool) -> Option<Term> {
    let words: Vec<String> = requester_words(text).collect();
    let last = words.len().checked_sub(1).filter(|last| *last < MAX_QUERY)?;
    let phrase = |(index, word): (usize, String)| Phrase { words: vec![word], prefix: index == last };
    Some(Term { is_not, any: vec![words.into_iter().enumerate().map(phrase).collect()] })
}

type Alternatives = Option<Vec<Vec<Phrase>>>;

/// How many of the pieces are one number in groups, and what it is searched for as.
fn grouped_number(query: &str, pieces: &[Piece]) -> Option<(usize, Alternatives)> {
    let pieces = &pieces[..pieces.len().min(MAX_QUERY)];
    let first = pieces.first()?;
    let is_plain = |piece: &&Piece| piece.name.is_empty() && !piece.is_quoted;
    let plain = pieces.iter().take_while(is_plain).take_while(|piece| piece.range == first.range || !piece.is_not);
    let end = plain.last()?.range.end;
    let typed = query[..end].get(first.range.start..)?.trim_start_matches('-');
    let found = units(typed);
    let number = joined_numbers(typed, &found).into_iter().next().filter(|joined| joined.units.start == 0)?;
    let from = end - typed.len();
    let last = from + found[number.units.end - 1].range.end;
    let count = pieces.iter().take_while(|piece| piece.range.start < last).count();
    // It ends where a piece ends.
    let has_more =
        found[number.units.end..].first().is_some_and(|unit| from + unit.range.start < pieces[count - 1].range.end);
    if has_more {
        return None;
    }
    let groups: Vec<Phrase> =
        pieces[..count].iter().filter_map(|piece| phrase(&piece.value, false).ok().flatten()).collect();
    Some((count, Some(vec![groups, vec![Phrase { words: vec![number.text], prefix: true }]])))
}

/// The places that a text must have side by side.
fn phrase(typed: &str, is_quoted: bool) -> Result<Option<Phrase>> {
    let found = units(typed);
    let Some(last) = found.last() else { return Ok(None) };
    if found.len() > MAX_PHRASE {
        return Err(Error::invalid(format!("Search for at most {MAX_PHRASE} words side by side.")));
    }
    let ends_in_pair = found.len() > 1 && second_of_pair(&found, found.len() - 2).is_some();
    let count = found.len() - usize::from(ends_in_pair);
    let words: Vec<String> = (0..count).map(|index| place(&found, index)).collect();
    let prefix = if last.is_sign {
        // A sign after a word may go on to the next sign. Alone, it is found by itself.
        !ends_in_pair && words.len() > 1
    } else {
        !is_quoted && last.text.chars().count() >= MIN_PREFIX
    };
    Ok(Some(Phrase { words, prefix }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(query: &str) -> String {
        let phrase = |phrase: &Phrase| format!("{}{}", phrase.words.join(" "), if phrase.prefix { "*" } else { "" });
        let all = |all: &Vec<Phrase>| all.iter().map(phrase).collect::<Vec<_>>().join(" & ");
        let term = |term: &Term| {
            let any = term.any.iter().map(all).collect::<Vec<_>>().join(" or ");
            format!("{}[{any}]", if term.is_not { "-" } else { "" })
        };
        parse(query).unwrap().iter().map(term).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn a_query_is_words_and_phrases() {
        let cases = [
            ("refund \"Two Words\" a@bc", "[refund*] [two words] [a bc*]"),
            ("\" ' OR * (", "[or]"),
            ("a ab é refund refund", "[a] [ab*] [e] [refund*]"),
            ("-spam -\"two words\" - x", "-[spam*] -[two words] [x]"),
            ("tag:vip", "[tag vip*]"),
            ("東 東京 東京都 第3章 \"酒\"", "[東] [東京] [東京 京都] [第 3 章*] [酒]"),
            ("—", ""),
        ];
        for (query, expected) in cases {
            assert_eq!(shown(query), expected, "{query}");
        }
    }

    #[test]
    fn numbers_in_groups_are_searched_without_them() {
        let cases = [
            ("31612345678", "[31612345678*]"),
            ("030/123 456-78", "[030 123* & 456 78* or 03012345678*]"),
            ("NL91 ABNA 0417 paid", "[nl91* & abna* & 0417* or nl91abna0417*] [paid*]"),
            ("-2024-001", "-[2024 001* or 2024001*]"),
            ("error 404 page", "[error*] [404*] [page*]"),
            ("12 34x-paid", "[12*] [34x paid*]"),
        ];
        for (query, expected) in cases {
            assert_eq!(shown(query), expected, "{query}");
        }
    }

    #[test]
    fn operators_have_values() {
        let found = pieces("tag:\"two words\" -status:closed unknown:x a", &["tag", "status"]);
        let shown: Vec<(bool, &str, &str)> =
            found.iter().map(|piece| (piece.is_not, piece.name.as_str(), piece.value.as_str())).collect();
        assert_eq!(
            shown,
            [(false, "tag", "two words"), (true, "status", "closed"), (false, "", "unknown:x"), (false, "", "a")]
        );
    }

    #[test]
    fn a_query_is_bounded() {
        let words = |count: usize| (0..count).map(|index| format!("word{index}")).collect::<Vec<_>>().join(" ");
        assert_eq!(parse(&words(20)).unwrap().len(), 20);
        assert!(parse(&words(21)).is_err());
        assert!(parse(&format!("\"{}\"", words(21))).is_err());
        assert!(parse(&format!("\"{}\"", "a ".repeat(21))).is_err());
        assert_eq!(parse(&"error ".repeat(100_000)).unwrap().len(), 1, "repeats are one");
        assert!(parse(&words(200_000)).is_err());
    }
}
