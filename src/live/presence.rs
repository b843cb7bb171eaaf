//! Who is viewing what.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant};

/// A user who does not report again within this time is no longer there.
const PRESENT: Duration = Duration::from_secs(45);
/// Maximum number of places per user; a new place replaces the oldest.
const MOST_PLACES: usize = 20;

/// What a user does at a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Doing {
    Looking,
    /// Has started to write there.
    Editing,
    Gone,
}

/// A user at a place of an account, such as `/tickets/12`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Presence {
    pub account_id: i64,
    pub place: String,
    pub user_id: i64,
    pub name: String,
    pub doing: Doing,
}

struct Seen {
    name: String,
    doing: Doing,
    at: Instant,
}

/// All places with somebody present.
#[derive(Default)]
pub(super) struct Places(HashMap<(i64, String), BTreeMap<i64, Seen>>);

impl Places {
    /// Records what a user does at a place. Returns who is there, and whether that has
    /// changed.
    pub(super) fn note(&mut self, presence: &Presence) -> (Value, bool) {
        let Presence { account_id, place, user_id, name, doing } = presence.clone();
        self.0.retain(|_, people| {
            people.retain(|_, seen| seen.at.elapsed() < PRESENT);
            !people.is_empty()
        });
        self.leave_oldest(account_id, user_id, &place);
        let people = self.0.entry((account_id, place)).or_default();
        let before = people.get(&user_id).map(|seen| seen.doing);
        if doing == Doing::Gone {
            people.remove(&user_id);
        } else {
            people.insert(user_id, Seen { name, doing, at: Instant::now() });
        }
        let is_new = before != Some(doing).filter(|doing| *doing != Doing::Gone);
        let list = people
            .iter()
            .map(|(id, seen)| json!({ "id": id, "name": seen.name, "editing": seen.doing == Doing::Editing }))
            .collect();
        (list, is_new)
    }

    /// Makes room for one more place of a user.
    fn leave_oldest(&mut self, account_id: i64, user_id: i64, next: &str) {
        let theirs = self.0.iter().filter(|((account, place), _)| *account == account_id && place != next);
        let mut seen: Vec<(Instant, String)> =
            theirs.filter_map(|((_, place), people)| Some((people.get(&user_id)?.at, place.clone()))).collect();
        if seen.len() < MOST_PLACES {
            return;
        }
        seen.sort_unstable();
        for (_, place) in seen.drain(..=seen.len() - MOST_PLACES) {
            if let Some(people) = self.0.get_mut(&(account_id, place)) {
                people.remove(&user_id);
            }
        }
    }
}
