//! Limited places. Each user and each account holds only some of them, so that none can
//! take all.

use crate::error::{Error, Result};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::timeout;

/// Who holds a place, or wants one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Holder {
    pub account: i64,
    /// The user, or the API key as a negative number.
    pub user: i64,
}

/// How many places there are.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// In total.
    pub all: usize,
    /// For one account.
    pub account: usize,
    /// For one user or API key.
    pub user: usize,
}

#[derive(Default)]
struct Held {
    all: usize,
    accounts: HashMap<i64, usize>,
    users: HashMap<Holder, usize>,
}

struct Shared {
    bounds: Bounds,
    held: Mutex<Held>,
    freed: Notify,
}

/// Places of one kind. Cheap to clone.
#[derive(Clone)]
pub struct Slots(Arc<Shared>);

impl Slots {
    pub fn new(bounds: Bounds) -> Self {
        Self(Arc::new(Shared { bounds, held: Mutex::default(), freed: Notify::new() }))
    }

    /// Takes a place, if one is free for this holder.
    pub fn try_take(&self, holder: Holder) -> Option<Place> {
        let mut held = self.held();
        let of_account = held.accounts.get(&holder.account).copied().unwrap_or(0);
        let of_user = held.users.get(&holder).copied().unwrap_or(0);
        let Bounds { all, account, user } = self.0.bounds;
        if held.all >= all || of_account >= account || of_user >= user {
            return None;
        }
        held.all += 1;
        held.accounts.insert(holder.account, of_account + 1);
        held.users.insert(holder, of_user + 1);
        Some(Place { slots: self.clone(), holder })
    }

    /// Waits for a place for this holder.
    ///
    /// # Errors
    /// *Unavailable* with the message `busy` when none becomes free within `patience`.
    pub async fn take(&self, holder: Holder, patience: Duration, busy: &str) -> Result<Place> {
        let wait = async {
            loop {
                // Registered before the attempt, so that no freed place is missed.
                let freed = self.0.freed.notified();
                if let Some(place) = self.try_take(holder) {
                    return place;
                }
                freed.await;
            }
        };
        timeout(patience, wait).await.map_err(|_| Error::busy(busy, 5))
    }

    /// How many places are free, for any holder.
    pub fn free(&self) -> usize {
        self.0.bounds.all - self.held().all
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        // The counts are correct between any two calls, even after a panic elsewhere.
        self.0.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A held place, given back when dropped.
pub struct Place {
    slots: Slots,
    holder: Holder,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut held = self.slots.held();
        held.all -= 1;
        give_back(&mut held.accounts, self.holder.account);
        give_back(&mut held.users, self.holder);
        drop(held);
        self.slots.0.freed.notify_waiters();
    }
}

fn give_back<K: std::hash::Hash + Eq>(counts: &mut HashMap<K, usize>, key: K) {
    match counts.get_mut(&key) {
        Some(count) if *count > 1 => *count -= 1,
        _ => {
            counts.remove(&key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holder(account: i64, user: i64) -> Holder {
        Holder { account, user }
    }

    #[test]
    fn a_user_and_an_account_leave_places_for_others() {
        let slots = Slots::new(Bounds { all: 4, account: 3, user: 2 });
        let (one, other) = (holder(1, 1), holder(1, 2));
        let mut held: Vec<_> = (0..2).map(|_| slots.try_take(one).unwrap()).collect();
        assert!(slots.try_take(one).is_none(), "two of a user");
        held.push(slots.try_take(other).unwrap());
        assert!(slots.try_take(other).is_none(), "three of an account");
        held.push(slots.try_take(holder(2, 3)).unwrap());
        assert!(slots.try_take(holder(3, 4)).is_none(), "four in all");
        drop(held);
        assert_eq!(slots.free(), 4);
        assert!(slots.held().users.is_empty() && slots.held().accounts.is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn waiting_for_a_place_is_bounded() {
        let slots = Slots::new(Bounds { all: 1, account: 1, user: 1 });
        let held = slots.try_take(holder(1, 1)).unwrap();
        let patience = Duration::from_secs(2);
        let refused = slots.take(holder(2, 2), patience, "Busy.").await.err().unwrap();
        assert_eq!((refused.message(), refused.retry_after()), ("Busy.", Some(5)));
        let waiting = tokio::spawn({
            let slots = slots.clone();
            async move { slots.take(holder(2, 2), patience, "Busy.").await.is_ok() }
        });
        tokio::task::yield_now().await;
        drop(held);
        assert!(waiting.await.unwrap());
    }
}
