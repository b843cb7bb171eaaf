//! One memory budget for everything that is held in full: request bodies being read, and
//! pages being sent.
//!
//! Part of it is reserved for signed-in users, and no network gets more than a tenth, so
//! that clients who are not signed in cannot block others.

use crate::error::{Error, Result};
use crate::values::network::Network;
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The whole budget, in bytes. A tenth fits the API's largest body and its parsed
/// content.
const ALL: usize = 128 * 1024 * 1024;
/// Limit for all clients that are not signed in.
const STRANGERS: usize = ALL / 4 * 3;
/// Limit for one network.
const NETWORK: usize = ALL / 10;

#[derive(Default)]
struct Used {
    all: usize,
    strangers: usize,
    networks: HashMap<Network, usize>,
}

/// The budget of one running program. Cheap to clone.
#[derive(Clone, Default)]
pub struct Budget(Arc<Mutex<Used>>);

impl Budget {
    /// Creates an empty share for a request from a network.
    pub fn share(&self, network: Network) -> Share {
        Share(Arc::new(Inner {
            budget: self.clone(),
            network,
            bytes: AtomicUsize::new(0),
            is_signed_in: AtomicBool::new(false),
        }))
    }

    fn used(&self) -> MutexGuard<'_, Used> {
        // The sums are correct between any two calls, even after a panic elsewhere.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Inner {
    budget: Budget,
    network: Network,
    bytes: AtomicUsize,
    is_signed_in: AtomicBool,
}

/// The memory held by one request; returned with its last clone.
#[derive(Clone)]
pub struct Share(Arc<Inner>);

impl Share {
    /// Marks the request as sent by a signed-in user or with an API key.
    pub fn sign_in(&self) {
        if self.0.is_signed_in.swap(true, Ordering::Relaxed) {
            return;
        }
        self.0.budget.used().strangers -= self.0.bytes.load(Ordering::Relaxed);
    }

    /// Takes more bytes.
    ///
    /// # Errors
    /// *Unavailable* when that exceeds the limit of the budget, of strangers or of the
    /// network.
    pub fn take(&self, bytes: usize) -> Result<()> {
        let is_stranger = !self.0.is_signed_in.load(Ordering::Relaxed);
        let mut used = self.0.budget.used();
        let of_network = used.networks.get(&self.0.network).copied().unwrap_or(0);
        let fits = used.all + bytes <= ALL
            && of_network + bytes <= NETWORK
            && (!is_stranger || used.strangers + bytes <= STRANGERS);
        if !fits {
            return Err(Error::busy("The server is busy. Try again in a moment.", 5));
        }
        used.all += bytes;
        used.strangers += if is_stranger { bytes } else { 0 };
        used.networks.insert(self.0.network, of_network + bytes);
        self.0.bytes.fetch_add(bytes, Ordering::Relaxed);
        Ok(())
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        let bytes = *self.bytes.get_mut();
        if bytes == 0 {
            return;
        }
        let is_stranger = !*self.is_signed_in.get_mut();
        let mut used = self.budget.used();
        used.all -= bytes;
        used.strangers -= if is_stranger { bytes } else { 0 };
        match used.networks.get_mut(&self.network) {
            Some(of_network) if *of_network > bytes => *of_network -= bytes,
            _ => {
                used.networks.remove(&self.network);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(last: u8) -> Network {
        Network::of([192, 0, 2, last].into())
    }

    #[test]
    fn no_network_holds_more_than_a_tenth() {
        let budget = Budget::default();
        let share = budget.share(network(1));
        share.take(NETWORK).unwrap();
        assert!(share.take(1).is_err());
        assert!(budget.share(network(1)).take(1).is_err());
        assert!(budget.share(network(2)).take(1).is_ok());
        drop(share);
        assert!(budget.share(network(1)).take(NETWORK).is_ok());
    }

    #[test]
    fn a_part_is_for_signed_in_users_and_all_comes_back() {
        let budget = Budget::default();
        let strangers: Vec<Share> = (0..10).map(|last| budget.share(network(last))).collect();
        let taken = strangers.iter().filter(|share| share.take(NETWORK).is_ok()).count();
        assert_eq!(taken, 7);
        let colleague = budget.share(network(100));
        colleague.sign_in();
        colleague.take(NETWORK).unwrap();
        // Signing in later frees a stranger's place.
        strangers[0].sign_in();
        assert!(budget.share(network(101)).take(NETWORK).is_ok());
        drop((strangers, colleague));
        let used = budget.used();
        assert_eq!((used.all, used.strangers, used.networks.len()), (0, 0, 0));
    }
}
