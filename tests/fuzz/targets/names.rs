//! Any name: what is kept has no path, no control character, and stays as it is.
#![no_main]

use docket::validation::clean_name;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|name: &str| {
    let Ok(clean) = clean_name(name) else { return };
    assert!(!clean.contains(['/', '\\']) && !clean.chars().any(char::is_control));
    assert!((1..=255).contains(&clean.chars().count()));
    assert_eq!(clean_name(&clean).as_ref(), Ok(&clean));
});
