//! Any bytes as PDF, DOC and DOCX: a verdict, and never two types at once.
#![no_main]

use docket::validation;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let kept = ["a.pdf", "a.doc", "a.docx"].iter().filter(|name| validation::validate(name, bytes).is_ok());
    assert!(kept.count() <= 1, "one file is of one type");
});
