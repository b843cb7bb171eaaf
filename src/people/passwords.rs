//! Passwords: Argon2id (RFC 9106) with two passes over 19 MiB, a bounded
//! number at a time.

use crate::error::{Error, Result};
use argon2::Argon2;
use argon2::password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash};
use std::sync::{Arc, LazyLock};
use tokio::sync::Semaphore;

/// Fewest characters.
const MIN_CHARS: usize = 10;
/// Most bytes: a slow hash must not be fed without end.
const MAX_BYTES: usize = 1024;
/// How many hashes run at once, so that sign-ins cannot take the memory.
const AT_ONCE: usize = 2;

/// Passwords that everybody tries first.
const COMMON: [&str; 12] = [
    "1234567890",
    "0123456789",
    "password12",
    "password123",
    "passwordpassword",
    "qwertyuiop",
    "1q2w3e4r5t",
    "1111111111",
    "0000000000",
    "iloveyou123",
    "letmein123",
    "administrator",
];

/// What an unknown address is checked against, so that it takes as long as a known one.
static NOBODY: LazyLock<String> = LazyLock::new(|| hash_now("nobody signs in with this").unwrap_or_default());

/// Hashes and verifies passwords. Cheap to clone.
#[derive(Clone)]
pub struct Passwords {
    places: Arc<Semaphore>,
}

impl Default for Passwords {
    fn default() -> Self {
        Self { places: Arc::new(Semaphore::new(AT_ONCE)) }
    }
}

impl Passwords {
    /// Hashes a password that [`check`] has accepted.
    ///
    /// # Errors
    /// *Internal* when hashing fails.
    pub async fn hash(&self, password: String) -> Result<String> {
        self.run(move || hash_now(&password)).await
    }

    /// Whether `password` is the one behind `hash`; `None` stands for a user
    /// who does not exist, and takes the same time.
    ///
    /// # Errors
    /// *Internal* when the check cannot run.
    pub async fn verify(&self, password: String, hash: Option<String>) -> Result<bool> {
        self.run(move || {
            let known = hash.is_some();
            let hash = hash.unwrap_or_else(|| NOBODY.clone());
            let right = password.len() <= MAX_BYTES
                && PasswordHash::new(&hash)
                    .is_ok_and(|hash| Argon2::default().verify_password(password.as_bytes(), &hash).is_ok());
            Ok(right && known)
        })
        .await
    }

    async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
        // Held by the work itself, which goes on when nobody waits for it any more.
        let place = self.places.clone().acquire_owned().await.map_err(Error::unavailable)?;
        let work = move || {
            let _place = place;
            work()
        };
        let done = tokio::task::spawn_blocking(work).await;
        done.map_err(|source| Error::internal("password check", source))?
    }
}

/// Hashes at once, for commands.
///
/// # Errors
/// *Internal* when hashing fails.
pub fn hash_now(password: &str) -> Result<String> {
    let hash = Argon2::default().hash_password(password.as_bytes());
    Ok(hash.map_err(|source| Error::internal("password hash", source.to_string()))?.to_string())
}

/// Whether a new password will do for the user of that address.
///
/// # Errors
/// *Invalid*, with what is wrong with it.
pub fn check(password: &str, email: &str) -> Result<()> {
    let lower = password.to_lowercase();
    let own_words = [email, email.split('@').next().unwrap_or(email), "docket"];
    let is_own_word = own_words.iter().any(|word| lower.trim_matches(|c: char| !c.is_alphabetic()) == *word);
    if password.chars().count() < MIN_CHARS {
        return Err(Error::invalid(format!("The password needs at least {MIN_CHARS} characters.")));
    }
    if password.len() > MAX_BYTES {
        return Err(Error::invalid(format!("The password is longer than {MAX_BYTES} bytes.")));
    }
    if COMMON.contains(&lower.as_str()) || is_own_word {
        return Err(Error::invalid("That password is among the first that anybody would try."));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::check;

    #[test]
    fn passwords_that_will_not_do() {
        for bad in ["short", "ninechars", "1234567890", "docket12345", "someone.long@x.example", &"x".repeat(1025)] {
            assert!(check(bad, "someone.long@x.example").is_err(), "{bad}");
        }
        for good in ["tencharsok", "correct horse battery", "пароль пароль", &"x".repeat(1024)] {
            assert!(check(good, "someone.long@x.example").is_ok(), "{good}");
        }
    }
}
