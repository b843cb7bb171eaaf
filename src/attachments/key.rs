//! The storage keys of files and thumbnails.

use crate::validation::kind::Kind;
use crate::validation::thumbnail::THUMBNAILS;

/// The key of a file: `tickets/<account>/<milliseconds>.<extension>`.
pub fn key(account_id: i64, stamp: i64, kind: Kind) -> String {
    format!("tickets/{account_id}/{stamp}.{}", kind.extension())
}

pub fn thumbnail_key(account_id: i64, stamp: i64, extension: &str) -> String {
    format!("thumbnails/{account_id}/{stamp}.{extension}")
}

/// The account id, stamp and extension of a key. `None` for keys of other programs.
pub fn parse_key(key: &str) -> Option<(i64, i64, &str)> {
    let mut steps = key.split('/');
    let (folder, account, name) = (steps.next()?, steps.next()?, steps.next()?);
    let (stamp, extension) = name.split_once('.')?;
    let is_ours = match folder {
        "tickets" => Kind::of_extension(extension).is_some(),
        "thumbnails" => THUMBNAILS.contains(&extension),
        _ => false,
    };
    let (account_id, number): (i64, i64) = (account.parse().ok()?, stamp.parse().ok()?);
    let is_exact = format!("{folder}/{account_id}/{number}.{extension}") == key;
    (is_ours && is_exact).then_some((account_id, number, extension))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_read_back() {
        assert_eq!(parse_key(&key(7, 1_234, Kind::Jpeg)), Some((7, 1_234, "jpg")));
        assert_eq!(parse_key(&thumbnail_key(7, 1_234, "png")), Some((7, 1_234, "png")));
        for other in [
            "tickets/7/a.jpg",
            "tickets/7/1.exe",
            "tickets/7/1.jpg/x",
            "thumbnails/7/1.gif",
            "x/7/1.jpg",
            "",
            "tickets/07/+1.jpg",
        ] {
            assert_eq!(parse_key(other), None, "{other}");
        }
    }
}
