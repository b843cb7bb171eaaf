//! Jobs without the types of their results. The engines wait for connections, commit and try again
//! without knowing what a job returns, so that this is compiled once, and not for each of several
//! hundred jobs.

use crate::db::Connection;
use crate::error::{Error, Result};
use std::sync::{Arc, Mutex, PoisonError};

/// A job that only reads.
pub(super) type Look = Box<dyn FnOnce(&mut Connection) -> Result<()> + Send>;
/// A job that may run again after a serialization failure.
pub(super) type Change = Box<dyn FnMut(&mut Connection) -> Result<()> + Send>;

/// Where a job leaves its result.
pub(super) struct Slot<T>(Arc<Mutex<Option<T>>>);

impl<T: Send + 'static> Slot<T> {
    fn new() -> Self {
        Self(Arc::new(Mutex::new(None)))
    }

    fn put(&self, value: T) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(value);
    }

    pub(super) fn of_look(job: impl FnOnce(&mut Connection) -> Result<T> + Send + 'static) -> (Self, Look) {
        let slot = Self::new();
        let kept = Self(slot.0.clone());
        (slot, Box::new(move |conn| job(conn).map(|value| kept.put(value))))
    }

    pub(super) fn of_change(mut job: impl FnMut(&mut Connection) -> Result<T> + Send + 'static) -> (Self, Change) {
        let slot = Self::new();
        let kept = Self(slot.0.clone());
        (slot, Box::new(move |conn| job(conn).map(|value| kept.put(value))))
    }

    /// The result of the last run, which has succeeded.
    pub(super) fn take(self) -> Result<T> {
        let value = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        value.ok_or_else(|| Error::internal("a database job", "it left no result"))
    }
}
