//! Merging two texts that were made of the same one.

use similar::{DiffOp, TextDiff};
use std::time::Duration;

/// After this long, larger parts than necessary count as changed.
const PATIENCE: Duration = Duration::from_millis(200);

/// What a text does to each line of `base`.
struct Edits<'a> {
    /// The lines inserted before each line of the base, and at the end.
    inserted: Vec<&'a [&'a str]>,
    removed: Vec<bool>,
}

/// Both texts in one. What only one of them changed is as in that one. Where both changed
/// something, the lines of `first` come before those of `second`, and lines that both have
/// are there once. Lines that neither removed stay.
pub fn both(base: &str, first: &str, second: &str) -> String {
    let [base, first, second] = [base, first, second].map(|text| text.split('\n').collect::<Vec<_>>());
    let (one, two) = (edits(&base, &first), edits(&base, &second));
    let mut lines = Vec::new();
    for (at, (ours, theirs)) in one.inserted.iter().zip(&two.inserted).enumerate() {
        push_both(ours, theirs, &mut lines);
        if let Some(line) = base.get(at).filter(|_| !one.removed[at] && !two.removed[at]) {
            lines.push(line);
        }
    }
    lines.join("\n")
}

fn diff(old: &[&str], new: &[&str]) -> Vec<DiffOp> {
    // The page of revisions calls the same functions, so they are compiled once.
    TextDiff::configure().timeout(PATIENCE).diff_slices(old, new).ops().to_vec()
}

fn edits<'a>(base: &[&str], text: &'a [&'a str]) -> Edits<'a> {
    let mut edits = Edits { inserted: vec![&[][..]; base.len() + 1], removed: vec![false; base.len()] };
    for op in diff(base, text).iter().filter(|op| !matches!(op, DiffOp::Equal { .. })) {
        edits.removed[op.old_range()].fill(true);
        if !op.new_range().is_empty() {
            edits.inserted[op.old_range().start] = &text[op.new_range()];
        }
    }
    edits
}

fn push_both<'a>(first: &[&'a str], second: &[&'a str], lines: &mut Vec<&'a str>) {
    for op in diff(first, second) {
        lines.extend(&first[op.old_range()]);
        if !matches!(op, DiffOp::Equal { .. }) {
            lines.extend(&second[op.new_range()]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::both;

    #[test]
    fn changes_at_different_places_are_both_there() {
        let base = "one\ntwo\nthree\nfour";
        for (first, second, merged) in [
            (base, base, base),
            ("zero\none\ntwo\nthree\nfour", "one\ntwo\nthree\nfour\nfive", "zero\none\ntwo\nthree\nfour\nfive"),
            ("one\ntwo\nthree\nFOUR", "ONE\ntwo\nthree\nfour", "ONE\ntwo\nthree\nFOUR"),
            ("two\nthree\nfour", "one\ntwo\nthree", "two\nthree"),
            ("", base, ""),
            ("one\nTWO\nthree\nfour", "one\nTWO\nthree\nfour", "one\nTWO\nthree\nfour"),
        ] {
            assert_eq!(both(base, first, second), merged, "{first:?} {second:?}");
        }
    }

    #[test]
    fn where_both_changed_a_line_nothing_typed_is_lost_or_repeated() {
        for (base, first, second, merged) in [
            ("", "Theirs", "Mine", "Theirs\nMine"),
            ("one", "one\nshared\ntheirs", "one\nshared\nmine", "one\nshared\ntheirs\nmine"),
            ("one\ntwo", "one\nTHEIRS", "one\nMINE", "one\nTHEIRS\nMINE"),
            ("one\ntwo\nthree", "one\nthree", "one\ntwo and more\nthree", "one\ntwo and more\nthree"),
            ("one\n", "one\ntheirs\n", "one\nmine\n", "one\ntheirs\nmine\n"),
        ] {
            assert_eq!(both(base, first, second), merged, "{base:?} {first:?} {second:?}");
        }
    }
}
