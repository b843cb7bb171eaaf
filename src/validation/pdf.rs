//! PDF, by header and end (ISO 32000-1, 7.5). Files are never rendered here, so
//! password-protected ones are accepted too.

use super::{announced, mismatch, unreadable};
use crate::validation::kind::Kind;
use crate::validation::rejection::Rejection;
use memchr::memmem;

/// PDF readers look for the header within this many bytes, because mail programs and
/// printers leave lines before it.
const HEADER_WITHIN: usize = 1024;

pub(super) fn check(bytes: &[u8]) -> Result<(), Rejection> {
    let start = &bytes[..bytes.len().min(HEADER_WITHIN)];
    let header = memmem::find(start, b"%PDF-").filter(|_| announced(bytes).is_none_or(|kind| kind == Kind::Pdf));
    let header = header.ok_or_else(|| mismatch(Kind::Pdf, bytes))?;
    // Data after the end is harmless: scanners pad, servers append. If the end is missing,
    // PDF readers reconstruct what is there.
    let has = |mark: &[u8]| memmem::find(&bytes[header..], mark).is_some();
    if has(b"%%EOF") || has(b"endobj") { Ok(()) } else { Err(unreadable("The PDF has nothing in it.")) }
}
