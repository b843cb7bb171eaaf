//! Splits texts into what search compares: words, and single signs of scripts that are
//! written without spaces.

use crate::search::fold::{fold, is_mark, is_spaceless};
use std::ops::Range;
use unicode_segmentation::UnicodeSegmentation;

/// Longest word, in characters. The rest of a longer one is ignored, here and in queries.
const MAX_WORD: usize = 40;

/// A word or a sign, folded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unit {
    pub text: String,
    /// Its place in the text, in bytes.
    pub range: Range<usize>,
    pub is_sign: bool,
    /// Whether it follows the unit before it without anything between them.
    pub is_joined: bool,
}

/// The units of a text, in order.
pub fn units(text: &str) -> Vec<Unit> {
    let (mut found, mut word, mut is_joined) = (Vec::new(), None, false);
    for (start, cluster) in text.grapheme_indices(true) {
        let range = start..start + cluster.len();
        if let [byte] = cluster.as_bytes() {
            if byte.is_ascii_alphanumeric() {
                push_char(&mut word, char::from(byte.to_ascii_lowercase()), &range, is_joined);
            } else {
                finish_word(&mut word, &mut found);
                is_joined = false;
                continue;
            }
        } else {
            for part in fold(cluster).graphemes(true) {
                let Some(first) = part.chars().next() else { continue };
                if is_spaceless(first) && is_word(first) {
                    is_joined |= finish_word(&mut word, &mut found);
                    found.push(Unit { text: part.to_owned(), range: range.clone(), is_sign: true, is_joined });
                } else if is_word(first) {
                    part.chars().filter(|c| is_word(*c)).for_each(|c| push_char(&mut word, c, &range, is_joined));
                } else {
                    finish_word(&mut word, &mut found);
                    is_joined = false;
                    continue;
                }
                is_joined = true;
            }
            continue;
        }
        is_joined = true;
    }
    finish_word(&mut word, &mut found);
    found
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || is_mark(c)
}

/// A word that is not complete yet.
struct PartialWord {
    unit: Unit,
    length: usize,
}

fn push_char(word: &mut Option<PartialWord>, c: char, range: &Range<usize>, is_joined: bool) {
    let word = word.get_or_insert_with(|| PartialWord {
        unit: Unit { text: String::new(), range: range.clone(), is_sign: false, is_joined },
        length: 0,
    });
    word.unit.range.end = range.end;
    word.length += 1;
    if word.length <= MAX_WORD {
        word.unit.text.push(c);
    }
}

/// Adds the word if there is one, and says so.
fn finish_word(word: &mut Option<PartialWord>, found: &mut Vec<Unit>) -> bool {
    let word = word.take();
    let has_ended = word.is_some();
    found.extend(word.map(|word| word.unit));
    has_ended
}

/// The sign that makes a pair with the unit at `index`: the next unit, if both are signs and
/// stand side by side.
pub(super) fn second_of_pair(units: &[Unit], index: usize) -> Option<&Unit> {
    units.get(index + 1).filter(|next| next.is_joined && next.is_sign && units[index].is_sign)
}

/// A unit as it stands in the index: a word, or a sign with the one that makes a pair with it.
pub(super) fn place(units: &[Unit], index: usize) -> String {
    format!("{}{}", units[index].text, second_of_pair(units, index).map_or("", |next| &next.text))
}

/// A number that is written in groups, as phones, cards and serial numbers are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Joined {
    /// The units from the first of its groups to the last.
    pub units: Range<usize>,
    pub text: String,
}

/// The numbers that are written in groups, each from every one of its groups on, so that it
/// is found without its first groups, too. They are cut where a word is.
pub fn joined_numbers(text: &str, units: &[Unit]) -> Vec<Joined> {
    let mut found = Vec::new();
    let mut start = 0;
    while start < units.len() {
        let groups = group_count(text, &units[start..]);
        let end = start + groups;
        for first in start..end.saturating_sub(1) {
            let mut joined = String::new();
            let mut last = first;
            while last < end && joined.len() + units[last].text.len() <= MAX_WORD {
                joined.push_str(&units[last].text);
                last += 1;
            }
            if last > first + 1 && joined.bytes().any(|byte| byte.is_ascii_digit()) {
                found.push(Joined { units: first..last, text: joined });
            }
        }
        start = end.max(start + 1);
    }
    found
}

