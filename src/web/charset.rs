//! Decodes the text of forms, queries and JSON.
//!
//! A declared encoding other than UTF-8 is used as declared. Everything else is UTF-8 if
//! its bytes are valid UTF-8, and otherwise windows-1252, which browsers assume for pages
//! that declare no encoding.

use actix_web::HttpRequest;
use actix_web::http::header::CONTENT_TYPE;
use encoding_rs::{Encoding, UTF_8, WINDOWS_1252};

/// The field in which browsers declare the encoding of a form (HTML standard, 4.10.18.3).
/// It never contains input from the visitor.
pub const CHARSET_FIELD: &str = "_charset_";

/// The `charset` of the request's content type.
pub fn declared(req: &HttpRequest) -> Option<&'static Encoding> {
    let value = req.headers().get(CONTENT_TYPE)?.to_str().ok()?;
    let mut parameters = value.split(';').skip(1).filter_map(|part| part.split_once('='));
    let (_, label) = parameters.find(|(name, _)| name.trim().eq_ignore_ascii_case("charset"))?;
    Encoding::for_label(label.trim().trim_matches('"').as_bytes())
}

/// Chooses one encoding for texts that were sent together.
pub fn of<'a>(declared: Option<&'static Encoding>, texts: impl IntoIterator<Item = &'a [u8]>) -> &'static Encoding {
    match declared {
        Some(encoding) if encoding != UTF_8 => encoding,
        _ if texts.into_iter().all(|text| std::str::from_utf8(text).is_ok()) => UTF_8,
        _ => WINDOWS_1252,
    }
}

/// Decodes a text with the encoding that [`of`] chose.
pub fn decode(text: &[u8], encoding: &'static Encoding) -> String {
    encoding.decode_without_bom_handling(text).0.into_owned()
}

/// Decodes a whole JSON body, which may start with a byte order mark.
pub fn body(body: Vec<u8>, declared: Option<&'static Encoding>) -> String {
    let (text, encoding, _) = of(declared, [body.as_slice()]).decode(&body);
    if encoding == UTF_8 && matches!(text, std::borrow::Cow::Borrowed(text) if text.len() == body.len()) {
        // The body is already valid UTF-8: don't copy it.
        return String::from_utf8(body).unwrap_or_default();
    }
    text.into_owned()
}

/// Decodes the pairs of an `application/x-www-form-urlencoded` form, all with one encoding.
pub fn pairs(encoded: &[u8], declared: Option<&'static Encoding>) -> Vec<(String, String)> {
    let plain = |part: &[u8]| {
        let spaced: Vec<u8> = part.iter().map(|byte| if *byte == b'+' { b' ' } else { *byte }).collect();
        percent_encoding::percent_decode(&spaced).collect::<Vec<u8>>()
    };
    let parts = encoded.split(|byte| *byte == b'&').filter(|part| !part.is_empty());
    let raw = parts.map(|part| {
        let at = part.iter().position(|byte| *byte == b'=').unwrap_or(part.len());
        (plain(&part[..at]), plain(part.get(at + 1..).unwrap_or_default()))
    });
    let mut raw: Vec<(Vec<u8>, Vec<u8>)> = raw.collect();
    let encoding = of_fields(raw.iter().map(|(name, value)| (name.as_slice(), value.as_slice())), declared);
    raw.retain(|(name, _)| name != CHARSET_FIELD.as_bytes());
    raw.iter().map(|(name, value)| (decode(name, encoding), decode(value, encoding))).collect()
}

/// Chooses the encoding of a form's fields, one of which may declare it.
pub fn of_fields<'a>(
    fields: impl Iterator<Item = (&'a [u8], &'a [u8])> + Clone,
    declared: Option<&'static Encoding>,
) -> &'static Encoding {
    let field = fields.clone().find(|(name, _)| *name == CHARSET_FIELD.as_bytes());
    let declared = field.and_then(|(_, label)| Encoding::for_label(label)).or(declared);
    of(declared, fields.flat_map(|(name, value)| [name, value]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_decoded_as_it_was_sent() {
        let latin = Encoding::for_label(b"iso-8859-1");
        let cases: [(&[u8], Option<&'static Encoding>, &str); 9] = [
            (b"name=Zo%C3%AB+M%C3%BCller", None, "Zoë Müller"),
            (b"name=Zo%EB+M%FCller", None, "Zoë Müller"),
            (b"name=Zo\xeb M\xfcller", None, "Zoë Müller"),
            (b"name=Zo%EB+M%FCller", latin, "Zoë Müller"),
            (b"name=Zo%EB+M%FCller", Some(UTF_8), "Zoë Müller"),
            (b"name=%80+5&_charset_=windows-1252", None, "€ 5"),
            (b"_charset_=UTF-8&name=%E2%82%AC", None, "€"),
            (b"name=%93%FA%96%7B&_charset_=Shift_JIS", None, "日本"),
            (b"name=%CF%F0%E8%E2%E5%F2&_charset_=windows-1251", None, "Привет"),
        ];
        for (body, declared, expected) in cases {
            assert_eq!(pairs(body, declared), [("name".to_owned(), expected.to_owned())], "{expected}");
        }
        assert_eq!(pairs(b"a&b=&=c&a=1=2&&%", None).len(), 5);
    }

    #[test]
    fn json_may_begin_with_a_mark() {
        let cases: [(&[u8], &str); 4] =
            [(b"{}", "{}"), (b"\xEF\xBB\xBF{}", "{}"), (b"\"\xFC\"", "\"ü\""), (b"\xFF\xFE{\0}\0", "{}")];
        for (bytes, expected) in cases {
            assert_eq!(body(bytes.to_vec(), None), expected);
        }
    }
}
