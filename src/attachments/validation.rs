//! Whether bytes are what their name says: extension and content together.
//!
//! Pure: it touches neither disk nor network. Documents are opened only as far
//! as it takes to know what they are; nothing of them is run or unpacked.

use crate::attachments::model::{Code, Kind, MAX_BYTES, MAX_NAME, Rejection};
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits};
use std::io::{Cursor, Read};

/// A picture of more pixels than this is refused before it is decoded.
const MAX_PIXELS: u64 = 40_000_000;
/// Longest side of a picture, in pixels.
const MAX_SIDE: u32 = 20_000;
/// What a decoder may allocate, in bytes.
const MAX_DECODED: u64 = 256 * 1024 * 1024;
/// Most entries in a DOCX.
const MAX_ENTRIES: usize = 2_000;
/// Most bytes of a DOCX's list of content types.
const MAX_CONTENT_TYPES: u64 = 1024 * 1024;
/// Readers find a PDF's header within so many bytes.
const PDF_HEADER_WITHIN: usize = 1024;

const WORD_MAIN: &str = "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml";

/// How other things than text begin.
const NOT_TEXT: [&[u8]; 8] = [b"%PDF-", b"%!PS", b"{\\rtf", b"PK\x03\x04", b"GIF87a", b"GIF89a", b"MZ\x90", b"\x7fELF"];
/// How documents that browsers would run begin, in lower case.
const MARKUP: [&str; 6] = ["<!doctype", "<html", "<script", "<svg", "<?xml", "<?php"];

/// A file that is what it says.
pub struct Valid {
    /// Its type.
    pub kind: Kind,
    /// The decoded picture, turned the right way up, where it is one.
    pub image: Option<DynamicImage>,
}

/// A file name as it is kept: its last part, without what could mislead.
///
/// # Errors
/// `bad_name` when nothing is left or it is too long.
pub fn clean_name(name: &str) -> Result<String, Rejection> {
    let last = name.rsplit(['/', '\\']).next().unwrap_or(name);
    let hidden = |c: char| {
        c.is_control()
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
    };
    let clean: String = last.chars().filter(|c| !hidden(*c)).collect();
    let clean = clean.trim().to_owned();
    if clean.trim_matches('.').is_empty() {
        return Err(Rejection::new(Code::BadName, "The file has no name."));
    }
    if clean.chars().count() > MAX_NAME {
        return Err(Rejection::new(Code::BadName, format!("The file's name is longer than {MAX_NAME} characters.")));
    }
    Ok(clean)
}

/// Whether a name's type is taken at all; needs no bytes.
///
/// # Errors
/// `type_not_allowed`.
pub fn kind_of(name: &str) -> Result<Kind, Rejection> {
    let message = "Only JPEG, PNG, WebP, GIF, PDF, TXT, CSV, DOC and DOCX files can be attached.";
    Kind::of_name(name).ok_or_else(|| Rejection::new(Code::TypeNotAllowed, message))
}

/// The rejection of a file of more than [`MAX_BYTES`].
#[must_use]
pub fn too_large() -> Rejection {
    Rejection::new(Code::TooLarge, "The file is larger than 5 MB.")
}

/// Judges a file by name and bytes.
///
/// # Errors
/// The first reason not to take it.
pub fn validate(name: &str, bytes: &[u8]) -> Result<Valid, Rejection> {
    let kind = kind_of(name)?;
    if bytes.is_empty() {
        return Err(Rejection::new(Code::Empty, "The file is empty."));
    }
    if bytes.len() > MAX_BYTES {
        return Err(too_large());
    }
    let mut image = None;
    match kind {
        Kind::Jpeg => image = Some(picture(bytes, ImageFormat::Jpeg, kind)?),
        Kind::Png => image = Some(picture(bytes, ImageFormat::Png, kind)?),
        Kind::Gif => image = Some(picture(bytes, ImageFormat::Gif, kind)?),
        Kind::Webp => image = Some(picture(bytes, ImageFormat::WebP, kind)?),
        Kind::Pdf => pdf(bytes)?,
        Kind::Docx => docx(bytes)?,
        Kind::Doc => doc(bytes)?,
        Kind::Txt | Kind::Csv => text(bytes, kind)?,
    }
    Ok(Valid { kind, image })
}

