//! Password rules and hashes: Argon2id (RFC 9106) with two passes over 19 MiB, a limited
//! number at a time.

use crate::error::{Error, Result};
use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use icu_normalizer::ComposingNormalizerBorrowed;
use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;
use zxcvbn::Score;

const MIN_CHARS: usize = 10;
/// Limits the input of the slow hash.
const MAX_BYTES: usize = 1024;
/// Maximum wait for a turn.
const PATIENCE: Duration = Duration::from_secs(10);

/// The hash checked for an unknown address, so that it takes as long as a known one.
static NOBODY: LazyLock<String> = LazyLock::new(|| hash_now("nobody signs in with this").unwrap_or_default());

/// Whose password is checked or set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Turn {
    /// The user, or the address as typed. Only one password per user is checked at a
    /// time.
    pub user: String,
    /// Whether the user has signed in with this browser before. Known browsers do not
    /// wait behind strangers.
    pub is_known: bool,
}

/// Hashes and verifies passwords. Cheap to clone.
#[derive(Clone)]
pub struct Passwords {
    strangers: Arc<Semaphore>,
    known: Arc<Semaphore>,
    users: Arc<Mutex<HashMap<String, Arc<Semaphore>>>>,
}

impl Default for Passwords {
    fn default() -> Self {
        Self::with(std::thread::available_parallelism().map_or(1, |count| usize::from(count) / 2).max(1))
    }
}

/// The result of checking a password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    Wrong,
    Right,
    /// Right, but the stored hash should be replaced by this one.
    Renew(String),
}

impl Passwords {
    /// `places` passwords at a time for strangers, and as many for known browsers.
    fn with(places: usize) -> Self {
        let semaphore = || Arc::new(Semaphore::new(places));
        Self { strangers: semaphore(), known: semaphore(), users: Arc::default() }
    }

    /// Hashes a password that [`check`] has accepted.
    ///
    /// # Errors
    /// *Internal* when hashing fails, *unavailable* when too many wait.
    pub async fn hash(&self, turn: Turn, password: String) -> Result<String> {
        self.run(turn, move || hash_now(&password)).await
    }

    /// Checks `password` against `hash`. `None` stands for a user who does not exist, and
    /// takes the same time.
    ///
    /// # Errors
    /// *Internal* when the check cannot run, *unavailable* when too many wait.
    pub async fn verify(&self, turn: Turn, password: String, hash: Option<String>) -> Result<Verdict> {
        self.run(turn, move || {
            let known = hash.is_some();
            let verdict = verify_now(&password, hash.as_deref().unwrap_or(&NOBODY))?;
            Ok(if known { verdict } else { Verdict::Wrong })
        })
        .await
    }

    async fn run<T: Send + 'static>(&self, turn: Turn, work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
        let busy = |_| Error::busy("Too many people are signing in right now. Try again in a moment.", 5);
        let places = timeout(PATIENCE, self.places(turn)).await.map_err(busy)??;
        let work = move || {
            // Held by the work itself, which continues after the caller disconnects.
            let _places = places;
            work()
        };
        let done = tokio::task::spawn_blocking(work).await;
        done.map_err(|source| Error::internal("password check", source))?
    }

    /// Takes the user's own place first, so that guesses at one user's password take only
    /// one place in the common queue.
    async fn places(&self, turn: Turn) -> Result<[OwnedSemaphorePermit; 2]> {
        let all = if turn.is_known { &self.known } else { &self.strangers };
        let mine = {
            // Consistent between any two calls, even after a panic elsewhere.
            let mut users = self.users.lock().unwrap_or_else(PoisonError::into_inner);
            users.retain(|_, place| Arc::strong_count(place) > 1);
            users
                .entry(format!("{} {}", turn.is_known, turn.user))
                .or_insert_with(|| Arc::new(Semaphore::new(1)))
                .clone()
        };
        let mine = mine.acquire_owned().await.map_err(Error::unavailable)?;
        Ok([mine, all.clone().acquire_owned().await.map_err(Error::unavailable)?])
    }
}

/// Hashes without waiting for a turn, for commands.
pub fn hash_now(password: &str) -> Result<String> {
    let hash = Argon2::default().hash_password(composed(password).as_bytes());
    Ok(hash.map_err(|source| Error::internal("password hash", source.to_string()))?.to_string())
}

