//! File names. They are only data: shown, searched and offered for download.

use crate::validation::kind::{Kind, MAX_NAME};
use crate::validation::rejection::{Code, Rejection};
use crate::values::text::is_invisible;

/// Cleans a file name for storage: keeps only the last path component and removes
/// misleading characters.
///
/// # Errors
/// `bad_name` when nothing is left or it is too long.
pub fn clean_name(name: &str) -> Result<String, Rejection> {
    let last = name.rsplit(['/', '\\']).next().unwrap_or(name);
    let clean: String = last.chars().filter(|c| !is_hidden(*c)).collect();
    let clean = clean.trim().to_owned();
    if clean.trim_matches('.').is_empty() {
        return Err(Rejection::new(Code::BadName, "The file has no name."));
    }
    if clean.chars().count() > MAX_NAME {
        return Err(Rejection::new(Code::BadName, format!("The file's name is longer than {MAX_NAME} characters.")));
    }
    Ok(clean)
}

/// Cleans a new name for a file of this type, and adds the extension if it is missing.
pub fn new_name(kind: Kind, typed: &str) -> Result<String, Rejection> {
    // A typed slash does not mean a path: "Invoice 3/4".
    let clean = clean_name(&typed.replace(['/', '\\'], "-"))?;
    if Kind::of_name(&clean) == Some(kind) { Ok(clean) } else { clean_name(&format!("{clean}.{}", kind.extension())) }
}

/// Whether a character is invisible and removed. Joiners stay, because they hold emoji and
/// letters together.
fn is_hidden(c: char) -> bool {
    c.is_control() || (is_invisible(c) && !matches!(c, '\u{200c}' | '\u{200d}' | '\u{e0020}'..='\u{e007f}'))
}
