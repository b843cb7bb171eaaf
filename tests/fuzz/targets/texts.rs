//! Any bytes as text: TXT and CSV agree, and what passes as text passes as nothing else.
#![no_main]

use docket::validation;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let is = |name| validation::validate(name, bytes).is_ok();
    assert_eq!(is("a.txt"), is("a.csv"));
    if is("a.txt") {
        assert!(!["a.jpg", "a.png", "a.gif", "a.webp", "a.doc", "a.docx"].into_iter().any(is));
    }
});