fn mismatch(kind: Kind) -> Rejection {
    let extension = kind.extension().to_uppercase();
    Rejection::new(
        Code::ContentMismatch,
        format!("The file's name says {extension}, but its content is something else."),
    )
}

fn unreadable(what: &str) -> Rejection {
    Rejection::new(Code::Unreadable, format!("{what} It may be damaged; try saving it again."))
}

fn has_signature(bytes: &[u8], kind: Kind) -> bool {
    match kind {
        Kind::Jpeg => bytes.starts_with(b"\xFF\xD8\xFF"),
        Kind::Png => bytes.starts_with(b"\x89PNG\r\n\x1a\n"),
        Kind::Gif => bytes.starts_with(b"GIF87a") || bytes.starts_with(b"GIF89a"),
        Kind::Webp => bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP"),
        _ => true,
    }
}

fn picture(bytes: &[u8], format: ImageFormat, kind: Kind) -> Result<DynamicImage, Rejection> {
    if !has_signature(bytes, kind) {
        return Err(mismatch(kind));
    }
    let broken = |_| unreadable("The picture cannot be decoded.");
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    let mut limits = Limits::default();
    limits.max_image_width = Some(MAX_SIDE);
    limits.max_image_height = Some(MAX_SIDE);
    limits.max_alloc = Some(MAX_DECODED);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(broken)?;
    let (width, height) = decoder.dimensions();
    if u64::from(width) * u64::from(height) > MAX_PIXELS || decoder.total_bytes() > MAX_DECODED {
        let message = format!("The picture is {width} × {height} pixels; at most 40 megapixels are taken.");
        return Err(Rejection::new(Code::TooLarge, message));
    }
    // Some writers leave broken metadata behind; the picture itself is what counts.
    let orientation = decoder.orientation().unwrap_or(image::metadata::Orientation::NoTransforms);
    let mut image = DynamicImage::from_decoder(decoder).map_err(broken)?;
    image.apply_orientation(orientation);
    Ok(image)
}

fn pdf(bytes: &[u8]) -> Result<(), Rejection> {
    let start = &bytes[..bytes.len().min(PDF_HEADER_WITHIN)];
    if !contains(start, b"%PDF-") {
        return Err(mismatch(Kind::Pdf));
    }
    if !contains(bytes, b"%%EOF") {
        return Err(unreadable("The PDF has no end."));
    }
    Ok(())
}

fn docx(bytes: &[u8]) -> Result<(), Rejection> {
    if !bytes.starts_with(b"PK\x03\x04") {
        return Err(mismatch(Kind::Docx));
    }
    let broken = || unreadable("The document cannot be opened.");
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).map_err(|_| broken())?;
    if archive.len() > MAX_ENTRIES {
        return Err(Rejection::new(Code::Unreadable, "The document has too many parts."));
    }
    let names: Result<Vec<_>, _> =
        archive.file_names().map(|name| name.map(|name| name.trim_start_matches('/').to_owned())).collect();
    let names: Vec<String> = names.map_err(|_| broken())?;
    let has_macros = names.iter().any(|name| name.to_ascii_lowercase().ends_with("vbaproject.bin"));
    if has_macros {
        return Err(Rejection::new(Code::ContentMismatch, "The document contains macros. Save it without them."));
    }
    let escapes = |name: &String| name.split(['/', '\\']).any(|part| part == "..");
    if names.iter().any(escapes) {
        return Err(broken());
    }
    let mut content_types = String::new();
    let entry = archive.by_name("[Content_Types].xml").map_err(|_| mismatch(Kind::Docx))?;
    if entry.encrypted() || entry.size() > MAX_CONTENT_TYPES {
        return Err(broken());
    }
    entry.take(MAX_CONTENT_TYPES).read_to_string(&mut content_types).map_err(|_| broken())?;
    let main = word_main_part(&content_types).ok_or_else(|| mismatch(Kind::Docx))?;
    if names.contains(&main) { Ok(()) } else { Err(broken()) }
}

/// The path of the part that the list of content types calls a Word document.
fn word_main_part(content_types: &str) -> Option<String> {
    let overrides = content_types.split('<').filter(|element| element.contains(WORD_MAIN));
    let mut parts = overrides.filter_map(|element| {
        let (_, rest) = element.split_once("PartName=")?;
        let quote = rest.chars().next().filter(|c| matches!(c, '"' | '\''))?;
        rest[1..].split(quote).next()
    });
    parts.next().map(|part| part.trim_start_matches('/').to_owned())
}

