//! Rate limits per address and per key. Excess requests are refused before they cost
//! anything. Each instance counts separately.

use crate::error::{Error, Result};
use crate::values::network::Network;
use governor::clock::{Clock, DefaultClock};
use governor::middleware::StateInformationMiddleware;
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use std::collections::HashMap;
use std::hash::{BuildHasher, Hash, RandomState};
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Maximum number of counters; beyond it, senders share them.
const BUCKETS: u64 = 1 << 18;
/// How many event streams one address may hold.
const STREAMS_OF_ADDRESS: usize = 2_000;
/// How many event streams all visitors together may hold.
const STREAMS: usize = 20_000;

/// Every limit of the program.
pub struct Limits {
    /// Desk forms from one network, sent by people who are not signed in.
    pub door: Limit,
    /// Submissions from one address.
    pub form_address: Limit,
    /// Submissions to one form.
    pub form_key: Limit,
    /// Messages from one address.
    pub chat_address: Limit,
    /// Messages through one bubble.
    pub chat_key: Limit,
    /// Files that visitors send from one network.
    pub visitor_files: Limit,
    /// Reads of bubbles and histories from one address.
    pub chat_reading: Limit,
    /// Requests with one API key.
    pub api: Limit,
    /// Wrong API keys from one address.
    pub guesses: Limit,
    /// Requests for a new password from one network.
    pub password_network: Limit,
    /// Mails for a new password to one address.
    pub password_address: Limit,
    /// Mailed invitations of one account.
    pub invitations: Limit,
    /// Test mails of one account.
    pub test_mails: Limit,
    /// Open event streams of visitors.
    pub streams: Arc<Streams>,
}

impl Limits {
    /// Creates the limits. `api_per_minute` applies to each API key.
    pub fn new(api_per_minute: NonZeroU32) -> Self {
        Self {
            door: Limit::new(per_minute(600), 600),
            form_address: Limit::new(per_minute(120), 60),
            form_key: Limit::new(per_second(20), 200),
            chat_address: Limit::new(per_minute(120), 60),
            chat_key: Limit::new(per_second(100), 300),
            visitor_files: Limit::new(per_hour(120), 40),
            chat_reading: Limit::new(per_minute(3_000), 3_000),
            api: Limit::new(Quota::per_minute(api_per_minute), api_per_minute.get()),
            guesses: Limit::new(per_minute(30), 30),
            password_network: Limit::new(per_minute(5), 20),
            password_address: Limit::new(per_hour(3), 3),
            invitations: Limit::new(per_hour(60), 60),
            test_mails: Limit::new(per_minute(2), 5),
            streams: Arc::default(),
        }
    }
}

fn per_minute(count: u32) -> Quota {
    Quota::per_minute(NonZeroU32::new(count).unwrap_or(NonZeroU32::MIN))
}

fn per_hour(count: u32) -> Quota {
    Quota::per_hour(NonZeroU32::new(count).unwrap_or(NonZeroU32::MIN))
}

fn per_second(count: u32) -> Quota {
    Quota::per_second(NonZeroU32::new(count).unwrap_or(NonZeroU32::MIN))
}

/// One limit, counted for each sender.
pub struct Limit {
    limiter: DefaultKeyedRateLimiter<u64, StateInformationMiddleware>,
    clock: DefaultClock,
    hasher: RandomState,
    burst: u32,
    interval: Duration,
}

/// How much is left of a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Left {
    /// Requests allowed at once.
    pub limit: u32,
    /// Requests left right now.
    pub remaining: u32,
    /// Seconds until all of them are available again.
    pub reset: u32,
}

impl Limit {
    fn new(quota: Quota, burst: u32) -> Self {
        let quota = quota.allow_burst(NonZeroU32::new(burst).unwrap_or(NonZeroU32::MIN));
        let interval = quota.replenish_interval();
        let limiter = RateLimiter::keyed(quota).with_middleware();
        Self { limiter, clock: DefaultClock::default(), hasher: RandomState::new(), burst, interval }
    }

    /// Requests allowed at once.
    pub fn burst(&self) -> u32 {
        self.burst
    }

    /// Counts one request.
    ///
    /// # Errors
    /// *Too many*, with the seconds to wait.
    pub fn check(&self, sender: impl Hash) -> Result<Left> {
        // Buckets bound the memory. The random hash keeps senders from choosing whose
        // counter they share.
        let bucket = self.hasher.hash_one(sender) % BUCKETS;
        match self.limiter.check_key(&bucket) {
            Ok(state) => {
                let remaining = state.remaining_burst_capacity();
                let until_full = self.interval.saturating_mul(self.burst.saturating_sub(remaining));
                let reset = u32::try_from(until_full.as_secs()).unwrap_or(u32::MAX).saturating_add(1);
                Ok(Left { limit: self.burst, remaining, reset })
            }
            Err(not_until) => {
                let wait = not_until.wait_time_from(self.clock.now());
                let seconds = u32::try_from(wait.as_secs()).unwrap_or(u32::MAX).saturating_add(1);
                Err(Error::too_many("Too many requests. Wait a moment and try again.", seconds))
            }
        }
    }
}

/// Counts open event streams by network.
#[derive(Default)]
pub struct Streams(Mutex<HashMap<Network, usize>>);

impl Streams {
    /// Takes a place for one more stream, until it is dropped.
    pub fn open(self: &Arc<Self>, network: Network) -> Result<Stream> {
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mine = open.get(&network).copied().unwrap_or(0);
        if mine >= STREAMS_OF_ADDRESS || open.values().sum::<usize>() >= STREAMS {
            return Err(Error::too_many("There are too many open connections.", 30));
        }
        open.insert(network, mine + 1);
        Ok(Stream { network, all: self.clone() })
    }
}

/// A place for one stream, given back when dropped.
pub struct Stream {
    network: Network,
    all: Arc<Streams>,
}

impl Drop for Stream {
    fn drop(&mut self) {
        let mut open = self.all.0.lock().unwrap_or_else(PoisonError::into_inner);
        match open.get_mut(&self.network) {
            Some(count) if *count > 1 => *count -= 1,
            _ => {
                open.remove(&self.network);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Kind;

    #[test]
    fn a_burst_passes_and_the_rest_is_told_when() {
        let limit = Limit::new(per_minute(60), 10);
        for index in 0..10 {
            assert_eq!(limit.check("ana").unwrap().remaining, 9 - index);
        }
        let refused = limit.check("ana").unwrap_err();
        assert_eq!((refused.kind, refused.retry_after()), (Kind::TooMany, Some(1)));
        assert!(limit.check("ben").is_ok());
    }

    #[test]
    fn streams_are_counted_by_network_and_given_back() {
        let streams = Arc::<Streams>::default();
        let network = |text: &str| Network::of(text.parse().unwrap());
        let here = network("2001:db8::1");
        let held: Vec<Stream> = (0..STREAMS_OF_ADDRESS).map(|_| streams.open(here).unwrap()).collect();
        assert!(streams.open(network("2001:db8::2")).is_err());
        assert!(streams.open(network("192.0.2.1")).is_ok());
        drop(held);
        assert!(streams.open(here).is_ok());
    }
}
