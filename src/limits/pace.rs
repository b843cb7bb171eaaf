//! How fast clients must send bodies and read responses, so that stalled clients do not
//! hold memory.

use std::time::Duration;

/// The limits for one request body and one response body.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// A client that sends nothing of a body for this long has stalled.
    pub stall: Duration,
    /// The rate applies after this time, so that a client may start slowly.
    pub grace: Duration,
    /// Minimum average rate of a body, in bytes per second.
    pub rate: u64,
    /// Maximum time for a body.
    pub longest: Duration,
    /// A client that reads no further piece of a response for this long is disconnected.
    /// A piece has 32 KB, so the slowest rate is 1 KB per second.
    pub read_stall: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self {
            stall: seconds(20),
            grace: seconds(20),
            rate: 4 * 1024,
            longest: seconds(30 * 60),
            read_stall: seconds(30),
        }
    }
}

impl Pace {
    /// How much longer a client may take to send more, given the time waited and the
    /// bytes received.
    pub fn left(&self, waited: Duration, received: u64) -> Duration {
        let by_rate = self.grace + Duration::from_millis(received.saturating_mul(1000) / self.rate.max(1));
        self.stall.min(by_rate.min(self.longest).saturating_sub(waited))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_may_begin_slowly_but_not_go_on_so() {
        let pace = Pace::default();
        let (seconds, kilobytes) = (Duration::from_secs, |count: u64| count * 1024);
        assert_eq!(pace.left(seconds(0), 0), seconds(20));
        assert_eq!(pace.left(seconds(15), 0), seconds(5));
        assert_eq!(pace.left(seconds(30), kilobytes(40)), seconds(0));
        assert_eq!(pace.left(seconds(30), kilobytes(80)), seconds(10));
        assert_eq!(pace.left(seconds(30), kilobytes(4000)), seconds(20));
        assert_eq!(pace.left(seconds(29 * 60 + 50), kilobytes(1_000_000)), seconds(10));
    }
}
