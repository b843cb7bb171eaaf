use super::*;
use crate::validation::kind::Row;
use image::{DynamicImage, ImageFormat};
use std::io::{Cursor, Write};

const WORD_MAIN: &str = "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml";

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
        for Row { kind: other, extensions, .. } in Kind::TABLE {
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
    for content in ["a\0b", "%PDF-1.4\n1 0 obj\nendobj\n%%EOF", "PK\x03\x04 and more"] {
        assert_eq!(code("a.txt", content.as_bytes()), Some(Code::ContentMismatch), "{content}");
    }
    for content in [
        "  <!DOCTYPE html>",
        "<svg onload=x>",
        "<?xml version=\"1.0\"?>",
        "<mathilde@firma.example> wrote:",
        "<title> is missing",
        "%PDF-1.4 is what it begins with",
        "%!PS",
        "{\\rtf1",
        "GIF89a is old",
        "12:00 <ana> \x02bold\x02 \x0304red\x1f\x7f",
        "\u{feff}<html>",
    ] {
        assert_eq!(code("a.txt", content.as_bytes()), None, "{content}");
        assert_eq!(code("a.csv", content.as_bytes()), None, "{content}");
    }
    let spreadsheet = WORD_MAIN.replace("wordprocessingml.document", "spreadsheetml.sheet");
    let types = format!("<Types><Override PartName=\"/xl/workbook.xml\" ContentType=\"{spreadsheet}\"/></Types>");
    assert_eq!(code("a.docx", &zipped(&[("[Content_Types].xml", &types)])), Some(Code::ContentMismatch));
    assert_eq!(code("a.docx", &zipped(&[("word/x.txt", "x")])), Some(Code::ContentMismatch));
    assert_eq!(code("a.doc", &compound(&[("/Workbook", b"x")])), Some(Code::ContentMismatch));
    assert_eq!(code("a.doc", &compound(&[])), Some(Code::ContentMismatch));
    let both: [(&str, &[u8]); 2] = [("/WordDocument", b"\xEC\xA5"), ("/Workbook", b"x")];
    assert_eq!(code("a.doc", &compound(&both[..1])), None);
    assert_eq!(code("a.doc", &compound(&both)), Some(Code::ContentMismatch), "another program's, too");
}

#[test]
fn macros_are_refused() {
    let types = format!("<Types><Override PartName='/word/document.xml' ContentType='{WORD_MAIN}'/></Types>");
    let entries = [("[Content_Types].xml", types.as_str()), ("word/document.xml", "x"), ("word/vbaProject.bin", "x")];
    assert_eq!(code("a.docx", &zipped(&entries)), Some(Code::ContentMismatch));
    assert_eq!(code("a.docx", &zipped(&entries[..2])), None);
}

#[test]
fn a_picture_that_viewers_show_is_kept_though_it_is_damaged() {
    for (name, format) in [
        ("a.png", ImageFormat::Png),
        ("a.jpg", ImageFormat::Jpeg),
        ("a.gif", ImageFormat::Gif),
        ("a.webp", ImageFormat::WebP),
    ] {
        let mut whole = Cursor::new(Vec::new());
        let noise =
            image::RgbImage::from_fn(64, 64, |x, y| image::Rgb([(x * 37) as u8, (y * 91) as u8, (x * y) as u8]));
        noise.write_to(&mut whole, format).unwrap();
        let whole = whole.into_inner();
        for kept in [whole.len() - 2, whole.len() * 9 / 10, whole.len() / 2] {
            assert_eq!(code(name, &whole[..kept]), None, "{name} cut to {kept} of {}", whole.len());
        }
        assert!(code(name, &whole[..24]).is_some(), "{name} without a pixel");
        let mut foreign = whole[..12].to_vec();
        foreign.extend(b"<html><script>alert(1)</script>".repeat(50));
        assert!(code(name, &foreign).is_some(), "{name} of something else");
    }
    let mut checksum = encoded(ImageFormat::Png);
    let at = memchr::memmem::find(&checksum, b"IDAT").unwrap();
    let length = u32::from_be_bytes(checksum[at - 4..at].try_into().unwrap()) as usize;
    checksum[at + 4 + length] ^= 0xFF;
    assert_eq!(code("a.png", &checksum), None);
    let mut huge = encoded(ImageFormat::Png);
    huge[16..20].copy_from_slice(&19_000_u32.to_be_bytes());
    huge[20..24].copy_from_slice(&19_000_u32.to_be_bytes());
    assert!(code("a.png", &huge).is_some());
}

#[test]
fn a_refusal_names_what_the_file_is_and_the_way_out() {
    let heic = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic and the rest of it";
    for name in ["IMG_1.HEIC", "photo.jpg", "photo", "photo.exe"] {
        let message = validate(name, heic).err().unwrap().message;
        assert!(message.contains("JPEG or PNG"), "{name}: {message}");
    }
    let avif = b"\0\0\0\x18ftypavif\0\0\0\0mif1avif and the rest";
    let message = |name: &str, bytes: &[u8]| validate(name, bytes).err().unwrap().message;
    assert!(message("a.png", avif).contains("its content is AVIF"), "{}", message("a.png", avif));
    assert!(message("a.png", b"II*\0\x08\0\0\0 and more").contains("TIFF"));
    assert!(message("scan.tif", &encoded(ImageFormat::Png)).contains("rename it to end in .png"));
    assert!(message("a.jpg", b"just some text").contains("something else"));
}

