//! The time, as a value that tests can set.

use chrono::{DateTime, NaiveDateTime, SubsecRound, TimeDelta, Utc};
use std::sync::Arc;

/// How long deleted items can be restored.
pub const TRASH: TimeDelta = TimeDelta::days(30);

/// When something was deleted that is to be removed for good as soon as possible.
pub const EXPIRED: NaiveDateTime = DateTime::UNIX_EPOCH.naive_utc();

/// Maximum number of deleted conversations or submissions shown in the trash.
pub const TRASH_SHOWN: i64 = 100;

/// Returns the time in UTC, truncated to microseconds, the precision of both engines.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> NaiveDateTime + Send + Sync>);

impl Clock {
    /// The machine's clock.
    pub fn system() -> Self {
        Self::from_fn(|| Utc::now().naive_utc())
    }

    /// A clock that returns the result of `read`.
    pub fn from_fn(read: impl Fn() -> NaiveDateTime + Send + Sync + 'static) -> Self {
        Self(Arc::new(read))
    }

    /// Now, in UTC.
    pub fn now(&self) -> NaiveDateTime {
        (self.0)().trunc_subsecs(6)
    }
}