fn doc(bytes: &[u8]) -> Result<(), Rejection> {
    if !bytes.starts_with(b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1") {
        return Err(mismatch(Kind::Doc));
    }
    let mut file =
        cfb::CompoundFile::open(Cursor::new(bytes)).map_err(|_| unreadable("The document cannot be opened."))?;
    let foreign = ["/Workbook", "/Book", "/PowerPoint Document"];
    if foreign.iter().any(|stream| file.is_stream(stream)) {
        return Err(mismatch(Kind::Doc));
    }
    let mut magic = [0; 2];
    let mut stream = file.open_stream("/WordDocument").map_err(|_| mismatch(Kind::Doc))?;
    stream.read_exact(&mut magic).map_err(|_| unreadable("The document cannot be read."))?;
    if magic == [0xEC, 0xA5] { Ok(()) } else { Err(mismatch(Kind::Doc)) }
}

fn text(bytes: &[u8], kind: Kind) -> Result<(), Rejection> {
    if let Some(big_endian) = utf16_mark(bytes) {
        return utf16(&bytes[2..], big_endian, kind);
    }
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let is_control = |byte: &u8| *byte < 0x20 && !b"\t\n\r\x0c\x1b".contains(byte);
    if bytes.iter().any(is_control) || NOT_TEXT.iter().any(|signature| bytes.starts_with(signature)) {
        return Err(mismatch(kind));
    }
    let start = String::from_utf8_lossy(&bytes[..bytes.len().min(200)]).trim_start().to_lowercase();
    if MARKUP.iter().any(|markup| start.starts_with(markup)) {
        return Err(mismatch(kind));
    }
    Ok(())
}

/// Whether UTF-16 announces itself, and in which order of bytes.
fn utf16_mark(bytes: &[u8]) -> Option<bool> {
    match bytes {
        [0xFE, 0xFF, ..] => Some(true),
        [0xFF, 0xFE, ..] => Some(false),
        _ => None,
    }
}

