//! The history of a ticket in sentences.

use crate::tickets::history::{Event, Kind};
use crate::web::when::When;
use chrono_tz::Tz;

/// Actor and `what` make a sentence.
pub struct EventLine {
    pub actor: String,
    pub what: String,
    pub at: When,
}

pub fn event_line(event: Event, zone: Tz) -> EventLine {
    let (old, new) = (event.old_value.as_str(), event.new_value.as_str());
    let what = match (event.kind, old, new) {
        (Kind::Created, ..) => "created the ticket".into(),
        (Kind::Title, ..) => format!("changed the title from “{old}” to “{new}”"),
        (Kind::Status, ..) => format!("changed the status from “{old}” to “{new}”"),
        (Kind::Assignee, "", _) => assigned(&event.actor_name, new),
        (Kind::Assignee, _, "") => format!("unassigned {old}"),
        (Kind::Assignee, ..) => format!("reassigned the ticket from {old} to {new}"),
        (Kind::Tag, "", _) => format!("added the tag {new}"),
        (Kind::Tag, ..) => format!("removed the tag {old}"),
        (Kind::Notes, ..) => format!("changed the notes (version {new})"),
        (Kind::File, "", _) => format!("attached {new}"),
        (Kind::File, _, "") => format!("removed the file {old}"),
        (Kind::File, ..) => format!("renamed the file {old} to {new}"),
        (Kind::Deleted, ..) => "moved the ticket to the trash".into(),
        (Kind::Restored, ..) => "restored the ticket from the trash".into(),
        (Kind::Returned, ..) => "wrote again and reopened the conversation".into(),
    };
    EventLine { actor: event.actor_name, what, at: When::new(event.created_at, zone) }
}

/// Describes an assignment. Users can assign tickets to themselves.
fn assigned(actor: &str, assignee: &str) -> String {
    if actor == assignee { "took the ticket".into() } else { format!("assigned the ticket to {assignee}") }
}
