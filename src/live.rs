//! Tells open pages what has changed, and keeps who is looking at what.
//!
//! Nothing here is stored: the tables are the truth, and a page that missed
//! something reads it from there. With several instances on one Postgres, each
//! tells the others through the database.

use crate::db::Db;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::broadcast::error::TryRecvError;
use tokio::sync::{broadcast, mpsc, watch};

/// How many events a slow page may fall behind before it is told to read anew.
const BACKLOG: usize = 512;
/// Who has not said so again for this long is no longer looking.
const PRESENT: Duration = Duration::from_secs(45);
/// How long after a failure other instances are told again.
const SEND_AGAIN: Duration = Duration::from_secs(1);
/// At so many places one user is at most; the one of longest ago is left.
const MOST_PLACES: usize = 20;

/// Whom an event is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Topic {
    /// The agents of an account.
    Account(i64),
    /// The visitor of a conversation, by its sequence number.
    Conversation(i64),
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// What kind, as pages know it.
    pub name: String,
    /// More about it, as JSON.
    pub data: String,
}

impl Event {
    /// An event of that name.
    pub fn new(name: &str, data: &Value) -> Self {
        Self { name: name.into(), data: data.to_string() }
    }

    /// Pages that may have missed something read anew.
    pub fn resync() -> Self {
        Self::new("resync", &json!({}))
    }

    /// Streams look again whether their user is still signed in. Never sent to a page.
    pub fn recheck() -> Self {
        Self::new(RECHECK, &json!({}))
    }

    /// Whether this is [`Event::recheck`].
    pub fn is_recheck(&self) -> bool {
        self.name == RECHECK
    }
}

const RECHECK: &str = "recheck";

/// What a user does at a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Doing {
    /// Looks at it.
    Looking,
    /// Has begun to write there.
    Editing,
    /// Has left.
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

/// What instances tell one another.
#[derive(Serialize, Deserialize)]
enum News {
    Event(Topic, Event),
    Presence(Presence),
    /// Something was lost on the way.
    Resync,
}

#[derive(Serialize, Deserialize)]
struct Letter {
    from: u64,
    news: News,
}

/// The hub of one running program.
pub struct Live {
    topics: Mutex<HashMap<Topic, broadcast::Sender<Event>>>,
    places: Mutex<HashMap<(i64, String), BTreeMap<i64, Seen>>>,
    stopping: watch::Sender<bool>,
    others: mpsc::UnboundedSender<String>,
    instance: u64,
}

impl Live {
    /// A hub that is connected to the other instances on the same database.
    pub fn start(db: &Db) -> Arc<Self> {
        let (others, letters) = mpsc::unbounded_channel();
        let live = Arc::new(Self {
            topics: Mutex::default(),
            places: Mutex::default(),
            stopping: watch::Sender::new(false),
            others,
            instance: fastrand::u64(..),
        });
        if db.has_other_instances() {
            let lost = Letter { from: live.instance, news: News::Resync };
            let lost = serde_json::to_string(&lost).unwrap_or_default();
            tokio::spawn(send_letters(db.clone(), letters, lost));
            let here = Arc::downgrade(&live);
            db.listen(move |letter| {
                let Some(here) = here.upgrade() else { return false };
                match letter {
                    Some(letter) => here.hear(&letter),
                    None => here.resync(),
                }
                true
            });
        }
        live
    }

    /// Tells everybody who has subscribed to the topic, on every instance.
    pub fn tell(&self, topic: Topic, event: Event) {
        self.tell_here(topic, event.clone());
        self.tell_others(News::Event(topic, event));
    }

    /// Subscribes: every event from now on, until it is dropped.
    ///
    /// It waits a little less long than others for its next sign of life, so that
    /// after a quiet moment not all look up their session at once.
    pub fn subscribe(self: &Arc<Self>, topic: Topic) -> Subscription {
        let capacity = match topic {
            Topic::Account(_) => BACKLOG,
            // Its events only wake a reader of the table.
            Topic::Conversation(_) => 4,
        };
        let mut topics = lock(&self.topics);
        let events = topics.entry(topic).or_insert_with(|| broadcast::Sender::new(capacity)).subscribe();
        let patience = KEEP_ALIVE_EVERY.mul_f64(0.7 + 0.3 * fastrand::f64());
        let stopping = self.stopping.subscribe();
        Subscription { events: Some(events), stopping, topic, patience, live: self.clone() }
    }

    /// How many subscribe to a topic here.
    pub fn subscribers(&self, topic: Topic) -> usize {
        lock(&self.topics).get(&topic).map_or(0, broadcast::Sender::receiver_count)
    }

    /// Ends all subscriptions: the program is about to stop.
    pub fn stop(&self) {
        self.stopping.send_replace(true);
    }

    /// Notes what a user does at a place, tells the others where that is new,
    /// and returns who is there.
    pub fn note(&self, presence: Presence) -> Value {
        let people = self.note_here(&presence);
        self.tell_others(News::Presence(presence));
        people
    }

