//! A file on a ticket: its row, and functions that find and change rows.

use crate::attachments::key::{key, thumbnail_key};
use crate::clock::TRASH;
use crate::db::Connection;
use crate::db::schema::attachments;
use crate::error::{Error, Result};
use crate::events::actor::Actor;
use crate::events::event::Kind as EventKind;
use crate::events::record::{NewEvent, record};
use crate::source_files::file::State;
use crate::tickets::{change, ticket};
use crate::validation::kind::Kind;
use crate::validation::new_name;
use crate::validation::thumbnail::THUMBNAILS;
use chrono::NaiveDateTime;
use diesel::prelude::*;
use serde_json::json;
use std::collections::HashMap;

#[derive(Clone, Debug, Insertable, Queryable)]
#[diesel(table_name = attachments)]
pub struct Attachment {
    pub id: String,
    pub account_id: i64,
    pub ticket_id: i64,
    pub state: State,
    pub filename: String,
    pub kind: Kind,
    pub size: i64,
    pub sha256: String,
    pub stamp: i64,
    pub thumbnail: Option<String>,
    pub uploaded_by: String,
    pub created_at: NaiveDateTime,
    pub deleted_at: Option<NaiveDateTime>,
}

impl Attachment {
    /// The storage key of the content.
    pub fn key(&self) -> String {
        key(self.account_id, self.stamp, self.kind)
    }

    /// The storage key of the thumbnail, if there is one.
    pub fn thumbnail_key(&self) -> Option<String> {
        self.thumbnail.as_ref().map(|extension| thumbnail_key(self.account_id, self.stamp, extension))
    }

    /// An event of this file, in the history of its ticket.
    pub fn event(&self, kind: EventKind, ticket_number: i64) -> NewEvent<'static> {
        NewEvent::new(kind, &self.id).in_history_of(self.ticket_id).data(json!({ "ticket": ticket_number }))
    }

    /// All storage keys that the file may use. Until it is ready, the type of its thumbnail
    /// is unknown.
    pub fn keys(&self) -> Vec<String> {
        let possible: &[&str] = match &self.thumbnail {
            Some(extension) => &[extension.as_str()],
            None if self.state == State::Ready => &[],
            None => &THUMBNAILS,
        };
        let thumbnails = possible.iter().map(|extension| thumbnail_key(self.account_id, self.stamp, extension));
        std::iter::once(self.key()).chain(thumbnails).collect()
    }
}

/// Formats a number of bytes for people: `12 KB`, `1.4 MB`.
pub fn readable_size(bytes: i64) -> String {
    match bytes {
        0..1024 => format!("{bytes} bytes"),
        1024..1_048_576 => format!("{} KB", bytes.div_euclid(1024)),
        _ => format!("{}.{} MB", bytes / 1_048_576, bytes % 1_048_576 * 10 / 1_048_576),
    }
}

/// Maximum files per ticket, including removed ones until they are permanently deleted.
pub const FILES_OF_A_TICKET: i64 = 500;

/// The files of a ticket, oldest first.
pub fn of_ticket(conn: &mut Connection, ticket_id: i64) -> Result<Vec<Attachment>> {
    Ok(of_tickets(conn, &[ticket_id])?.remove(&ticket_id).unwrap_or_default())
}

/// The files of a ticket and those removed after `since`, oldest first.
pub fn of_ticket_and_removed(
    conn: &mut Connection,
    ticket_id: i64,
    since: NaiveDateTime,
) -> Result<(Vec<Attachment>, Vec<Attachment>)> {
    let rows: Vec<Attachment> = attachments::table
        .filter(attachments::ticket_id.eq(ticket_id))
        .filter(attachments::state.eq(State::Ready))
        .filter(attachments::deleted_at.is_null().or(attachments::deleted_at.gt(since)))
        .order(attachments::stamp)
        .load(conn)?;
    Ok(rows.into_iter().partition(|row| row.deleted_at.is_none()))
}