/// How many units from the first one on are groups of one number.
fn group_count(text: &str, units: &[Unit]) -> usize {
    let is_one = |index: usize| is_group(&units[index], text);
    let follows = |index: usize| is_separator(&text[units[index - 1].range.end..units[index].range.start]);
    (0..units.len()).take_while(|index| is_one(*index) && (*index == 0 || follows(*index))).count()
}

/// Digits, with capitals or few letters among them, or a few capitals alone.
fn is_group(unit: &Unit, text: &str) -> bool {
    let written = &text[unit.range.clone()];
    let letters = unit.text.bytes().filter(u8::is_ascii_alphabetic).count();
    let is_capital = written.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
    let has_digit = letters < unit.text.len();
    unit.text.is_ascii() && if has_digit { is_capital || letters <= 2 } else { is_capital && letters <= 4 }
}

/// Whether groups of a number are written with this between them.
fn is_separator(between: &str) -> bool {
    let is_usual = |c: char| c.is_whitespace() && !matches!(c, '\n' | '\r') || "-‐‑–./:()+".contains(c);
    matches!(between, "," | "'" | "’") || ((1..=2).contains(&between.chars().count()) && between.chars().all(is_usual))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        units(text).into_iter().map(|unit| unit.text).collect()
    }

    #[test]
    fn texts_are_words_and_signs() {
        let cases = [
            ("Größe, CAFÉ!", vec!["grosse", "cafe"]),
            ("ana.lópez+x@mail.example", vec!["ana", "lopez", "x", "mail", "example"]),
            ("Don't 3.14 snake_case", vec!["don", "t", "3", "14", "snake", "case"]),
            ("東京タワー ok", vec!["東", "京", "タ", "ワ", "ー", "ok"]),
            ("人々 第3章 ＡＢＣ ㍿", vec!["人", "々", "第", "3", "章", "abc", "株", "式", "会", "社"]),
            ("한국 ข้าว Rech\u{ad}nung", vec!["한", "국", "ข้", "า", "ว", "rechnung"]),
            ("दिल ¼", vec!["दिल", "1", "4"]),
            (" \u{301} — ", vec![]),
        ];
        for (text, expected) in cases {
            assert_eq!(words(text), expected, "{text}");
        }
    }

    #[test]
    fn units_know_their_place() {
        let text = "Größe 東京。都";
        let found = units(text);
        let places: Vec<(&str, bool, bool)> =
            found.iter().map(|unit| (&text[unit.range.clone()], unit.is_sign, unit.is_joined)).collect();
        let expected = [("Größe", false, false), ("東", true, false), ("京", true, true), ("都", true, false)];
        assert_eq!(places, expected);
    }

    #[test]
    fn numbers_are_joined_from_each_group_on() {
        let joined = |text: &str| -> Vec<String> {
            joined_numbers(text, &units(text)).into_iter().map(|joined| joined.text).collect()
        };
        assert_eq!(joined("call +31 6 1234 5678, then"), ["31612345678", "612345678", "12345678"]);
        assert_eq!(joined("invoice 2024-001"), ["2024001"]);
        assert_eq!(joined("NL91 ABNA 0417 1643 00").first().map(String::as_str), Some("nl91abna0417164300"));
        assert_eq!(joined("+1 (555) 010-9999")[1], "5550109999");
        assert_eq!(joined("00:1A:2B:3C:4D:5E")[0], "001a2b3c4d5e");
        assert_eq!(joined("step1 step2 a1 b2"), ["a1b2"]);
        assert_eq!(joined("On 3 May, two words\n12\n13"), Vec::<String>::new());
        assert_eq!(joined("1,234,567.89")[0], "123456789");
    }
}
