//! Multipart forms (RFC 7578) from any client. The headers of their parts are repaired
//! before they are parsed.

use crate::error::{Error, Kind};
use crate::web::{charset, flow};
use actix_multipart::{Multipart, MultipartError};
use actix_web::dev::Payload;
use actix_web::error::PayloadError;
use actix_web::http::header::{CONTENT_TYPE, ContentDisposition};
use actix_web::web::Bytes;
use actix_web::{FromRequest, HttpRequest};
use encoding_rs::Encoding;
use futures_util::{Stream, StreamExt, stream};
use memchr::memmem;
use std::future::{Ready, ready};

/// Maximum size of the headers of one part, in bytes. Larger ones are passed on unchanged,
/// and the parser rejects them.
const MAX_HEADERS: usize = 16 * 1024;

/// The parts of a multipart body, in order.
pub struct Parts(pub Multipart);

impl FromRequest for Parts {
    type Error = actix_web::Error;
    type Future = Ready<Result<Self, Self::Error>>;

    fn from_request(req: &HttpRequest, payload: &mut Payload) -> Self::Future {
        ready(Ok(Self(parts(req, payload.take()))))
    }
}

pub fn parts(req: &HttpRequest, payload: Payload) -> Multipart {
    match boundary(req) {
        Some(boundary) => {
            let repaired = Repair::new(&boundary, charset::declared(req));
            Multipart::new(req.headers(), repaired.apply(payload))
        }
        None => Multipart::new(req.headers(), payload),
    }
}

fn boundary(req: &HttpRequest) -> Option<String> {
    let value = req.headers().get(CONTENT_TYPE)?.to_str().ok()?;
    let mut parameters = value.split(';').skip(1).filter_map(|part| part.split_once('='));
    let (_, boundary) = parameters.find(|(name, _)| name.trim().eq_ignore_ascii_case("boundary"))?;
    Some(boundary.trim().trim_matches('"').to_owned())
}

/// The name of a file: `filename*` (RFC 6266) if present, otherwise `filename`, in which
/// browsers write a quotation mark as `%22`.
pub fn file_name(disposition: &ContentDisposition) -> Option<String> {
    let extended = disposition.get_filename_ext().map(|name| {
        let declared = Encoding::for_label(name.charset.to_string().as_bytes());
        charset::decode(&name.value, charset::of(declared, [name.value.as_slice()]))
    });
    extended.or_else(|| disposition.get_filename().map(|name| name.replace("%22", "\"")))
}

/// Explains why a multipart body could not be read to its end.
pub fn multipart_error(error: &MultipartError) -> Error {
    match error {
        MultipartError::Payload(error) => flow::body_error(error),
        MultipartError::Incomplete => {
            Error::new(Kind::Unreadable, "The request ended before all of it arrived. Try again.")
        }
        _ => Error::new(Kind::Unreadable, "The form can’t be read: it isn’t valid multipart/form-data."),
    }
}

/// Converts the headers of parts to UTF-8 without control characters. Clients send names in
/// the encoding of their page, and the parser rejects the whole form because of one
/// unexpected byte.
struct Repair {
    /// The line break and boundary before each part. The first part has no line break.
    delimiter: Vec<u8>,
    declared: Option<&'static Encoding>,
    /// Bytes that may be the start of a delimiter, or headers that aren't complete yet.
    held: Vec<u8>,
    in_headers: bool,
}

impl Repair {
    fn new(boundary: &str, declared: Option<&'static Encoding>) -> Self {
        // Start with a line break, so that the first part is recognised, too.
        Self {
            delimiter: format!("\r\n--{boundary}").into_bytes(),
            declared,
            held: b"\r\n".to_vec(),
            in_headers: false,
        }
    }

