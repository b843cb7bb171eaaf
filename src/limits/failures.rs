//! Slows down password guessing without locking out the user.

use crate::values::network::Network;
use crate::values::token;
use std::collections::HashMap;
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// Failures of a user in one network or browser that cause no delay: people mistype.
const FREE_FOR_USER: u32 = 5;
/// An office may share one address.
const FREE_FOR_NETWORK: u32 = 30;
/// Failures of a user across all networks that cause no delay.
const FREE_FOR_ALL: u32 = 20;
const LONGEST_WAIT: Duration = Duration::from_secs(15 * 60);
/// After this long without a failure, counting starts again.
const MEMORY: Duration = Duration::from_secs(60 * 60);
/// Bounds the memory that guessing can take.
const MAX_KEYS: usize = 30_000;

struct Failures {
    count: u32,
    last: Instant,
    free: u32,
}

impl Failures {
    fn ready_at(&self) -> Instant {
        let over = self.count.saturating_sub(self.free);
        let wait = if over == 0 { Duration::ZERO } else { Duration::from_secs(1 << over.min(10)) };
        self.last + wait.min(LONGEST_WAIT)
    }
}

/// An attempt to sign in.
#[derive(Clone, Debug)]
pub struct Try<'a> {
    pub network: Network,
    /// The email address as typed.
    pub user: &'a str,
    /// The browser's token, if this user has signed in with it before.
    pub device: Option<&'a str>,
}

impl Try<'_> {
    /// The counters for this attempt, and how many free failures each has. A known
    /// browser has a counter of its own, so that guessing elsewhere does not slow it
    /// down.
    fn keys(&self) -> Vec<(String, u32)> {
        // Hashed, because the typed address may be very long.
        let user = token::sha256(self.user.trim().to_lowercase().as_bytes());
        match self.device {
            Some(device) => vec![(format!("device {} {user}", token::sha256(device.as_bytes())), FREE_FOR_USER)],
            None => vec![
                (format!("{} {user}", self.network), FREE_FOR_USER),
                (self.network.to_string(), FREE_FOR_NETWORK),
                (user, FREE_FOR_ALL),
            ],
        }
    }
}

/// Counts failed attempts by network, by user, and by both. Whether the user exists makes
/// no difference.
#[derive(Default)]
pub struct Throttle {
    failures: Mutex<HashMap<String, Failures>>,
}

impl Throttle {
    /// Counts an attempt as failed until it [`succeeded`](Self::succeeded), so that
    /// parallel attempts cannot bypass the limit.
    ///
    /// # Errors
    /// Seconds to wait before another attempt; this one is not counted.
    pub fn begin(&self, attempt: &Try<'_>, now: Instant) -> Result<(), u32> {
        let mut failures = self.lock();
        let keys = attempt.keys();
        let live = |key: &String| failures.get(key).filter(|entry| now.duration_since(entry.last) < MEMORY);
        let ready = keys.iter().filter_map(|(key, _)| live(key)).map(Failures::ready_at).max();
        if let Some(left) = ready.and_then(|ready| ready.checked_duration_since(now)).filter(|left| !left.is_zero()) {
            return Err(u32::try_from(left.as_secs() + 1).unwrap_or(u32::MAX));
        }
        make_room(&mut failures, now);
        for (key, free) in keys {
            let entry = failures.entry(key).or_insert(Failures { count: 0, last: now, free });
            let forgotten = now.duration_since(entry.last) >= MEMORY;
            entry.count = if forgotten { 1 } else { entry.count.saturating_add(1) };
            entry.last = now;
        }
        Ok(())
    }