/// Normalises a password, so that it is the same however a keyboard composes its letters
/// (NFC; RFC 8265, 4.2.2).
fn composed(password: &str) -> String {
    ComposingNormalizerBorrowed::new_nfc().normalize(password).into_owned()
}

fn verify_now(password: &str, hash: &str) -> Result<Verdict> {
    if password.len() > MAX_BYTES {
        return Ok(Verdict::Wrong);
    }
    let hash = PasswordHash::new(hash).map_err(|source| Error::internal("stored password hash", source.to_string()))?;
    let is_right = |password: &str| Argon2::default().verify_password(password.as_bytes(), &hash).is_ok();
    let composed = composed(password);
    if is_right(&composed) {
        return Ok(Verdict::Right);
    }
    // Hashes from before passwords were normalised match the password as typed.
    if composed != password && is_right(password) {
        return Ok(Verdict::Renew(hash_now(password)?));
    }
    Ok(Verdict::Wrong)
}

/// Checks a new password against the rules. `about` contains words related to its user:
/// address, name, account.
pub fn check(password: &str, about: &[&str]) -> Result<()> {
    if password.contains('\0') {
        return Err(Error::invalid("The password contains a character that can’t be typed (NUL)."));
    }
    if composed(password).chars().count() < MIN_CHARS {
        return Err(Error::invalid(format!("The password needs at least {MIN_CHARS} characters.")));
    }
    if password.len() > MAX_BYTES {
        return Err(Error::invalid(format!("The password is longer than {MAX_BYTES} bytes.")));
    }
    let words: Vec<&str> = about
        .iter()
        .flat_map(|text| text.split(|c: char| !c.is_alphanumeric()).chain([*text]))
        .filter(|word| word.chars().count() > 2)
        .chain(["docket", "support", "helpdesk"])
        .collect();
    if zxcvbn::zxcvbn(password, &words).score() < Score::Three {
        return Err(Error::invalid(
            "That password is easy to guess. Use a longer one, such as four words that have nothing to do with each other.",
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_that_will_not_do() {
        let about = ["someone.long@x.example", "Maria Hernandez", "Lumen Lamps"];
        let bad = [
            "short",
            "ninechars",
            "1234567890",
            "docket12345",
            "someone.long@x.example",
            "password1234",
            "qwertyuiop12",
            "MariaHernandez",
            "hernandez2026",
            "lumenlamps",
            "aaaaaaaaaaaaaaa",
            "abcdefghijkl",
            "letmein12345",
            "with\0a nul in it",
            &"x".repeat(1025),
        ];
        for bad in bad {
            assert!(check(bad, &about).is_err(), "{bad}");
        }
        for good in
            ["tencharsok", "correct horse battery", "пароль от стола 7", "wgK7#pQz!m2L", "ruhiger Apfel am Fenster"]
        {
            assert!(check(good, &about).is_ok(), "{good}");
        }
    }

    #[test]
    fn a_password_is_the_same_however_it_is_composed() {
        let (composed, apart) = ("Gänsefüßchen im Gras", "Ga\u{308}nsefu\u{308}ßchen im Gras");
        let hash = hash_now(apart).unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert_eq!(verify_now(composed, &hash).unwrap(), Verdict::Right);
        assert_eq!(verify_now(apart, &hash).unwrap(), Verdict::Right);
        assert_eq!(verify_now("Gansefußchen im Gras", &hash).unwrap(), Verdict::Wrong);
        // As the first versions stored it.
        let old = Argon2::default().hash_password(apart.as_bytes()).unwrap().to_string();
        let Verdict::Renew(renewed) = verify_now(apart, &old).unwrap() else { panic!("not renewed") };
        assert_eq!(verify_now(composed, &renewed).unwrap(), Verdict::Right);
    }

    #[tokio::test]
    async fn one_user_stands_once_in_the_queue() {
        let passwords = Passwords::with(2);
        let turn = |user: &str| Turn { user: user.into(), is_known: false };
        let held = passwords.places(turn("ana")).await.unwrap();
        let again = passwords.clone();
        let second = tokio::spawn(async move { again.places(turn("ana")).await.map(drop) });
        tokio::task::yield_now().await;
        drop(passwords.places(turn("ben")).await.unwrap());
        assert!(!second.is_finished());
        drop(held);
        second.await.unwrap().unwrap();
        drop(passwords.places(turn("cleo")).await.unwrap());
        assert_eq!(passwords.users.lock().unwrap().len(), 1, "only who is there is remembered");
    }
}
