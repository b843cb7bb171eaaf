//! Passes what happened on to open pages: reads events in their order and publishes them.

use crate::db::Db;
use crate::events::event::{Event, Kind};
use crate::events::feed;
use crate::events::feed::Batch;
use crate::live::event::{Event as PageEvent, Topic};
use crate::live::{Broadcast, Live};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::Weak;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::time::{sleep, timeout};

/// Events of one read. A burst takes several.
const BATCH: i64 = 500;
/// After a read, changes gather this long before the next one.
const PAUSE: Duration = Duration::from_millis(200);
/// More events of one account in one read are a burst: its pages load their data again,
/// instead of learning of each.
const BURST: usize = 20;
/// Reads without a wake-up at least this often: commands of the operator and instances
/// that stopped after a commit wake nobody.
const POLL: Duration = Duration::from_secs(5);

/// Publishes every event after `seq`, until the hub is gone.
pub(super) async fn run(db: Db, hub: Weak<Live>, mut seq: i64) {
    while let Some(live) = hub.upgrade() {
        let mut has_more = false;
        match db.scan(move |conn| feed::after(conn, seq, BATCH)).await {
            Ok(Batch { events, numbering }) => {
                if let Some(last) = events.last() {
                    seq = last.seq.unwrap_or(seq);
                    // Before publishing: who subscribes in between learns of some events twice.
                    live.seq.store(seq, Ordering::SeqCst);
                    publish(&live, &events);
                }
                // The instance that numbers events tells the others, and nobody repeats it.
                if numbering.has_numbered {
                    live.send_to_others(Broadcast::Recorded);
                }
                // Another read finds out whether there are more.
                has_more = !events.is_empty() || numbering.is_behind;
            }
            Err(error) => tracing::warn!(cause = error.cause(), "open pages could not be updated; retrying"),
        }
        let woken = live.woken.clone();
        drop(live);
        sleep(PAUSE).await;
        if !has_more {
            let _ = timeout(POLL, woken.notified()).await;
        }
    }
}

fn publish(live: &Live, events: &[Event]) {
    let mut counts: HashMap<i64, usize> = HashMap::new();
    let mut messages: HashMap<&str, usize> = HashMap::new();
    for event in events {
        *counts.entry(event.account_id).or_default() += 1;
        if event.kind == Kind::ConversationMessageAdded {
            *messages.entry(&event.subject).or_default() += 1;
        }
    }
    let is_burst = |account_id: i64| counts.get(&account_id).is_some_and(|count| *count > BURST);
    for account_id in counts.keys().filter(|account_id| is_burst(**account_id)) {
        live.publish_here(Topic::Account(*account_id), PageEvent::burst());
    }
    for event in events {
        let is_one_of_many = messages.get(event.subject.as_str()).is_some_and(|count| *count > 1);
        for page_event in page_events(event, is_one_of_many) {
            if page_event.is_recheck() || !is_burst(event.account_id) {
                live.publish_here(Topic::Account(event.account_id), page_event);
            }
        }
        if let Some(row) = event.data.number("row") {
            // The visitor's stream reads the conversation again.
            live.publish_here(Topic::Conversation(row), PageEvent::resync());
        }
    }
}

/// What pages of the desk learn of an event. Of an imported history, they do not learn
/// each message.
fn page_events(event: &Event, is_one_of_many: bool) -> Vec<PageEvent> {
    let (subject, text) = (&event.subject, &event.text);
    match event.kind {
        Kind::ConversationMessageAdded if !is_one_of_many => {
            let data = json!({
                "conversation": subject,
                "position": event.data.0["position"],
                "from": event.data.0["from"],
                "visitor": text.about,
                "preview": text.new,
            });
            vec![PageEvent::new("message", &data)]
        }
        Kind::SubmissionCreated if event.data.0["spam"] == Value::Bool(false) => {
            let data = json!({ "submission": subject, "visitor": text.about, "preview": text.new });
            vec![PageEvent::new("submission", &data)]
        }
        Kind::TicketAssigned if event.data.number("to").is_some() => {
            let data = json!({
                "to": event.data.0["to"], "by": text.actor, "number": event.ticket_number(), "title": text.about,
            });
            vec![PageEvent::new("assigned", &data), ticket_event(event)]
        }
        // Sessions have ended.
        Kind::UserDisabled | Kind::UserPasswordChanged | Kind::UserSignedOut | Kind::UserSessionsEnded => {
            vec![PageEvent::recheck()]
        }
        kind => match kind.subject() {
            "conversation" => vec![PageEvent::new("conversation", &json!({ "conversation": subject }))],
            "submission" => vec![PageEvent::new("submission", &json!({ "submission": subject }))],
            "ticket" | "attachment" => vec![ticket_event(event)],
            _ => Vec::new(),
        },
    }
}

fn ticket_event(event: &Event) -> PageEvent {
    let (by, user) = (&event.text.actor, event.user_id());
    let data = json!({ "number": event.ticket_number(), "kind": event.kind, "by": by, "user": user });
    PageEvent::new("ticket", &data)
}
