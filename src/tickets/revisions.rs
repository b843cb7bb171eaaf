//! Revisions of a ticket's notes: every text that was ever saved, by whom, and when.
//!
//! Most rows hold only what differs from the revision before: one place, from the first to
//! the last changed character. Every `WHOLE_EVERY`th is stored whole, so that reading one
//! needs few rows.

use crate::db::Connection;
use crate::db::schema::note_revisions;
use crate::error::{Error, Result};
use crate::events::actor::Actor;
use crate::tickets::ticket::Ticket;
use chrono::NaiveDateTime;
use diesel::prelude::*;

const WHOLE_EVERY: i64 = 50;

#[derive(Insertable)]
#[diesel(table_name = note_revisions)]
struct NewRevision<'a> {
    ticket_id: i64,
    version: i64,
    author_id: Option<i64>,
    author_name: &'a str,
    kept_start: i64,
    kept_end: i64,
    body: &'a str,
    saved_at: NaiveDateTime,
}

/// Stores the ticket's notes as a revision. `before` is the text of the revision before,
/// and empty for the first.
pub fn keep(conn: &mut Connection, ticket: &Ticket, before: &str, actor: &Actor, now: NaiveDateTime) -> Result<()> {
    let is_whole = ticket.notes_version % WHOLE_EVERY == 0;
    let (kept_start, kept_end) = if is_whole { (0, 0) } else { in_common(before, &ticket.notes) };
    diesel::insert_into(note_revisions::table)
        .values(NewRevision {
            ticket_id: ticket.id,
            version: ticket.notes_version,
            author_id: actor.user_id(),
            author_name: &actor.name,
            kept_start: i64::try_from(kept_start).unwrap_or_default(),
            kept_end: i64::try_from(kept_end).unwrap_or_default(),
            body: &ticket.notes[kept_start..ticket.notes.len() - kept_end],
            saved_at: now,
        })
        .execute(conn)?;
    Ok(())
}

/// How many bytes two texts have in common at their start, and at their end after that.
fn in_common(old: &str, new: &str) -> (usize, usize) {
    let bytes = |pair: (char, char)| (pair.0 == pair.1).then_some(pair.0.len_utf8());
    let start: usize = old.chars().zip(new.chars()).map_while(bytes).sum();
    let rest = (old[start..].chars().rev()).zip(new[start..].chars().rev());
    (start, rest.map_while(bytes).sum())
}

/// A revision without its text.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = note_revisions)]
pub struct Revision {
    pub version: i64,
    /// Empty where a program saved.
    pub author_id: Option<i64>,
    pub author_name: String,
    pub saved_at: NaiveDateTime,
}

pub fn latest(conn: &mut Connection, ticket_id: i64) -> Result<Option<Revision>> {
    Ok(list(conn, ticket_id, i64::MAX, 1)?.pop())
}

/// Up to `limit` revisions with a version up to `upto`, newest first, without their texts.
pub fn list(conn: &mut Connection, ticket_id: i64, upto: i64, limit: i64) -> Result<Vec<Revision>> {
    Ok(note_revisions::table
        .filter(note_revisions::ticket_id.eq(ticket_id))
        .filter(note_revisions::version.le(upto))
        .order(note_revisions::version.desc())
        .limit(limit)
        .select(Revision::as_select())
        .load(conn)?)
}

/// The number of revisions of these tickets.
pub fn count(conn: &mut Connection, ticket_ids: &[i64]) -> Result<i64> {
    let of_tickets = note_revisions::table.filter(note_revisions::ticket_id.eq_any(ticket_ids));
    Ok(of_tickets.count().get_result(conn)?)
}

/// The texts of a revision and of the one before, which is empty for the first.
pub struct Texts {
    pub before: String,
    pub text: String,
}

/// Reads a revision.
///
/// # Errors
/// *Not found* when there is no such revision.
pub fn texts(conn: &mut Connection, ticket_id: i64, version: i64) -> Result<Texts> {
    let before = list(conn, ticket_id, version - 1, 1)?.pop();
    let before = before.map(|row| text(conn, ticket_id, row.version)).transpose()?;
    Ok(Texts { before: before.unwrap_or_default(), text: text(conn, ticket_id, version)? })
}

/// The text of a revision.
///
/// # Errors
/// *Not found* when there is no such revision.
pub fn text(conn: &mut Connection, ticket_id: i64, version: i64) -> Result<String> {
    let rows: Vec<(i64, i64, i64, String)> = note_revisions::table
        .filter(note_revisions::ticket_id.eq(ticket_id))
        .filter(note_revisions::version.between(version - version % WHOLE_EVERY, version))
        .order(note_revisions::version)
        .select((note_revisions::version, note_revisions::kept_start, note_revisions::kept_end, note_revisions::body))
        .load(conn)?;
    if rows.last().is_none_or(|(last, ..)| *last != version) {
        return Err(Error::not_found());
    }
    rows.into_iter().try_fold(String::new(), |before, (version, start, end, body)| {
        let kept = usize::try_from(start).ok().zip(usize::try_from(end).ok());
        let parts = kept.and_then(|(start, end)| {
            let rest = before.get(start..)?;
            Some((before.get(..start)?, rest.get(rest.len().checked_sub(end)?..)?))
        });
        let (start, end) = parts.ok_or_else(|| Error::internal("a revision of notes", version.to_string()))?;
        Ok(format!("{start}{body}{end}"))
    })
}

#[cfg(test)]
mod tests {
    use super::in_common;

    #[test]
    fn what_two_texts_share_ends_between_characters() {
        for (old, new, expected) in [
            ("", "a", (0, 0)),
            ("one", "", (0, 0)),
            ("one", "one\ntwo", (3, 0)),
            ("aaa", "aa", (2, 0)),
            ("aa", "aba", (1, 1)),
            // The last byte of é and of ㉩ is the same.
            ("é", "㉩", (0, 0)),
            ("xéy", "xèy", (1, 1)),
        ] {
            assert_eq!(in_common(old, new), expected, "{old:?} {new:?}");
        }
    }
}
