//! Waiting for the events of one topic.

use crate::live::event::{Event, Topic};
use crate::live::{Live, lock};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::broadcast::error::TryRecvError;
use tokio::sync::{broadcast, watch};

/// The events of one topic, from the moment of subscribing on.
pub struct Subscription {
    pub(super) events: Option<broadcast::Receiver<Event>>,
    pub(super) stopping: watch::Receiver<bool>,
    pub(super) topic: Topic,
    /// After this long without an event, a stream sends a keep-alive.
    pub patience: Duration,
    pub(super) live: Arc<Live>,
}

/// The result of waiting.
#[derive(Debug, PartialEq, Eq)]
pub enum Waited {
    /// New events, in order.
    Events(Vec<Event>),
    /// No event within [`Subscription::patience`].
    Quiet,
    /// The program is about to stop.
    Stopping,
}

impl Subscription {
    /// Waits for the next event and returns it with all others that are ready.
    pub async fn next(&mut self) -> Waited {
        let Some(events) = &mut self.events else { return Waited::Stopping };
        tokio::select! {
            biased;
            _ = self.stopping.wait_for(|stopping| *stopping) => Waited::Stopping,
            first = events.recv() => match first {
                Ok(first) => {
                    let mut all = vec![first];
                    loop {
                        match events.try_recv() {
                            Ok(next) => all.push(next),
                            Err(TryRecvError::Lagged(_)) => all.push(Event::resync()),
                            Err(_) => break,
                        }
                    }
                    Waited::Events(all)
                }
                // The subscriber was too slow and lost events.
                Err(_) => Waited::Events(vec![Event::resync()]),
            },
            () = tokio::time::sleep(self.patience) => Waited::Quiet,
        }
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.events = None;
        let mut topics = lock(&self.live.topics);
        if topics.get(&self.topic).is_some_and(|events| events.receiver_count() == 0) {
            topics.remove(&self.topic);
        }
    }
}