    /// Resets the user's failures in this network or browser, and subtracts this attempt
    /// elsewhere.
    pub fn succeeded(&self, attempt: &Try<'_>) {
        let mut failures = self.lock();
        for (index, (key, _)) in attempt.keys().into_iter().enumerate() {
            if index == 0 {
                failures.remove(&key);
            } else if let Some(entry) = failures.get_mut(&key) {
                entry.count = entry.count.saturating_sub(1);
            }
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, Failures>> {
        // The map is consistent between any two calls, even after a panic elsewhere.
        self.failures.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// Removes expired entries, then the oldest tenth, so that filling the map does not clear
/// everything at once.
fn make_room(failures: &mut HashMap<String, Failures>, now: Instant) {
    if failures.len() < MAX_KEYS {
        return;
    }
    failures.retain(|_, entry| now.duration_since(entry.last) < MEMORY);
    if failures.len() < MAX_KEYS {
        return;
    }
    let mut ages: Vec<Instant> = failures.values().map(|entry| entry.last).collect();
    let (_, oldest, _) = ages.select_nth_unstable(MAX_KEYS / 10);
    let oldest = *oldest;
    failures.retain(|_, entry| entry.last > oldest);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(last: u8, user: &str) -> Try<'_> {
        Try { network: Network::of([192, 0, 2, last].into()), user, device: None }
    }

    fn later(now: Instant, seconds: u32) -> Instant {
        now + Duration::from_secs(seconds.into())
    }

    #[test]
    fn failures_cost_more_and_more_time_and_only_there() {
        let (throttle, now) = (Throttle::default(), Instant::now());
        let here = from(7, "ana@example.com");
        for _ in 0..=FREE_FOR_USER {
            assert_eq!(throttle.begin(&here, now), Ok(()));
        }
        let first = throttle.begin(&here, now).unwrap_err();
        let then = later(now, first);
        assert_eq!(throttle.begin(&here, then), Ok(()));
        assert!(throttle.begin(&here, then).unwrap_err() > first);
        assert_eq!(throttle.begin(&from(7, "ben@example.com"), then), Ok(()));
        assert_eq!(throttle.begin(&from(8, "ANA@example.com "), then), Ok(()));
        assert_eq!(throttle.begin(&here, then + LONGEST_WAIT), Ok(()));
        assert_eq!(throttle.begin(&here, then + LONGEST_WAIT + MEMORY), Ok(()));
    }

    #[test]
    fn success_forgets_and_many_at_once_are_counted() {
        let (throttle, now) = (Throttle::default(), Instant::now());
        let here = from(7, "ana@example.com");
        for _ in 0..100 {
            assert_eq!(throttle.begin(&here, now), Ok(()));
            throttle.succeeded(&here);
        }
        let passed = (0..100).filter(|_| throttle.begin(&here, now).is_ok()).count();
        assert_eq!(passed, FREE_FOR_USER as usize + 1);
    }

    #[test]
    fn guessing_from_everywhere_is_slowed_down_but_not_for_a_known_browser() {
        let (throttle, now) = (Throttle::default(), Instant::now());
        let passed = (0..200).filter(|last| throttle.begin(&from(*last, "ana@example.com"), now).is_ok()).count();
        assert_eq!(passed, FREE_FOR_ALL as usize + 1);
        let known = Try { device: Some("token"), ..from(1, "ana@example.com") };
        assert_eq!(throttle.begin(&known, now), Ok(()));
        let other = Try { device: Some("other"), ..from(1, "ana@example.com") };
        let passed = (0..100).filter(|_| throttle.begin(&other, now).is_ok()).count();
        assert_eq!(passed, FREE_FOR_USER as usize + 1, "a browser counts for itself");
        assert_eq!(throttle.begin(&known, now), Ok(()));
    }

    #[test]
    fn a_full_memory_forgets_the_oldest_first() {
        let (throttle, now) = (Throttle::default(), Instant::now());
        let names: Vec<String> = (0..MAX_KEYS / 3 + 10).map(|index| format!("user{index}@example.com")).collect();
        let networks = |index: usize| Network::of(std::net::Ipv4Addr::from(u32::try_from(index).unwrap()).into());
        for (index, name) in names.iter().enumerate() {
            let attempt = Try { network: networks(index), user: name, device: None };
            assert_eq!(throttle.begin(&attempt, now + Duration::from_millis(index as u64)), Ok(()));
        }
        let failures = throttle.lock();
        assert!((MAX_KEYS * 8 / 10..=MAX_KEYS).contains(&failures.len()), "{}", failures.len());
        let has = |index: usize| failures.contains_key(&networks(index).to_string());
        assert!(!has(0) && has(names.len() - 1) && has(names.len() / 2));
    }
}
