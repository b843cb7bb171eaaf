//! What the index holds of a text.

use crate::search::units::{joined_numbers, place, second_of_pair, units};
use std::collections::BTreeSet;

/// Most places of one text. A `tsvector` cannot store more, and both engines must find the
/// same.
const MAX_PLACES: usize = 16_000;
/// A `tsvector` holds at most 1 MB, including some bytes per word.
const MAX_BYTES: usize = 700_000;

/// Places of one part, without what it repeats.
const PART: usize = 200;

/// Most words of a phrase.
pub(super) const MAX_PHRASE: usize = 20;

/// The words of some texts, as one row of the index.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Part {
    /// In order. Each unit of the text is one: a word, or a sign with the one that follows.
    /// Between two texts stands nothing.
    pub places: Vec<Option<String>>,
    /// Found by themselves only: single signs, and numbers without their grouping.
    pub others: BTreeSet<String>,
}

/// The words of some texts, up to a limit that both engines can store. No phrase reaches from
/// one text into the next.
pub fn whole<'a>(texts: impl IntoIterator<Item = &'a str>) -> Part {
    let mut part = Part::default();
    let mut bytes = 0;
    for (place, mut others) in places(texts) {
        others.retain(|other| !part.others.contains(other));
        bytes += others.iter().chain(&place).map(|word| word.len() + 20).sum::<usize>();
        if part.places.len() == MAX_PLACES || bytes > MAX_BYTES {
            return part;
        }
        part.places.push(place);
        part.others.extend(others);
    }
    part
}

/// The words of some texts in parts, each short enough for what Postgres keeps of one row: 256
/// places of a word. A part repeats the end of the one before it, so that a phrase is found
/// where two of them meet.
pub fn parts<'a>(texts: impl IntoIterator<Item = &'a str>) -> Vec<Part> {
    let places = places(texts);
    let last = places.len().saturating_sub(MAX_PHRASE - 1).max(1);
    let starts = (0..last).step_by(PART).filter(|start| *start < places.len());
    let part = |start: usize| {
        let inside = &places[start..(start + PART + MAX_PHRASE - 1).min(places.len())];
        Part {
            places: inside.iter().map(|(place, _)| place.clone()).collect(),
            others: inside.iter().flat_map(|(_, others)| others.clone()).collect(),
        }
    };
    starts.map(part).collect()
}

/// A place of a text, and what begins there but is found by itself only.
type Place = (Option<String>, Vec<String>);

fn places<'a>(texts: impl IntoIterator<Item = &'a str>) -> Vec<Place> {
    let mut places = Vec::new();
    for text in texts {
        let found = units(text);
        if !places.is_empty() && !found.is_empty() {
            places.push((None, Vec::new()));
        }
        let mut numbers = joined_numbers(text, &found).into_iter().peekable();
        for (index, unit) in found.iter().enumerate() {
            let is_pair = second_of_pair(&found, index).is_some();
            let mut others: Vec<String> = is_pair.then(|| unit.text.clone()).into_iter().collect();
            others.extend(numbers.next_if(|joined| joined.units.start == index).map(|joined| joined.text));
            places.push((Some(place(&found, index)), others));
        }
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_stand_in_pairs_and_alone() {
        let part = whole(["日本酒 ok", "tel 030/123"]);
        let places: Vec<&str> = part.places.iter().map(|place| place.as_deref().unwrap_or("|")).collect();
        assert_eq!(places, ["日本", "本酒", "酒", "ok", "|", "tel", "030", "123"]);
        assert_eq!(part.others.iter().map(String::as_str).collect::<Vec<_>>(), ["030123", "日", "本"]);
    }

    #[test]
    fn parts_overlap() {
        let text = (0..450).map(|index| format!("w{index}")).collect::<Vec<_>>().join(" ");
        let found = parts([text.as_str()]);
        let starts: Vec<_> = found.iter().map(|part| (part.places[0].as_deref(), part.places.len())).collect();
        assert_eq!(starts, [(Some("w0"), 219), (Some("w200"), 219), (Some("w400"), 50)]);
        assert_eq!(parts(["x ".repeat(219).as_str()]).len(), 1);
        assert_eq!(parts(["", " — "]), []);
    }

    #[test]
    fn a_row_is_bounded() {
        assert_eq!(whole(["", " — "]), Part::default());
        assert_eq!(whole(["x ".repeat(20_000).as_str()]).places.len(), MAX_PLACES);
        let numbers: String = (0..30_000).map(|index| format!("{index} ")).collect();
        let part = whole([numbers.as_str()]);
        let bytes = part.others.iter().chain(part.places.iter().flatten()).map(|word| word.len() + 20).sum::<usize>();
        assert!((MAX_BYTES - 100..=MAX_BYTES).contains(&bytes), "{bytes}");
    }
}
