//! The history of a ticket in sentences.

use crate::events::event::{Event, Kind};
use crate::tickets::status::Status;
use crate::web::when::When;
use chrono::NaiveDateTime;
use chrono_tz::Tz;

/// Actor and `what` make a sentence.
pub struct EventLine {
    pub actor: String,
    pub what: String,
    pub at: When,
}

pub fn event_line(event: Event, zone: Tz, now: NaiveDateTime) -> EventLine {
    let (actor, old, new) = (event.text.actor, event.text.old.as_str(), event.text.new.as_str());
    let status = |key| event.data.word::<Status>(key).map_or("", Status::label);
    let what = match (event.kind, old, new) {
        (Kind::TicketCreated, ..) => "created the ticket".into(),
        (Kind::TicketTitleChanged, ..) => format!("changed the title from “{old}” to “{new}”"),
        (Kind::TicketRequesterChanged, ..) => {
            format!("changed the requester from {} to {}", requester(old), requester(new))
        }
        (Kind::TicketStatusChanged, ..) => {
            format!("changed the status from “{}” to “{}”", status("from"), status("to"))
        }
        (Kind::TicketAssigned, "", _) => assigned(&actor, new),
        (Kind::TicketAssigned, _, "") => format!("unassigned {old}"),
        (Kind::TicketAssigned, ..) => format!("reassigned the ticket from {old} to {new}"),
        (Kind::TicketTagAdded, ..) => format!("added the tag {new}"),
        (Kind::TicketTagRemoved, ..) => format!("removed the tag {old}"),
        (Kind::TicketTagReplaced, ..) => format!("replaced the tag {old} with {new}"),
        (Kind::TicketNotesChanged, ..) => {
            format!("changed the notes (version {})", event.data.number("version").unwrap_or_default())
        }
        (Kind::AttachmentAdded, ..) => format!("attached {new}"),
        (Kind::AttachmentRemoved, ..) => format!("removed the file {old}"),
        (Kind::AttachmentRestored, ..) => format!("restored the file {new}"),
        (Kind::AttachmentRenamed, ..) => format!("renamed the file {old} to {new}"),
        (Kind::TicketDeleted, ..) => "moved the ticket to the trash".into(),
        (Kind::TicketRestored, ..) => "restored the ticket from the trash".into(),
        (Kind::TicketVisitorReturned, ..) => "wrote again and reopened the conversation".into(),
        // No other kind stands in the history of a ticket.
        (kind, ..) => kind.as_str().into(),
    };
    let what = if event.data.number("undoes").is_some() { format!("{what} (undo)") } else { what };
    EventLine { actor, what, at: When::new(event.at, zone).since(now) }
}

/// A requester as people read it.
fn requester(mailbox: &str) -> &str {
    let text = mailbox.trim().trim_end_matches("<>").trim_end();
    if text.is_empty() { "nobody" } else { text }
}

/// Describes an assignment. Users can assign tickets to themselves.
fn assigned(actor: &str, assignee: &str) -> String {
    if actor == assignee { "took the ticket".into() } else { format!("assigned the ticket to {assignee}") }
}