    fn note_here(&self, presence: &Presence) -> Value {
        let Presence { account_id, place, user_id, name, doing } = presence.clone();
        let mut places = lock(&self.places);
        places.retain(|_, people| {
            people.retain(|_, seen| seen.at.elapsed() < PRESENT);
            !people.is_empty()
        });
        leave_oldest(&mut places, account_id, user_id, &place);
        let people = places.entry((account_id, place.clone())).or_default();
        let before = people.get(&user_id).map(|seen| seen.doing);
        if doing == Doing::Gone {
            people.remove(&user_id);
        } else {
            people.insert(user_id, Seen { name, doing, at: Instant::now() });
        }
        let is_new = before != Some(doing).filter(|doing| *doing != Doing::Gone);
        let list: Value = people
            .iter()
            .map(|(id, seen)| json!({ "id": id, "name": seen.name, "editing": seen.doing == Doing::Editing }))
            .collect();
        drop(places);
        if is_new {
            let data = json!({ "place": place, "people": list });
            self.tell_here(Topic::Account(account_id), Event::new("presence", &data));
        }
        list
    }

    fn tell_here(&self, topic: Topic, event: Event) {
        if let Some(events) = lock(&self.topics).get(&topic) {
            // Nobody may be listening by now.
            let _ = events.send(event);
        }
    }

    fn tell_others(&self, news: News) {
        let letter = Letter { from: self.instance, news };
        if let Ok(letter) = serde_json::to_string(&letter) {
            // Without other instances nobody reads them.
            let _ = self.others.send(letter);
        }
    }

    fn hear(&self, letter: &str) {
        match serde_json::from_str(letter) {
            Ok(Letter { from, .. }) if from == self.instance => {}
            Ok(Letter { news: News::Event(topic, event), .. }) => self.tell_here(topic, event),
            Ok(Letter { news: News::Presence(presence), .. }) => {
                self.note_here(&presence);
            }
            Ok(Letter { news: News::Resync, .. }) => self.resync(),
            Err(error) => tracing::warn!(%error, "news of another instance could not be read"),
        }
    }

    /// News of other instances may have been missed.
    fn resync(&self) {
        for events in lock(&self.topics).values() {
            let _ = events.send(Event::resync());
        }
    }
}

/// Sends what is to be sent. Where that fails, the others are told in the end
/// that something was `lost`.
async fn send_letters(db: Db, mut letters: mpsc::UnboundedReceiver<String>, lost: String) {
    while let Some(mut letter) = letters.recv().await {
        while let Err(error) = db.announce(letter).await {
            tracing::warn!(%error, "other instances were not told");
            letter = lost.clone();
            tokio::time::sleep(SEND_AGAIN).await;
            // They read everything anew, so what waits is told with it.
            while letters.try_recv().is_ok() {}
        }
    }
}

/// Makes room for one more place of a user.
fn leave_oldest(places: &mut HashMap<(i64, String), BTreeMap<i64, Seen>>, account_id: i64, user_id: i64, next: &str) {
    let theirs = places.iter().filter(|((account, place), _)| *account == account_id && place != next);
    let mut seen: Vec<(Instant, String)> =
        theirs.filter_map(|((_, place), people)| Some((people.get(&user_id)?.at, place.clone()))).collect();
    if seen.len() < MOST_PLACES {
        return;
    }
    seen.sort_unstable();
    for (_, place) in seen.drain(..=seen.len() - MOST_PLACES) {
        if let Some(people) = places.get_mut(&(account_id, place)) {
            people.remove(&user_id);
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What it guards is whole between any two calls, even after a panic elsewhere.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The events of one topic, from the moment of subscribing on.
pub struct Subscription {
    events: Option<broadcast::Receiver<Event>>,
    stopping: watch::Receiver<bool>,
    topic: Topic,
    /// After this long without an event a stream gives a sign of life.
    pub patience: Duration,
    live: Arc<Live>,
}

/// What came of waiting.
#[derive(Debug, PartialEq, Eq)]
pub enum Waited {
    /// These happened, in their order.
    Events(Vec<Event>),
    /// Nothing, for as long as its patience lasts.
    Quiet,
    /// The program is about to stop.
    Stopping,
}

impl Subscription {
    /// Waits for the next events, and takes those that are there already with them.
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
                // It was too slow for all of them.
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

/// An event as a stream of server-sent events writes it (HTML standard, 9.2).
pub fn frame(name: &str, id: Option<i64>, data: &str) -> String {
    let id = id.map(|id| format!("id: {id}\n")).unwrap_or_default();
    format!("event: {name}\n{id}data: {data}\n\n")
}

/// What keeps a quiet stream alive through proxies.
pub const KEEP_ALIVE: &str = ": \n\n";
/// It is sent at least this often.
const KEEP_ALIVE_EVERY: Duration = Duration::from_secs(15);
