//! DOCX: a ZIP whose list of content types names a Word document (ISO/IEC 29500-2).
//!
//! Reads only the central directory and that list, and unpacks nothing else. Parts may be
//! in any folder and in any order.

use super::{Utf16, doc, mismatch, protected, unreadable, utf16};
use crate::validation::kind::Kind;
use crate::validation::rejection::{Code, Rejection};
use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};
use std::io::{Cursor, Read};
use zip::ZipArchive;

/// The first bytes of a ZIP file that is not empty.
pub(super) const SIGNATURE: &[u8] = b"PK\x03\x04";
const MAX_ENTRIES: usize = 4_000;
/// Maximum unpacked size that all entries together declare, in bytes.
const MAX_UNPACKED: u64 = 512 * 1024 * 1024;
/// Maximum size of the list of content types, in bytes.
const MAX_CONTENT_TYPES: u64 = 1024 * 1024;

const CONTENT_TYPES: &str = "[content_types].xml";
const DOCUMENT: &str = "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml";

pub(super) fn check(bytes: &[u8]) -> Result<(), Rejection> {
    if doc::is_protected_package(bytes) {
        return Err(protected("document"));
    }
    if !bytes.starts_with(SIGNATURE) {
        return Err(mismatch(Kind::Docx, bytes));
    }
    let broken = || unreadable("The document cannot be opened.");
    let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(|_| broken())?;
    let parts = parts(&archive).ok_or_else(broken)??;
    let list = parts.iter().position(|part| part == CONTENT_TYPES);
    let list = list.ok_or_else(|| mismatch(Kind::Docx, bytes))?;
    let mut xml = Vec::new();
    let entry = archive.by_index(list).map_err(|_| broken())?;
    entry.take(MAX_CONTENT_TYPES).read_to_end(&mut xml).map_err(|_| broken())?;
    let document = document_part(&text(xml).ok_or_else(broken)?).map_err(|_| broken())?;
    let document = document.ok_or_else(|| mismatch(Kind::Docx, bytes))?;
    let is_there = |part: &String| match &document {
        Document::Named(name) => part == name,
        Document::Ending(ending) => part.starts_with("word/document.") && part.ends_with(ending),
    };
    if parts.iter().any(is_there) { Ok(()) } else { Err(broken()) }
}

/// The names of all entries, normalised for comparison: without a leading slash, in lower
/// case. `None` when they cannot be read.
fn parts(archive: &ZipArchive<Cursor<&[u8]>>) -> Option<Result<Vec<String>, Rejection>> {
    let mut unpacked: u64 = 0;
    let mut names = Vec::new();
    for index in 0..archive.len().min(MAX_ENTRIES) {
        let entry = archive.by_index_data(index).ok()?;
        if entry.encrypted() {
            return Some(Err(protected("document")));
        }
        unpacked = unpacked.saturating_add(entry.size());
        // Some programs use backslashes as separators.
        let name = entry.name().ok()?.replace('\\', "/").trim_start_matches('/').to_lowercase();
        if name.split('/').any(|step| step == "..") {
            return None;
        }
        if name.ends_with("vbaproject.bin") {
            return Some(Err(has_macros()));
        }
        names.push(name);
    }
    if archive.len() > MAX_ENTRIES || unpacked > MAX_UNPACKED {
        return Some(Err(Rejection::new(Code::TooLarge, "The document unpacks to far more than its size.")));
    }
    Some(Ok(names))
}

fn has_macros() -> Rejection {
    Rejection::new(Code::ContentMismatch, "The document contains macros. Save it without them, as DOCX or PDF.")
}

/// Decodes the list from UTF-8 or UTF-16, the encodings that packages may use.
fn text(xml: Vec<u8>) -> Option<String> {
    match utf16(&xml) {
        Utf16::Text(text) => Some(text),
        Utf16::Broken => None,
        Utf16::Other => String::from_utf8(xml).ok(),
    }
}

/// The location of the main document.
enum Document {
    /// The part with this name.
    Named(String),
    /// The main part, whose name has this ending.
    Ending(String),
}

/// The part that the list declares as a Word document, if there is one.
fn document_part(xml: &str) -> Result<Option<Document>, quick_xml::Error> {
    let mut reader = Reader::from_str(xml.trim_start_matches('\u{feff}'));
    loop {
        let element = match reader.read_event()? {
            Event::Start(element) | Event::Empty(element) => element,
            Event::Eof => return Ok(None),
            _ => continue,
        };
        if attribute(&element, b"ContentType").is_none_or(|found| !found.eq_ignore_ascii_case(DOCUMENT)) {
            continue;
        }
        let lower = |key| attribute(&element, key).map(|value| value.trim_start_matches('/').to_lowercase());
        if let Some(part) = lower(b"PartName") {
            return Ok(Some(Document::Named(part)));
        }
        if let Some(extension) = lower(b"Extension") {
            return Ok(Some(Document::Ending(format!(".{extension}"))));
        }
    }
}

fn attribute(element: &BytesStart<'_>, key: &[u8]) -> Option<String> {
    let attribute = element.try_get_attribute(key).ok()??;
    attribute.normalized_value(quick_xml::XmlVersion::Implicit1_0).ok().map(std::borrow::Cow::into_owned)
}
