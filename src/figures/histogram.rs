//! Durations counted in buckets, for percentiles that are at most 2 % off.

use std::collections::BTreeMap;

/// How much longer the end of a bucket is than its beginning. Its middle is at most 2 % off.
const STEP: f64 = 1.04;

/// The bucket of a duration in seconds.
pub fn bucket(seconds: i64) -> i64 {
    if seconds < 1 {
        return 0;
    }
    // At most 1,200 for any number of seconds.
    #[allow(clippy::cast_possible_truncation, clippy::cast_precision_loss)]
    let steps = ((seconds as f64).ln() / STEP.ln()).floor() as i64;
    steps + 1
}

/// The middle of a bucket, in seconds.
fn seconds(bucket: i64) -> i64 {
    if bucket < 1 {
        return 0;
    }
    #[allow(clippy::cast_possible_truncation, clippy::cast_precision_loss)]
    let middle = STEP.powf(bucket as f64 - 0.5).round() as i64;
    middle
}

/// How many durations are in each bucket.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Histogram(BTreeMap<i64, i64>);

impl Histogram {
    pub fn add(&mut self, bucket: i64, count: i64) {
        *self.0.entry(bucket).or_default() += count;
    }

    pub fn join(&mut self, other: &Self) {
        for (bucket, count) in &other.0 {
            self.add(*bucket, *count);
        }
    }

    pub fn count(&self) -> i64 {
        self.0.values().sum()
    }

    /// The duration, in seconds, that so many percent of all do not exceed (nearest rank), at
    /// most 2 % off. `None` without durations.
    pub fn percentile(&self, percent: i64) -> Option<i64> {
        let count = self.count();
        let rank = (count * percent + 99) / 100;
        let mut seen = 0;
        let reached = self.0.iter().find(|(_, count)| {
            seen += **count;
            seen >= rank
        });
        reached.filter(|_| count > 0).map(|(bucket, _)| seconds(*bucket))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_at_most_two_percent_off() {
        let mut rng = fastrand::Rng::with_seed(13);
        for size in [1, 2, 10, 999] {
            let mut durations: Vec<i64> = (0..size).map(|_| 10_i64.pow(rng.u32(0..8)) * rng.i64(1..10)).collect();
            let mut histogram = Histogram::default();
            for seconds in &durations {
                histogram.add(bucket(*seconds), 1);
            }
            durations.sort_unstable();
            for percent in [50, 90] {
                let exact = durations[usize::try_from((size * percent + 99) / 100 - 1).unwrap()];
                let about = histogram.percentile(percent).unwrap();
                // Half a second where durations are short.
                assert!((about - exact).abs() * 50 <= exact + 25, "{about} for {exact}");
            }
        }
        assert_eq!(Histogram::default().percentile(50), None);
    }
}