    fn apply(self, payload: Payload) -> impl Stream<Item = Result<Bytes, PayloadError>> {
        let repaired = stream::unfold((self, Some(payload), true), |(mut repair, payload, is_first)| async move {
            let mut payload = payload?;
            let skip = if is_first { 2 } else { 0 };
            match payload.next().await {
                Some(Ok(chunk)) => {
                    let out = repair.push(&chunk);
                    let begun = is_first && out.len() < skip;
                    if begun {
                        repair.held.splice(..0, out);
                        return Some((Ok(Bytes::new()), (repair, Some(payload), true)));
                    }
                    Some((Ok(Bytes::from(out).slice(skip..)), (repair, Some(payload), false)))
                }
                Some(Err(error)) => Some((Err(error), (repair, None, false))),
                None => {
                    let rest = Bytes::from(std::mem::take(&mut repair.held));
                    Some((Ok(rest.slice(skip.min(rest.len())..)), (repair, None, false)))
                }
            }
        });
        // The parser polls again after the end.
        repaired.fuse()
    }

    /// Adds bytes and returns those that can be passed on now.
    fn push(&mut self, bytes: &[u8]) -> Vec<u8> {
        self.held.extend_from_slice(bytes);
        let mut out = Vec::with_capacity(self.held.len());
        loop {
            if self.in_headers {
                let end = memmem::find(&self.held, b"\r\n\r\n");
                let (headers, known) = match end {
                    Some(end) if end <= MAX_HEADERS => (self.repair_headers(&self.held[..end]), end),
                    Some(_) => (Vec::new(), 0),
                    None if self.held.len() > MAX_HEADERS => (Vec::new(), 0),
                    None => return out,
                };
                out.extend(headers);
                self.held.drain(..known);
                self.in_headers = false;
            } else if let Some(at) = memmem::find(&self.held, &self.delimiter) {
                out.extend(self.held.drain(..at + self.delimiter.len()));
                self.in_headers = true;
            } else {
                // The last bytes may be the start of a delimiter.
                let safe = self.held.len().saturating_sub(self.delimiter.len() - 1);
                out.extend(self.held.drain(..safe));
                return out;
            }
        }
    }

    fn repair_headers(&self, headers: &[u8]) -> Vec<u8> {
        let text = charset::decode(headers, charset::of(self.declared, [headers]));
        let is_plain = |c: &char| matches!(c, '\r' | '\n' | '\t') || !c.is_control();
        text.chars().filter(is_plain).collect::<String>().into_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn repaired(body: &[u8], size: usize) -> Vec<u8> {
        let chunks: Vec<_> = body.chunks(size).map(|chunk| Ok(Bytes::copy_from_slice(chunk))).collect();
        let payload = Payload::Stream { payload: stream::iter(chunks).boxed_local() };
        let parts = Repair::new("X", None).apply(payload);
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(parts.map(|part| part.unwrap().to_vec()).collect::<Vec<_>>()).concat()
    }

    #[test]
    fn headers_of_parts_become_plain_and_their_content_stays() {
        let body = b"--X\r\nContent-Disposition: form-data; name=\"f\"; filename=\"M\xfcl\0ler.txt\"\r\n\r\nb\0\xfc\r\n--Y\r\n--X--\r\n";
        let expected = "--X\r\nContent-Disposition: form-data; name=\"f\"; filename=\"Müller.txt\"\r\n\r\nb\0\u{fffd}\r\n--Y\r\n--X--\r\n";
        for size in [1, 2, 3, 7, 20, 1000] {
            assert_eq!(String::from_utf8_lossy(&repaired(body, size)), expected, "{size}");
        }
    }

    proptest! {
        #[test]
        fn what_is_fine_passes_unchanged(content in prop::collection::vec(any::<u8>(), 0..300), size in 1_usize..50) {
            let mut body = b"preamble\r\n--X\r\nContent-Disposition: form-data; name=\"\xc3\xbc\"\r\n\r\n".to_vec();
            body.extend(content.iter().filter(|byte| **byte != b'X'));
            body.extend(b"\r\n--X--\r\nepilogue");
            prop_assert_eq!(repaired(&body, size), body);
        }
    }
}
