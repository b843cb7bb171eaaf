//! Words as each engine stores them. Each begins with what tells accounts apart.

use crate::search::Part;

/// Stands in FTS5 where a part has no word. No word contains it.
const GAP: &str = "\u{fffc}";

/// What FTS5 stores, in order.
pub fn tokens(part: &Part, beginning: &str) -> Vec<String> {
    let word = |word: &String| format!("{beginning}{word}");
    let places = part.places.iter().map(|place| place.as_ref().map_or(GAP.to_owned(), word));
    // A gap before each: none of them is part of a phrase.
    let others = part.others.iter().flat_map(|other| [GAP.to_owned(), word(other)]);
    places.chain(others).collect()
}

/// The words with their positions, in `tsvector` syntax.
pub fn lexemes(part: &Part, beginning: &str) -> String {
    let places = part.places.iter().enumerate();
    let places = places.filter_map(|(index, place)| Some((place.as_ref()?, index + 1)));
    // A gap before each: none of them is part of a phrase. A word without a position would
    // spoil every phrase with a prefix of it.
    let others = part.others.iter().zip((part.places.len() + 2..).step_by(2));
    let all = places.chain(others).map(|(word, position)| format!("'{beginning}{word}':{position}"));
    all.collect::<Vec<_>>().join(" ")
}
