//! Live events about tickets for open pages.

use crate::accounts::actor::Actor;
use crate::live::Live;
use crate::live::event::{Event, Topic};
use crate::tickets::ticket::Ticket;
use serde_json::json;

/// Notifies open pages that a ticket was assigned. `before` is the ticket before the change.
pub fn assigned(live: &Live, by: &Actor, before: &Ticket, to: Option<i64>) {
    if to.is_none() || to == before.assignee_id {
        return;
    }
    let data = json!({ "to": to, "by": by.name, "number": before.number, "title": before.title });
    live.publish(Topic::Account(by.account_id), Event::new("assigned", &data));
}