fn utf16(bytes: &[u8], big_endian: bool, kind: Kind) -> Result<(), Rejection> {
    let unit = |pair: &[u8]| {
        let pair = [pair[0], pair[1]];
        if big_endian { u16::from_be_bytes(pair) } else { u16::from_le_bytes(pair) }
    };
    let pairs = bytes.chunks_exact(2);
    let whole = pairs.remainder().is_empty();
    let decoded: Result<String, _> = char::decode_utf16(pairs.map(unit)).collect();
    match decoded {
        Ok(decoded) if whole => text(decoded.as_bytes(), kind),
        _ => Err(unreadable("The text is not whole UTF-16.")),
    }
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn code(name: &str, bytes: &[u8]) -> Option<Code> {
        validate(name, bytes).err().map(|rejection| rejection.code)
    }

    fn encoded(format: ImageFormat) -> Vec<u8> {
        let mut bytes = Cursor::new(Vec::new());
        DynamicImage::new_rgb8(4, 3).write_to(&mut bytes, format).unwrap();
        bytes.into_inner()
    }

    fn zipped(entries: &[(&str, &str)]) -> Vec<u8> {
        let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
        for (name, content) in entries {
            writer.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
            writer.write_all(content.as_bytes()).unwrap();
        }
        writer.finish().unwrap().into_inner()
    }

    fn compound(streams: &[(&str, &[u8])]) -> Vec<u8> {
        let mut file = cfb::CompoundFile::create(Cursor::new(Vec::new())).unwrap();
        for (name, content) in streams {
            file.create_stream(name).unwrap().write_all(content).unwrap();
        }
        file.into_inner().into_inner()
    }

    fn samples() -> Vec<(Kind, Vec<u8>)> {
        let types = format!("<Types><Override PartName=\"/word/document.xml\" ContentType=\"{WORD_MAIN}\"/></Types>");
        vec![
            (Kind::Jpeg, encoded(ImageFormat::Jpeg)),
            (Kind::Png, encoded(ImageFormat::Png)),
            (Kind::Gif, encoded(ImageFormat::Gif)),
            (Kind::Webp, encoded(ImageFormat::WebP)),
            (Kind::Pdf, b"%PDF-1.7\n1 0 obj\n%%EOF\n".to_vec()),
            (Kind::Docx, zipped(&[("[Content_Types].xml", &types), ("word/document.xml", "<w/>")])),
            (Kind::Doc, compound(&[("/WordDocument", b"\xEC\xA5\xC1\x00")])),
            (Kind::Txt, "Grüße\r\n".as_bytes().to_vec()),
        ]
    }

    #[test]
    fn each_type_passes_under_its_own_name_and_no_other() {
        for (kind, bytes) in samples() {
            for (other, extensions, _) in Kind::TABLE {
                let is_text = |kind| matches!(kind, Kind::Txt | Kind::Csv);
                let expected = kind == other || (is_text(kind) && is_text(other));
                for extension in extensions {
                    let verdict = code(&format!("a.{extension}"), &bytes);
                    assert_eq!(verdict.is_none(), expected, "{kind:?} as {extension}: {verdict:?}");
                }
            }
        }
    }

    #[test]
    fn sizes_at_the_limit() {
        assert_eq!(code("a.txt", &vec![b'a'; 5_242_880]), None);
        assert_eq!(code("a.txt", &vec![b'a'; 5_242_881]), Some(Code::TooLarge));
        assert_eq!(code("a.txt", b""), Some(Code::Empty));
    }

    #[test]
    fn other_types_are_refused_by_name_and_by_content() {
        assert_eq!(code("a.svg", b"<svg/>"), Some(Code::TypeNotAllowed));
        assert_eq!(code("a", b"text"), Some(Code::TypeNotAllowed));
        for content in ["  <!DOCTYPE html>", "<svg onload=x>", "%PDF-1.4", "{\\rtf1", "a\0b", "\u{feff}<html>"] {
            assert_eq!(code("a.txt", content.as_bytes()), Some(Code::ContentMismatch), "{content}");
        }
        let spreadsheet = WORD_MAIN.replace("wordprocessingml.document", "spreadsheetml.sheet");
        let types = format!("<Types><Override PartName=\"/xl/workbook.xml\" ContentType=\"{spreadsheet}\"/></Types>");
        assert_eq!(code("a.docx", &zipped(&[("[Content_Types].xml", &types)])), Some(Code::ContentMismatch));
        assert_eq!(code("a.docx", &zipped(&[("word/x.txt", "x")])), Some(Code::ContentMismatch));
        assert_eq!(code("a.doc", &compound(&[("/Workbook", b"x")])), Some(Code::ContentMismatch));
        assert_eq!(code("a.doc", &compound(&[])), Some(Code::ContentMismatch));
    }

    #[test]
    fn macros_are_refused() {
        let types = format!("<Types><Override PartName='/word/document.xml' ContentType='{WORD_MAIN}'/></Types>");
        let entries =
            [("[Content_Types].xml", types.as_str()), ("word/document.xml", "x"), ("word/vbaProject.bin", "x")];
        assert_eq!(code("a.docx", &zipped(&entries)), Some(Code::ContentMismatch));
        assert_eq!(code("a.docx", &zipped(&entries[..2])), None);
    }

    #[test]
    fn damaged_pictures_are_refused() {
        let whole = encoded(ImageFormat::Png);
        assert_eq!(code("a.png", &whole[..whole.len() / 2]), Some(Code::Unreadable));
        let mut huge = whole;
        huge[16..20].copy_from_slice(&19_000_u32.to_be_bytes());
        huge[20..24].copy_from_slice(&19_000_u32.to_be_bytes());
        assert!(code("a.png", &huge).is_some());
    }

    #[test]
    fn text_in_other_encodings_passes() {
        assert_eq!(code("a.csv", b"name;ort\r\nM\xfcller;K\xf6ln\r\n"), None);
        assert_eq!(code("a.txt", b"\xFF\xFEh\0i\0"), None);
        assert_eq!(code("a.txt", b"\xFE\xFF\0h\0i"), None);
        assert_eq!(code("a.txt", b"\xFF\xFEh\0i"), Some(Code::Unreadable));
    }

    #[test]
    fn names_are_cleaned() {
        assert_eq!(clean_name("C:\\Users\\a\\Grüße.txt").unwrap(), "Grüße.txt");
        assert_eq!(clean_name("../../etc/passwd").unwrap(), "passwd");
        assert_eq!(clean_name("a\u{202e}gpj.exe\n.png").unwrap(), "agpj.exe.png");
        for bad in ["", "/", "..", " \u{200e}"] {
            assert_eq!(clean_name(bad).unwrap_err().code, Code::BadName, "{bad:?}");
        }
    }
}
