//! Any bytes as a multipart body, in pieces of any size: it ends, and no file is
//! longer than what was sent.
#![no_main]

use actix_multipart::Multipart;
use actix_web::error::PayloadError;
use actix_web::http::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use actix_web::web::Bytes;
use docket::attachments::upload::Places;
use docket::desk::attachments::receive::Receiver;
use docket::limits::slots::Holder;
use futures_util::stream;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (u8, &[u8])| {
    let (size, body) = input;
    let pieces: Vec<Result<Bytes, PayloadError>> =
        body.chunks(usize::from(size).max(1)).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect();
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("multipart/form-data; boundary=x"));
    let places = Places::default();
    let holder = Holder { account: 1, user: 1 };
    actix_web::rt::System::new().block_on(async {
        let mut receiver = Receiver::new(Multipart::new(&headers, stream::iter(pieces)), &places, holder);
        while let Ok(Some(sent)) = receiver.next().await {
            assert!(sent.content.map_or(0, |bytes| bytes.len()) <= body.len());
        }
    });
});
