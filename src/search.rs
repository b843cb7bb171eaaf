//! Full-text search: one tokenizer for both engines, terms that include their account,
//! and the parser for queries.

use crate::db::index::Phrase;
use crate::error::{Error, Result};
use std::collections::BTreeSet;
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// Maximum number of terms of one text. A `tsvector` cannot store positions beyond this,
/// and both engines must find the same.
const MAX_TERMS: usize = 16_000;
/// A `tsvector` holds at most 1 MB, including some bytes per term.
const MAX_BYTES: usize = 700_000;
/// Longest word, in characters. Longer words are cut, here and in queries.
const MAX_WORD: usize = 40;

/// Splits a text into words: lower case, without diacritics, letters and
/// digits only; CJK as overlapping pairs of characters.
pub fn words(text: &str) -> Vec<String> {
    let folded: String = text.nfkd().filter(|c| !is_combining_mark(*c)).flat_map(char::to_lowercase).collect();
    // Lower case can add marks (İ), and NFC restores what NFKD took apart (가).
    let folded: String = folded.nfkd().filter(|c| !is_combining_mark(*c)).nfc().collect();
    let mut found = Vec::new();
    for run in folded.split(|c: char| !c.is_alphanumeric()).filter(|run| !run.is_empty()) {
        split_run(run, &mut found);
    }
    found
}

fn split_run(run: &str, found: &mut Vec<String>) {
    let mut word = String::new();
    let mut ideographs: Vec<char> = Vec::new();
    for c in run.chars() {
        if is_cjk(c) {
            flush_word(&mut word, found);
            ideographs.push(c);
        } else {
            flush_pairs(&mut ideographs, found);
            word.push(c);
        }
    }
    flush_word(&mut word, found);
    flush_pairs(&mut ideographs, found);
}

fn flush_word(word: &mut String, found: &mut Vec<String>) {
    if !word.is_empty() {
        found.push(word.chars().take(MAX_WORD).collect());
        word.clear();
    }
}

fn flush_pairs(ideographs: &mut Vec<char>, found: &mut Vec<String>) {
    match ideographs.as_slice() {
        [] => return,
        [only] => found.push(only.to_string()),
        many => found.extend(many.windows(2).map(|pair| pair.iter().collect::<String>())),
    }
    ideographs.clear();
}

/// Scripts that are written without spaces between words.
fn is_cjk(c: char) -> bool {
    matches!(u32::from(c),
        0x3040..=0x30FF | 0x31F0..=0x31FF | 0x3400..=0x4DBF | 0x4E00..=0x9FFF | 0xF900..=0xFAFF
        | 0xFF66..=0xFF9F | 0x2_0000..=0x3_134F)
}

/// A word as stored in the index. The account comes first, so that a search never looks
/// at other accounts' words. The `x` ends the account's digits, so that no account is
/// mistaken for another.
fn term(account_id: i64, word: &str) -> String {
    format!("{account_id}x{word}")
}

/// The search terms of some texts, in order, up to a limit that both engines can store.
pub fn terms<'a>(account_id: i64, texts: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let mut bytes = 0;
    texts
        .into_iter()
        .flat_map(words)
        .map(|word| term(account_id, &word))
        .take_while(|term| {
            bytes += term.len() + 8;
            bytes <= MAX_BYTES
        })
        .take(MAX_TERMS)
        .collect()
}

/// Maximum number of distinct words in a query: each costs an index lookup.
const MAX_QUERY: usize = 20;
/// A shorter prefix would match too many words.
const MIN_PREFIX: usize = 2;

/// Parses a query. Every word must match and may be a prefix. Quotes make a phrase. All
/// other punctuation only separates words. A single letter is no prefix, unless its
/// script is written without spaces.
///
/// # Errors
/// *Invalid* for too many distinct words.
pub fn parse(account_id: i64, query: &str) -> Result<Vec<Phrase>> {
    let mut phrases: Vec<Phrase> = Vec::new();
    for (index, part) in query.split('"').enumerate() {
        let quoted = index % 2 == 1;
        let chunks: Vec<&str> = if quoted { vec![part] } else { part.split_whitespace().collect() };
        for chunk in chunks {
            let words = words(chunk);
            let Some(last) = words.last() else { continue };
            let is_long = last.chars().count() >= MIN_PREFIX || last.chars().any(is_cjk);
            let words = words.iter().map(|word| term(account_id, word)).collect();
            let phrase = Phrase { words, prefix: !quoted && is_long };
            if !phrases.contains(&phrase) {
                phrases.push(phrase);
            }
            // Also bounds the search for repeats.
            let distinct: BTreeSet<&str> =
                phrases.iter().flat_map(|phrase| &phrase.words).map(String::as_str).collect();
            if distinct.len() > MAX_QUERY {
                return Err(Error::invalid(format!("Search for at most {MAX_QUERY} different words.")));
            }
        }
    }
    Ok(phrases)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_folded() {
        let cases = [
            ("Größe, Ärger & CAFÉ!", vec!["große", "arger", "cafe"]),
            ("ana.lópez+x@mail.example", vec!["ana", "lopez", "x", "mail", "example"]),
            ("Don't 3.14 snake_case", vec!["don", "t", "3", "14", "snake", "case"]),
            ("東京タワー ok", vec!["東京", "京タ", "タワ", "ワー", "ok"]),
            ("한국어 İstanbul ﬁle", vec!["한국어", "istanbul", "file"]),
            ("茶", vec!["茶"]),
            (" \u{0301} — ", vec![]),
        ];
        for (text, expected) in cases {
            assert_eq!(words(text), expected, "{text}");
        }
    }

    #[test]
    fn a_query_is_words_and_phrases() {
        let phrase = |words: &[&str], prefix| Phrase { words: words.iter().map(ToString::to_string).collect(), prefix };
        assert_eq!(
            parse(7, "refund \"Two Words\" a@bc").unwrap(),
            [phrase(&["7xrefund"], true), phrase(&["7xtwo", "7xwords"], false), phrase(&["7xa", "7xbc"], true)]
        );
        assert_eq!(parse(7, "\" ' OR * (").unwrap(), [phrase(&["7xor"], false)]);
        assert!(parse(7, "—").unwrap().is_empty());
    }

    #[test]
    fn a_query_is_bounded() {
        let prefixes = |query: &str| parse(7, query).unwrap().iter().map(|phrase| phrase.prefix).collect::<Vec<_>>();
        assert_eq!(prefixes("a ab 茶 東京 é"), [false, true, true, true, false]);
        let words = |count: usize| (0..count).map(|index| format!("word{index}")).collect::<Vec<_>>().join(" ");
        assert_eq!(parse(7, &words(20)).unwrap().len(), 20);
        assert!(parse(7, &words(21)).is_err());
        assert!(parse(7, &format!("\"{}\"", words(21))).is_err());
        assert_eq!(parse(7, &"error ".repeat(100_000)).unwrap().len(), 1, "repeats are one");
        assert!(parse(7, &words(200_000)).is_err());
    }
}