/// The files of several tickets, by ticket id, loaded in one query.
pub fn of_tickets(conn: &mut Connection, ticket_ids: &[i64]) -> Result<HashMap<i64, Vec<Attachment>>> {
    let rows: Vec<Attachment> = attachments::table
        .filter(attachments::ticket_id.eq_any(ticket_ids))
        .filter(attachments::state.eq(State::Ready))
        .filter(attachments::deleted_at.is_null())
        .order(attachments::stamp)
        .load(conn)?;
    let mut by_ticket: HashMap<i64, Vec<Attachment>> = HashMap::new();
    for row in rows {
        by_ticket.entry(row.ticket_id).or_default().push(row);
    }
    Ok(by_ticket)
}

/// A file of a ticket of the account; the ticket may be in the trash.
///
/// # Errors
/// *Not found*, also for deleted files and files of other accounts.
pub fn find(conn: &mut Connection, account_id: i64, number: i64, id: &str) -> Result<Attachment> {
    let ticket = ticket::find_anywhere(conn, account_id, number)?;
    Ok(attachments::table
        .filter(attachments::ticket_id.eq(ticket.id))
        .filter(attachments::id.eq(id))
        .filter(attachments::state.eq(State::Ready))
        .filter(attachments::deleted_at.is_null())
        .first(conn)?)
}

/// Renames a file without changing its type, and returns the new name.
///
/// # Errors
/// *Not found* when the ticket or file is deleted or in another account; *invalid* when
/// the name is not valid.
pub fn rename(
    conn: &mut Connection,
    actor: &Actor,
    number: i64,
    id: &str,
    typed: &str,
    now: NaiveDateTime,
) -> Result<String> {
    let ticket = ticket::lock(conn, actor.account_id, number)?;
    let old = find(conn, actor.account_id, number, id)?;
    let name = new_name(old.kind, typed).map_err(|rejection| Error::invalid(rejection.message))?;
    if name != old.filename {
        diesel::update(attachments::table.find(id)).set(attachments::filename.eq(&name)).execute(conn)?;
        let event = old.event(EventKind::AttachmentRenamed, number).text(&old.filename, &name);
        record(conn, actor, event, now)?;
        change::touch(conn, &ticket, now)?;
    }
    Ok(name)
}

/// The result of removing or restoring a file.
pub struct Removal {
    pub filename: String,
    /// The id of the event, if anything has changed.
    pub event: Option<i64>,
}

/// Removes a file from its ticket, or restores it (`deleted` false).
///
/// # Errors
/// *Not found* when the ticket or file is in another account, the ticket is in the trash, or
/// the file was removed too long ago.
pub fn set_deleted(
    conn: &mut Connection,
    actor: &Actor,
    number: i64,
    id: &str,
    deleted: bool,
    now: NaiveDateTime,
) -> Result<Removal> {
    let ticket = ticket::lock(conn, actor.account_id, number)?;
    let row = attachments::table
        .filter(attachments::ticket_id.eq(ticket.id))
        .filter(attachments::id.eq(id))
        .filter(attachments::state.eq(State::Ready));
    let attachment: Attachment = row.first(conn)?;
    if attachment.deleted_at.is_some() == deleted {
        return Ok(Removal { filename: attachment.filename, event: None });
    }
    if attachment.deleted_at.is_some_and(|at| at <= now - TRASH) {
        return Err(Error::not_found());
    }
    diesel::update(attachments::table.find(id))
        .set(attachments::deleted_at.eq(deleted.then_some(now)))
        .execute(conn)?;
    let name = attachment.filename.as_str();
    let event = if deleted {
        attachment.event(EventKind::AttachmentRemoved, number).text(name, "")
    } else {
        attachment.event(EventKind::AttachmentRestored, number).text("", name)
    };
    let event = record(conn, actor, event, now)?;
    change::touch(conn, &ticket, now)?;
    Ok(Removal { filename: attachment.filename, event: Some(event) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_read_well() {
        let cases =
            [(0, "0 bytes"), (1023, "1023 bytes"), (1024, "1 KB"), (5_242_880, "5.0 MB"), (1_500_000, "1.4 MB")];
        for (bytes, text) in cases {
            assert_eq!(readable_size(bytes), text);
        }
    }
}
