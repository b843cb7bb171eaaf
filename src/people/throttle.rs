//! Slows down whoever guesses passwords, without ever locking a victim out.

use crate::web::token;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// How many failures cost nothing: a person mistypes.
const FREE_FOR_USER: u32 = 5;
/// An office may share one address.
const FREE_FOR_ADDRESS: u32 = 30;
const LONGEST_WAIT: Duration = Duration::from_secs(15 * 60);
/// After this long without a failure all is forgotten.
const MEMORY: Duration = Duration::from_secs(60 * 60);
/// Bounds the memory that guessing can take.
const MAX_KEYS: usize = 10_000;

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

/// Counts failed sign-ins by network and by user from that network. Whether the
/// user exists makes no difference.
#[derive(Default)]
pub struct Throttle {
    failures: Mutex<HashMap<String, Failures>>,
}

impl Throttle {
    /// Counts a try as failed until it [`succeeded`](Self::succeeded), so that many
    /// at once are no way round.
    ///
    /// # Errors
    /// Seconds to wait before another try; this one is not counted.
    pub fn begin(&self, address: IpAddr, email: &str, now: Instant) -> Result<(), u32> {
        let mut failures = self.lock();
        let keys = keys(address, email);
        let ready = keys.iter().filter_map(|(key, _)| failures.get(key)).map(Failures::ready_at).max();
        if let Some(left) = ready.and_then(|ready| ready.checked_duration_since(now)).filter(|left| !left.is_zero()) {
            return Err(u32::try_from(left.as_secs() + 1).unwrap_or(u32::MAX));
        }
        if failures.len() >= MAX_KEYS {
            failures.retain(|_, entry| now.duration_since(entry.last) < MEMORY);
        }
        if failures.len() >= MAX_KEYS {
            failures.clear();
        }
        for (key, free) in keys {
            let entry = failures.entry(key).or_insert(Failures { count: 0, last: now, free });
            let forgotten = now.duration_since(entry.last) >= MEMORY;
            entry.count = if forgotten { 1 } else { entry.count.saturating_add(1) };
            entry.last = now;
        }
        Ok(())
    }

    /// Forgets that user's failures from that network, and this try of the network.
    pub fn succeeded(&self, address: IpAddr, email: &str) {
        let [(user, _), (network, _)] = keys(address, email);
        let mut failures = self.lock();
        failures.remove(&user);
        if let Some(entry) = failures.get_mut(&network) {
            entry.count = entry.count.saturating_sub(1);
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, Failures>> {
        // The map is whole between any two calls, even after a panic elsewhere.
        self.failures.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

fn keys(address: IpAddr, email: &str) -> [(String, u32); 2] {
    // Whoever has one address of these networks usually has them all.
    let network = match address {
        IpAddr::V4(address) => format!("{}/24", address.to_bits() >> 8),
        IpAddr::V6(address) => format!("{}/64", address.to_bits() >> 64),
    };
    // Hashed, because what was typed as an address may be very long.
    let user = token::sha256(email.as_bytes());
    [(format!("{network} {user}"), FREE_FOR_USER), (network, FREE_FOR_ADDRESS)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_cost_more_and_more_time_and_only_there() {
        let (throttle, now) = (Throttle::default(), Instant::now());
        let (here, elsewhere) = (IpAddr::from([192, 0, 2, 7]), IpAddr::from([198, 51, 100, 7]));
        for _ in 0..FREE_FOR_USER {
            assert_eq!(throttle.begin(here, "ana@example.com", now), Ok(()));
        }
        assert_eq!(throttle.begin(here, "ana@example.com", now), Ok(()));
        let first = throttle.begin(here, "ana@example.com", now).unwrap_err();
        let then = now + Duration::from_secs(first.into());
        assert_eq!(throttle.begin(here, "ana@example.com", then), Ok(()));
        assert!(throttle.begin(here, "ana@example.com", then).unwrap_err() > first);
        assert_eq!(throttle.begin(here, "ben@example.com", then), Ok(()));
        assert_eq!(throttle.begin(elsewhere, "ana@example.com", then), Ok(()));
        assert_eq!(throttle.begin(here, "ana@example.com", then + LONGEST_WAIT), Ok(()));
    }

    #[test]
    fn success_forgets_and_many_at_once_are_counted() {
        let (throttle, now, here) = (Throttle::default(), Instant::now(), IpAddr::from([192, 0, 2, 7]));
        for _ in 0..100 {
            assert_eq!(throttle.begin(here, "ana@example.com", now), Ok(()));
            throttle.succeeded(here, "ana@example.com");
        }
        let passed = (0..100).filter(|_| throttle.begin(here, "ana@example.com", now).is_ok()).count();
        assert_eq!(passed, FREE_FOR_USER as usize + 1);
    }
}
