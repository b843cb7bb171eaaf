//! Slows down whoever guesses passwords, without ever locking a victim out.

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
    /// Seconds to wait before another try from that network as that user; `None` for now.
    #[must_use]
    pub fn wait(&self, address: IpAddr, email: &str, now: Instant) -> Option<u32> {
        let failures = self.lock();
        let ready =
            keys(address, email).iter().filter_map(|(key, _)| failures.get(key)).map(Failures::ready_at).max()?;
        let left = ready.checked_duration_since(now)?;
        (!left.is_zero()).then(|| u32::try_from(left.as_secs() + 1).unwrap_or(u32::MAX))
    }

    /// Counts a failure.
    pub fn failed(&self, address: IpAddr, email: &str, now: Instant) {
        let mut failures = self.lock();
        if failures.len() >= MAX_KEYS {
            failures.retain(|_, entry| now.duration_since(entry.last) < MEMORY);
        }
        if failures.len() >= MAX_KEYS {
            failures.clear();
        }
        for (key, free) in keys(address, email) {
            let entry = failures.entry(key).or_insert(Failures { count: 0, last: now, free });
            let forgotten = now.duration_since(entry.last) >= MEMORY;
            entry.count = if forgotten { 1 } else { entry.count.saturating_add(1) };
            entry.last = now;
        }
    }

    /// Forgets that user's failures from that network after a success.
    pub fn succeeded(&self, address: IpAddr, email: &str) {
        let [(user, _), _] = keys(address, email);
        self.lock().remove(&user);
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
    [(format!("{network} {email}"), FREE_FOR_USER), (network, FREE_FOR_ADDRESS)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_cost_more_and_more_time_and_only_there() {
        let (throttle, now) = (Throttle::default(), Instant::now());
        let (here, elsewhere) = (IpAddr::from([192, 0, 2, 7]), IpAddr::from([198, 51, 100, 7]));
        for _ in 0..FREE_FOR_USER {
            throttle.failed(here, "ana@example.com", now);
        }
        assert_eq!(throttle.wait(here, "ana@example.com", now), None);
        throttle.failed(here, "ana@example.com", now);
        let first = throttle.wait(here, "ana@example.com", now).unwrap();
        throttle.failed(here, "ana@example.com", now);
        assert!(throttle.wait(here, "ana@example.com", now).unwrap() > first);
        assert_eq!(throttle.wait(here, "ben@example.com", now), None);
        assert_eq!(throttle.wait(elsewhere, "ana@example.com", now), None);
        assert_eq!(throttle.wait(here, "ana@example.com", now + LONGEST_WAIT), None);
    }
}
