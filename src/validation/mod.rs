//! Checks that the content of a file matches the extension of its name.
//!
//! Opens documents only as far as needed to identify
//! them, and never runs or extracts their content. Accepts what real programs write, even
//! where they deviate from the standard. Rejects what it cannot check, with a helpful
//! message. Each rule has its own file.

pub mod check;
mod doc;
mod docx;
mod foreign;
pub mod kind;
mod name;
mod pdf;
mod picture;
pub mod rejection;
mod scan;
mod text;
pub mod thumbnail;

pub use name::{clean_name, new_name};
pub use picture::Picture;

use crate::validation::kind::{Kind, MAX_BYTES};
use crate::validation::rejection::{Code, Rejection};

/// A file whose content matches its name.
pub struct Valid {
    pub kind: Kind,
    /// The first frame, if the file is a picture that can be decoded.
    pub picture: Option<Picture>,
}

/// The message for a file of another type.
fn allowed() -> String {
    format!("Only {} files can be attached.", Kind::labels())
}

/// The accepted type of a file name; does not need the content.
///
/// # Errors
/// `type_not_allowed` for all other types.
pub fn kind_of(name: &str) -> Result<Kind, Rejection> {
    Kind::of_name(name).ok_or_else(|| {
        let ending = name.rsplit_once('.').map(|(_, ending)| ending.to_lowercase());
        let advice = foreign::advice(ending.as_deref().unwrap_or_default());
        Rejection::new(Code::TypeNotAllowed, format!("{}{advice}", allowed()))
    })
}

/// The rejection of a file name's type. Adds the detected format of the content.
fn not_allowed(refusal: Rejection, bytes: &[u8]) -> Rejection {
    match (announced(bytes), foreign::format(bytes)) {
        (Some(kind), _) => {
            let (name, extension) = (kind.label(), kind.extension());
            let advice = format!("This file is {name}: rename it to end in .{extension} and attach it again.");
            Rejection::new(refusal.code, format!("{} {advice}", allowed()))
        }
        (None, Some(name)) => {
            Rejection::new(refusal.code, format!("{} This file is {name}.{}", allowed(), foreign::advice(name)))
        }
        (None, None) => refusal,
    }
}

/// The rejection of a file of more than [`MAX_BYTES`].
pub fn too_large() -> Rejection {
    Rejection::new(Code::TooLarge, "The file is larger than 5 MB.")
}

/// Memory that validation needs in addition to the file itself, in bytes: much for pictures,
/// almost nothing for other types. Reads only the header.
pub fn memory(name: &str, bytes: &[u8]) -> u64 {
    Kind::of_name(name).map_or(0, |kind| picture::memory(kind, bytes))
}

/// Validates a file by its name and content.
///
/// # Errors
/// The first reason to reject the file.
pub fn validate(name: &str, bytes: &[u8]) -> Result<Valid, Rejection> {
    let kind = kind_of(name).map_err(|refusal| not_allowed(refusal, bytes))?;
    if bytes.is_empty() {
        return Err(Rejection::new(Code::Empty, "The file is empty."));
    }
    if bytes.len() > MAX_BYTES {
        return Err(too_large());
    }
    let picture = match kind {
        Kind::Jpeg | Kind::Png | Kind::Gif | Kind::Webp => picture::check(kind, bytes)?,
        Kind::Pdf => pdf::check(bytes).map(|()| None)?,
        Kind::Docx => docx::check(bytes).map(|()| None)?,
        Kind::Doc => doc::check(bytes).map(|()| None)?,
        Kind::Txt | Kind::Csv => text::check(bytes, kind).map(|()| None)?,
    };
    Ok(Valid { kind, picture })
}

/// The type that the first bytes indicate, if any.
fn announced(bytes: &[u8]) -> Option<Kind> {
    let starts = |signature: &[u8]| bytes.starts_with(signature);
    match bytes {
        _ if starts(b"\xFF\xD8\xFF") => Some(Kind::Jpeg),
        _ if starts(b"\x89PNG\r\n\x1a\n") => Some(Kind::Png),
        _ if starts(b"GIF87a") || starts(b"GIF89a") => Some(Kind::Gif),
        _ if starts(b"RIFF") && bytes.get(8..12) == Some(b"WEBP") => Some(Kind::Webp),
        _ if starts(b"%PDF-") => Some(Kind::Pdf),
        _ if starts(docx::SIGNATURE) => Some(Kind::Docx),
        _ if starts(doc::SIGNATURE) => Some(Kind::Doc),
        _ => None,
    }
}

/// The rejection when the content does not match the extension. Suggests the right extension
/// if renaming is enough.
fn mismatch(kind: Kind, bytes: &[u8]) -> Rejection {
    let message = match announced(bytes) {
        Some(other) if other != kind && (other.is_image() || other == Kind::Pdf) => format!(
            "The file's name says {}, but its content is {}. Rename it to end in .{} and attach it again.",
            kind.label(),
            other.label(),
            other.extension()
        ),
        _ => match foreign::format(bytes) {
            Some(name) => {
                format!("The file's name says {}, but its content is {name}.{}", kind.label(), foreign::advice(name))
            }
            None => format!("The file's name says {}, but its content is something else.", kind.label()),
        },
    };
    Rejection::new(Code::ContentMismatch, message)
}

fn unreadable(what: &str) -> Rejection {
    Rejection::new(Code::Unreadable, format!("{what} It may be damaged; try saving it again."))
}

fn protected(what: &str) -> Rejection {
    let message =
        format!("The {what} is protected by a password, so its content can't be checked. Save it without one.");
    Rejection::new(Code::Unreadable, message)
}

/// The result of decoding UTF-16.
enum Utf16 {
    /// No byte order mark.
    Other,
    /// A byte order mark, but no valid UTF-16.
    Broken,
    Text(String),
}

/// Decodes UTF-16 with a byte order mark. Ignores an odd last byte.
fn utf16(bytes: &[u8]) -> Utf16 {
    let (units, unit): (_, fn([u8; 2]) -> u16) = match bytes {
        [0xFE, 0xFF, units @ ..] => (units, u16::from_be_bytes),
        [0xFF, 0xFE, units @ ..] => (units, u16::from_le_bytes),
        _ => return Utf16::Other,
    };
    let text = char::decode_utf16(units.as_chunks().0.iter().map(|pair| unit(*pair))).collect::<Result<_, _>>();
    text.map_or(Utf16::Broken, Utf16::Text)
}

#[cfg(test)]
mod tests;
