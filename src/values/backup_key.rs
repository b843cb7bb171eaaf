//! The key that backups are encrypted with.
//!
//! Each object has a key of its own, derived from a random salt before its bytes (HKDF-SHA-256, RFC
//! 5869), so the nonce of ChaCha20-Poly1305 (RFC 8439) can be a constant. The object's name is
//! authenticated with it: an object that is put in the place of another is not accepted.

use crate::error::{Error, Result};
use crate::values::token::hex;
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};
use ring::hkdf::{HKDF_SHA256, Salt};
use ring::hmac;
use std::str::FromStr;

/// What every encrypted object begins with.
const MAGIC: &[u8] = b"docket-encrypted-1\n";
const SALT: usize = 32;
const NAMES: &[u8] = b"names of objects";

#[derive(Clone)]
pub struct BackupKey([u8; 32]);

impl std::fmt::Debug for BackupKey {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("BackupKey")
    }
}

impl FromStr for BackupKey {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut key = [0; 32];
        let digits: Option<Vec<u8>> =
            text.trim().chars().map(|digit| digit.to_digit(16).and_then(|digit| u8::try_from(digit).ok())).collect();
        let digits = digits.filter(|digits| digits.len() == 64);
        let digits = digits.ok_or("a key is 64 hexadecimal digits, as “openssl rand -hex 32” prints them")?;
        for (byte, pair) in key.iter_mut().zip(digits.chunks(2)) {
            *byte = pair.iter().fold(0, |high, low| high << 4 | low);
        }
        Ok(Self(key))
    }
}

impl BackupKey {
    /// A name that tells nobody without the key what the content is.
    pub fn name(&self, hash: &str) -> String {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &[NAMES, &self.0[..]].concat());
        hex(hmac::sign(&key, hash.as_bytes()).as_ref())
    }

    pub fn encrypt(&self, name: &str, plain: &[u8]) -> Result<Vec<u8>> {
        let mut salt = [0; SALT];
        getrandom::fill(&mut salt).map_err(|source| Error::internal("no randomness", source))?;
        let mut content = plain.to_vec();
        self.object_key(&salt)
            .and_then(|key| key.seal_in_place_append_tag(nonce(), Aad::from(name), &mut content).ok())
            .ok_or_else(|| Error::internal("encryption", "ring refused it"))?;
        Ok([MAGIC, &salt, &content].concat())
    }

    /// # Errors
    /// *Invalid* when the key is another one, or the object is damaged.
    pub fn decrypt(&self, name: &str, object: &[u8]) -> Result<Vec<u8>> {
        let opened = || {
            let (salt, content) = object.strip_prefix(MAGIC)?.split_at_checked(SALT)?;
            let mut content = content.to_vec();
            let length = self.object_key(salt)?.open_in_place(nonce(), Aad::from(name), &mut content).ok()?.len();
            content.truncate(length);
            Some(content)
        };
        opened().ok_or_else(|| Error::invalid(format!("{name} is damaged, or DOCKET_BACKUP_KEY is another key.")))
    }

    fn object_key(&self, salt: &[u8]) -> Option<LessSafeKey> {
        let derived = Salt::new(HKDF_SHA256, salt).extract(&self.0);
        let key = derived.expand(&[b"object"], &CHACHA20_POLY1305).ok()?;
        Some(LessSafeKey::new(UnboundKey::from(key)))
    }
}

fn nonce() -> Nonce {
    Nonce::assume_unique_for_key([0; 12])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_encrypted_comes_back_under_its_name_and_key_only() {
        let key: BackupKey = "0123456789abcdef".repeat(4).parse().unwrap();
        let other: BackupKey = "f".repeat(64).parse().unwrap();
        let object = key.encrypt("rows/ab", b"notes").unwrap();
        assert_ne!(object, key.encrypt("rows/ab", b"notes").unwrap());
        assert!(!object.windows(5).any(|window| window == b"notes"));
        assert_eq!(key.decrypt("rows/ab", &object).unwrap(), b"notes");
        assert!(key.decrypt("rows/ac", &object).is_err());
        assert!(other.decrypt("rows/ab", &object).is_err());
        let mut damaged = object.clone();
        *damaged.last_mut().unwrap() ^= 1;
        assert!(key.decrypt("rows/ab", &damaged).is_err());
        for cut in 0..object.len() {
            assert!(key.decrypt("rows/ab", &object[..cut]).is_err());
        }
        assert_ne!(key.name("ab"), other.name("ab"));
    }

    #[test]
    fn a_key_is_64_digits() {
        for text in ["", "abc", &"g".repeat(64), &"a".repeat(63), &"a".repeat(65), &"ä".repeat(64)] {
            assert!(text.parse::<BackupKey>().is_err(), "{text}");
        }
        assert!(format!("{}\n", "A".repeat(64)).parse::<BackupKey>().is_ok());
    }
}
