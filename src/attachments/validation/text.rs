//! Text: UTF-8, UTF-16 that announces itself, or one of the encodings of eight
//! bits. Which one is not asked: the bytes go out as they came in.

use super::{announced, mismatch, unreadable, utf16};
use crate::attachments::model::{Kind, Rejection};

/// Control characters that programs put into text: bell, backspace (bold in
/// manual pages), tab, line feed, vertical tab, form feed, carriage return,
/// shift out and in (ISO 2022), end of file (DOS), escape (terminals, ISO 2022).
const CONTROLS: &[u8] = b"\x07\x08\t\n\x0b\x0c\r\x0e\x0f\x1a\x1b";
/// How documents begin that browsers or other programs would run, in lower case.
const FOREIGN: [&str; 18] = [
    "<!doctype",
    "<html",
    "<head",
    "<body",
    "<title",
    "<meta",
    "<link",
    "<style",
    "<script",
    "<iframe",
    "<svg",
    "<math",
    "<?xml",
    "<?php",
    "{\\rtf",
    "%pdf-",
    "%!ps",
    "\u{4}%!ps",
];
/// Far enough into a text to see how it begins.
const BEGINNING: usize = 4096;

pub(super) fn check(bytes: &[u8], kind: Kind) -> Result<(), Rejection> {
    match utf16(bytes) {
        None => eight_bits(bytes, kind),
        Some(Some(text)) if bytes.len().is_multiple_of(2) => eight_bits(text.as_bytes(), kind),
        Some(_) => Err(unreadable("The text is not whole UTF-16.")),
    }
}

fn eight_bits(bytes: &[u8], kind: Kind) -> Result<(), Rejection> {
    let is_binary = |byte: &u8| (*byte < 0x20 && !CONTROLS.contains(byte)) || *byte == 0x7F;
    let is_picture = matches!(announced(bytes), Some(Kind::Png | Kind::Jpeg));
    if is_picture || bytes.iter().any(is_binary) || begins_foreign(bytes) {
        return Err(mismatch(kind, bytes));
    }
    Ok(())
}

fn begins_foreign(bytes: &[u8]) -> bool {
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let start = String::from_utf8_lossy(&bytes[..bytes.len().min(BEGINNING)]).to_lowercase();
    let mut rest = start.trim_start();
    // A comment of markup hides what follows it from us, not from a browser.
    while let Some(comment) = rest.strip_prefix("<!--") {
        rest = comment.split_once("-->").map_or("<html", |(_, after)| after.trim_start());
    }
    FOREIGN.iter().any(|beginning| rest.starts_with(beginning))
}
