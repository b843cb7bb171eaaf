//! Text: UTF-8, UTF-16 with a byte order mark, or an 8-bit encoding. The encoding does not
//! matter: files are served exactly as received.
//!
//! Text may start with any words and contain control characters of any program, because it
//! is served as a download that no browser opens.

use super::{Utf16, announced, mismatch, pdf, unreadable, utf16};
use crate::validation::kind::Kind;
use crate::validation::rejection::Rejection;

pub(super) fn check(bytes: &[u8], kind: Kind) -> Result<(), Rejection> {
    match utf16(bytes) {
        Utf16::Other => eight_bits(bytes, kind),
        Utf16::Text(text) if bytes.len().is_multiple_of(2) => eight_bits(text.as_bytes(), kind),
        Utf16::Text(_) | Utf16::Broken => Err(unreadable("The text is not whole UTF-16.")),
    }
}

fn eight_bits(bytes: &[u8], kind: Kind) -> Result<(), Rejection> {
    let is_another = match announced(bytes) {
        // No text starts with the first bytes of these types.
        Some(Kind::Png | Kind::Jpeg | Kind::Doc | Kind::Docx) => true,
        Some(Kind::Pdf) => pdf::check(bytes).is_ok(),
        // Text may start with these words; a real picture contains zero bytes.
        _ => false,
    };
    if is_another || bytes.contains(&0) { Err(mismatch(kind, bytes)) } else { Ok(()) }
}
