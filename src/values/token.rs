//! Unguessable values for links and cookies, and how they are stored.

use crate::error::{Error, Result};
use sha2::{Digest, Sha256};
use std::fmt::Write;

/// Letters and digits without the ones that people mix up.
const ALPHABET: &[u8; 32] = b"abcdefghjkmnpqrstuvwxyz023456789";

/// 256 random bits, in 52 letters and digits.
pub fn secret() -> Result<String> {
    random(52)
}

/// 80 random bits, in 16 letters and digits: an id that nobody can guess.
pub fn id() -> Result<String> {
    random(16)
}

/// 130 random bits, in 26 lower-case letters and digits: an email address carries them through
/// programs that change its case.
pub fn for_address() -> Result<String> {
    random(26)
}

fn random(length: usize) -> Result<String> {
    let mut bytes = vec![0; length];
    getrandom::fill(&mut bytes).map_err(|source| Error::internal("no randomness", source))?;
    Ok(bytes.iter().map(|byte| char::from(ALPHABET[usize::from(byte % 32)])).collect())
}

/// The SHA-256 of `bytes` in lower-case hexadecimal. For a secret, only this is stored.
pub fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// Bytes in lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut hex, byte| {
        // Writing to a string cannot fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}
