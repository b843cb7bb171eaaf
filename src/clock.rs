//! The time, as a value that tests can set.

use chrono::{NaiveDateTime, SubsecRound, TimeDelta, Utc};
use std::sync::Arc;

/// How long what was deleted can be restored.
pub const TRASH: TimeDelta = TimeDelta::days(30);

/// So many deleted conversations and submissions the trash shows.
pub const TRASH_SHOWN: i64 = 100;

/// Tells the time in UTC, cut to microseconds, which is what both engines keep.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> NaiveDateTime + Send + Sync>);

impl Clock {
    /// The machine's clock.
    pub fn system() -> Self {
        Self::from_fn(|| Utc::now().naive_utc())
    }

    /// A clock that says what `tell` says.
    pub fn from_fn(tell: impl Fn() -> NaiveDateTime + Send + Sync + 'static) -> Self {
        Self(Arc::new(tell))
    }

    /// Now, in UTC.
    pub fn now(&self) -> NaiveDateTime {
        (self.0)().trunc_subsecs(6)
    }
}
