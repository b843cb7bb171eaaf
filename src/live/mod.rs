//! Tells open pages what has changed, and tracks who is viewing what.
//!
//! Nothing here is stored. The tables are the source of truth, and a page that missed
//! something reads it from there. Several instances on one Postgres notify each other
//! through the database.

pub mod event;
pub mod presence;
mod reader;
pub mod subscription;

use crate::db::Db;
use event::{Event, Topic};
use presence::{Places, Presence};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use subscription::Subscription;
use tokio::sync::{Notify, broadcast, mpsc, watch};

/// How many events a slow page may fall behind before it must load its data again.
const BACKLOG: usize = 512;
/// How long after a failure other instances are notified again.
const SEND_AGAIN: Duration = Duration::from_secs(1);
/// A quiet stream sends a keep-alive at least this often, so that proxies keep it open.
const SIGN_OF_LIFE: Duration = Duration::from_secs(15);

/// Messages between instances.
#[derive(Serialize, Deserialize)]
enum Broadcast {
    Event(Topic, Event),
    /// Events are recorded and have their numbers.
    Recorded,
    Presence(Presence),
    /// Messages were lost.
    Resync,
}

#[derive(Serialize, Deserialize)]
struct Envelope {
    from: u64,
    content: Broadcast,
}

/// The hub of one running program.
pub struct Live {
    topics: Mutex<HashMap<Topic, broadcast::Sender<Event>>>,
    places: Mutex<Places>,
    stopping: watch::Sender<bool>,
    others: mpsc::UnboundedSender<String>,
    instance: u64,
    /// Wakes the reader of events.
    woken: Arc<Notify>,
    /// The number of the last event that it has read.
    seq: AtomicI64,
}

impl Live {
    /// Creates a hub that publishes every event after `newest`, and is connected to the other
    /// instances on the same database.
    pub fn start(db: &Db, newest: i64) -> Arc<Self> {
        let (others, envelopes) = mpsc::unbounded_channel();
        let live = Arc::new(Self {
            topics: Mutex::default(),
            places: Mutex::default(),
            stopping: watch::Sender::new(false),
            others,
            instance: fastrand::u64(..),
            woken: db.written(),
            seq: AtomicI64::new(newest),
        });
        tokio::spawn(reader::run(db.clone(), Arc::downgrade(&live), newest));
        if db.has_other_instances() {
            let lost = Envelope { from: live.instance, content: Broadcast::Resync };
            let lost = serde_json::to_string(&lost).unwrap_or_default();
            tokio::spawn(send_envelopes(db.clone(), envelopes, lost));
            let (hub, here) = (Arc::downgrade(&live), Arc::downgrade(&live));
            let is_there = move || hub.strong_count() > 0;
            db.listen(is_there, move |envelope| match (here.upgrade(), envelope) {
                (Some(here), Some(envelope)) => here.receive(&envelope),
                (Some(here), None) => here.resync(),
                (None, _) => {}
            });
        }
        live
    }

    /// The number of an event of the log. What happened up to it is in the tables, and who has
    /// subscribed learns of what happens after it.
    pub fn seq(&self) -> i64 {
        self.seq.load(Ordering::SeqCst)
    }

    /// Sends an event to all subscribers of the topic, on every instance.
    pub fn publish(&self, topic: Topic, event: Event) {
        self.publish_here(topic, event.clone());
        self.send_to_others(Broadcast::Event(topic, event));
    }

    /// Subscribes to all events from now on, until the subscription is dropped.
    ///
    /// The time to its next keep-alive is shortened at random, so that after a quiet
    /// period not all streams look up their session at once.
    pub fn subscribe(self: &Arc<Self>, topic: Topic) -> Subscription {
        let capacity = match topic {
            Topic::Account(_) => BACKLOG,
            // Its events only wake a reader of the table.
            Topic::Conversation(_) => 4,
        };
        let mut topics = lock(&self.topics);
        let events = topics.entry(topic).or_insert_with(|| broadcast::Sender::new(capacity)).subscribe();
        let patience = SIGN_OF_LIFE.mul_f64(0.7 + 0.3 * fastrand::f64());
        let stopping = self.stopping.subscribe();
        Subscription { events: Some(events), stopping, topic, patience, live: self.clone() }
    }

    /// Counts the subscribers of a topic on this instance.
    pub fn subscribers(&self, topic: Topic) -> usize {
        lock(&self.topics).get(&topic).map_or(0, broadcast::Sender::receiver_count)
    }

    /// Ends all subscriptions: the program is about to stop.
    pub fn stop(&self) {
        self.stopping.send_replace(true);
    }

    /// Records what a user does at a place, tells other instances, and returns who is
    /// there.
    pub fn note(&self, presence: Presence) -> Value {
        let people = self.note_here(&presence);
        self.send_to_others(Broadcast::Presence(presence));
        people
    }

    fn note_here(&self, presence: &Presence) -> Value {
        let (people, is_new) = lock(&self.places).note(presence);
        if is_new {
            let data = json!({ "place": presence.place, "people": people });
            self.publish_here(Topic::Account(presence.account_id), Event::new("presence", &data));
        }
        people
    }

    fn publish_here(&self, topic: Topic, event: Event) {
        if let Some(events) = lock(&self.topics).get(&topic) {
            // The last subscriber may be gone by now.
            let _ = events.send(event);
        }
    }

    fn send_to_others(&self, content: Broadcast) {
        let envelope = Envelope { from: self.instance, content };
        if let Ok(envelope) = serde_json::to_string(&envelope) {
            // Without other instances nothing receives it.
            let _ = self.others.send(envelope);
        }
    }

    fn receive(&self, envelope: &str) {
        match serde_json::from_str(envelope) {
            Ok(Envelope { from, .. }) if from == self.instance => {}
            Ok(Envelope { content: Broadcast::Event(topic, event), .. }) => self.publish_here(topic, event),
            Ok(Envelope { content: Broadcast::Recorded, .. }) => self.woken.notify_one(),
            Ok(Envelope { content: Broadcast::Presence(presence), .. }) => {
                self.note_here(&presence);
            }
            Ok(Envelope { content: Broadcast::Resync, .. }) => self.resync(),
            Err(error) => tracing::warn!(%error, "a message of another instance could not be parsed"),
        }
    }

    /// Makes all pages load their data again, because messages from other instances may
    /// be lost.
    fn resync(&self) {
        for events in lock(&self.topics).values() {
            let _ = events.send(Event::resync());
        }
    }
}

/// Sends messages to other instances. After a failure it sends `lost` instead, until that
/// succeeds.
async fn send_envelopes(db: Db, mut envelopes: mpsc::UnboundedReceiver<String>, lost: String) {
    while let Some(mut envelope) = envelopes.recv().await {
        while let Err(error) = db.announce(envelope).await {
            tracing::warn!(cause = error.cause(), "notifying other instances failed");
            envelope = lost.clone();
            tokio::time::sleep(SEND_AGAIN).await;
            // `lost` makes them load everything again, so it replaces the queued
            // messages.
            while envelopes.try_recv().is_ok() {}
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // The data is consistent between any two calls, even after a panic elsewhere.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
