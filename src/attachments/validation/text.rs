//! Text: UTF-8, UTF-16 that announces itself, or one of the encodings of eight
//! bits. Which one is not asked: the bytes go out as they came in.
//!
//! Text is text whatever its first words look like, and may hold the control
//! characters of any program: it goes out as a download that no browser opens.

use super::{Utf16, announced, mismatch, pdf, unreadable, utf16};
use crate::attachments::kind::Kind;
use crate::attachments::rejection::Rejection;

pub(super) fn check(bytes: &[u8], kind: Kind) -> Result<(), Rejection> {
    match utf16(bytes) {
        Utf16::Other => eight_bits(bytes, kind),
        Utf16::Text(text) if bytes.len().is_multiple_of(2) => eight_bits(text.as_bytes(), kind),
        Utf16::Text(_) | Utf16::Broken => Err(unreadable("The text is not whole UTF-16.")),
    }
}

fn eight_bits(bytes: &[u8], kind: Kind) -> Result<(), Rejection> {
    let is_another = match announced(bytes) {
        // Their first bytes are no words of anybody.
        Some(Kind::Png | Kind::Jpeg | Kind::Doc | Kind::Docx) => true,
        Some(Kind::Pdf) => pdf::check(bytes).is_ok(),
        // Words that a text may begin with; what really is a picture has zeros.
        _ => false,
    };
    if is_another || bytes.contains(&0) { Err(mismatch(kind, bytes)) } else { Ok(()) }
}