#[test]
fn jpeg_has_several_names() {
    for name in ["a.jpe", "a.jfif", "a.JIF", "a.jpeg"] {
        assert_eq!(code(name, &encoded(ImageFormat::Jpeg)), None, "{name}");
    }
}

#[test]
fn text_in_other_encodings_passes() {
    assert_eq!(code("a.csv", b"name;ort\r\nM\xfcller;K\xf6ln\r\n"), None);
    assert_eq!(code("a.txt", b"\xFF\xFEh\0i\0"), None);
    assert_eq!(code("a.txt", b"\xFE\xFF\0h\0i"), None);
    assert_eq!(code("a.txt", b"\xFF\xFEh\0i"), Some(Code::Unreadable));
}

#[test]
fn a_new_name_keeps_the_type() {
    for (typed, name) in [("March", "March.pdf"), ("v1.2", "v1.2.pdf"), ("x.PDF", "x.PDF"), ("3/4", "3-4.pdf")] {
        assert_eq!(new_name(Kind::Pdf, typed).unwrap(), name);
    }
    assert_eq!(new_name(Kind::Pdf, " ..").unwrap_err().code, Code::BadName);
    assert_eq!(new_name(Kind::Pdf, &"a".repeat(255)).unwrap_err().code, Code::BadName, "too long with its extension");
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

#[test]
fn a_document_may_lie_anywhere_in_its_package() {
    let list = |element: &str| format!("<ns:Types xmlns:ns='x'>{element}</ns:Types>");
    let named = list(&format!("<ns:Override ContentType='{WORD_MAIN}' PartName='/Deep/Text&#46;xml'/>"));
    assert_eq!(code("a.docx", &zipped(&[("z", "z"), ("deep/text.xml", "x"), ("[Content_Types].xml", &named)])), None);
    // .NET packaging makes the first part's type the default of its extension.
    let default = list(&format!("<ns:Default Extension=\"xml\" ContentType=\"{WORD_MAIN}\"/>"));
    let windows = [("[Content_Types].xml", default.as_str()), ("word\\document.xml", "x")];
    assert_eq!(code("a.docx", &zipped(&windows)), None);
    assert_eq!(code("a.docx", &zipped(&windows[..1])), Some(Code::Unreadable), "the part is not there");
    assert_eq!(code("a.docx", &zipped(&[("[Content_Types].xml", "<Types><Over")])), Some(Code::Unreadable));
}

#[test]
fn what_a_password_hides_is_refused_with_advice() {
    let rejection = validate("a.docx", &compound(&[("/EncryptedPackage", b"x")])).err().unwrap();
    assert_eq!(rejection.code, Code::Unreadable);
    assert!(rejection.message.contains("password"), "{}", rejection.message);
}

#[test]
fn another_name_is_advised_where_it_would_do() {
    let message = |name, bytes: &[u8]| validate(name, bytes).err().unwrap().message;
    assert!(message("a.jpg", &encoded(ImageFormat::WebP)).contains("Rename it to end in .webp"));
    assert!(message("a.heic", b"x").contains("Save the picture as JPEG or PNG."));
}

#[test]
fn a_picture_is_as_large_as_its_header_says() {
    let mut header = encoded(ImageFormat::Gif);
    header[6..10].copy_from_slice(&[0xFF, 0xFF, 1, 0]);
    assert_eq!(code("a.gif", &header), Some(Code::TooLarge), "65,535 pixels wide");
    assert_eq!(memory("a.png", &encoded(ImageFormat::Png)), 4 * 3 * 3 * 3);
    assert_eq!(memory("a.txt", b"x"), 0);
}

mod properties {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_bytes_get_a_verdict_under_any_name(
            bytes in prop::collection::vec(any::<u8>(), 0..4096),
            start in prop::sample::select(samples()),
            cut in any::<prop::sample::Index>(),
        ) {
            // A valid start, followed by random bytes.
            let (kind, mut whole) = start;
            whole.truncate(cut.index(whole.len() + 1));
            whole.extend_from_slice(&bytes);
            for Row { kind: other, extensions, .. } in Kind::TABLE {
                let name = format!("a.{}", extensions[0]);
                let is_text = |kind| matches!(kind, Kind::Txt | Kind::Csv);
                let kept = validate(&name, &whole).is_ok();
                let is_other = announced(&whole).is_none_or(|found| found == other);
                prop_assert!(!kept || is_other || is_text(other), "{kind:?} as {name}");
                prop_assert!(!kept || !is_text(other) || !whole.contains(&0));
            }
        }

        #[test]
        fn text_of_people_is_text_in_every_encoding(text in "[^\u{0}-\u{1f}\u{7f}<{%\u{4}\u{feff}]{1,200}") {
            prop_assert_eq!(code("a.txt", text.as_bytes()), None);
            let units: Vec<u16> = text.encode_utf16().collect();
            let encoded = |unit: fn(u16) -> [u8; 2], mark: [u8; 2]| -> Vec<u8> {
                mark.into_iter().chain(units.iter().flat_map(|one| unit(*one))).collect()
            };
            prop_assert_eq!(code("a.csv", &encoded(u16::to_le_bytes, [0xFF, 0xFE])), None);
            prop_assert_eq!(code("a.csv", &encoded(u16::to_be_bytes, [0xFE, 0xFF])), None);
        }

        #[test]
        fn a_kept_name_is_one_plain_line_and_stays_as_it_is(name in any::<String>()) {
            if let Ok(clean) = clean_name(&name) {
                prop_assert!(!clean.contains(['/', '\\']) && !clean.chars().any(char::is_control));
                prop_assert_eq!(clean_name(&clean), Ok(clean));
            }
        }
    }
}
