//! Any bytes as each type of picture: a verdict, and a thumbnail within its size.
#![no_main]

use docket::attachments::{thumbnail, validation};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let mut kept = 0;
    for name in ["a.jpg", "a.png", "a.gif", "a.webp"] {
        // A tenth of what the server decodes keeps the search quick.
        if validation::memory(name, bytes) > 96 * 1024 * 1024 {
            continue;
        }
        let Ok(valid) = validation::validate(name, bytes) else { continue };
        kept += 1;
        if let Ok(thumbnail) = thumbnail::make(valid.picture.expect("a picture was decoded")) {
            assert!(!thumbnail.bytes.is_empty());
        }
    }
    assert!(kept <= 1, "one file is of one type");
});
