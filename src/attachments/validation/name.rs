//! File names, which are only ever data: shown, searched, offered at download.

use crate::attachments::kind::{Kind, MAX_NAME};
use crate::attachments::rejection::{Code, Rejection};
use crate::values::text::is_invisible;

/// A file name as it is kept: its last part, without what could mislead.
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

/// A new name for a file of that type, with its extension where it has none.
pub fn new_name(kind: Kind, typed: &str) -> Result<String, Rejection> {
    // Who types a slash means no path: "Invoice 3/4".
    let clean = clean_name(&typed.replace(['/', '\\'], "-"))?;
    if Kind::of_name(&clean) == Some(kind) { Ok(clean) } else { clean_name(&format!("{clean}.{}", kind.extension())) }
}

/// Characters that are not seen. Joiners hold emoji and letters together.
fn is_hidden(c: char) -> bool {
    c.is_control() || (is_invisible(c) && !matches!(c, '\u{200c}' | '\u{200d}' | '\u{e0020}'..='\u{e007f}'))
}
