//! Where in a ticket the words of a search stand.

use crate::conversations::{conversation, messages};
use crate::db::schema::attachments;
use crate::db::{Connection, ticket_index};
use crate::error::Result;
use crate::search::Term;
use crate::search::hits::{Piece, marked, snippet};
use crate::submissions::submission;
use crate::tickets::source::{Source, SourceKind};
use crate::tickets::ticket::Ticket;
use diesel::prelude::*;

/// What a list shows of a ticket that was found.
#[derive(Clone, Debug, Default)]
pub struct Excerpt {
    /// The title with its hits, if it has any.
    pub title: Option<Vec<Piece>>,
    /// Otherwise, what text the hits are in: `Note`, `File`, `Message`, or the name of a field.
    pub place: String,
    /// The surroundings of the first hit. Empty where the row shows it anyway.
    pub text: Vec<Piece>,
}

/// The excerpt of each ticket, in the same order.
pub fn of(conn: &mut Connection, tickets: &[Ticket], terms: &[Term]) -> Result<Vec<Excerpt>> {
    let ids: Vec<i64> = tickets.iter().map(|ticket| ticket.id).collect();
    let files: Vec<(i64, String)> = attachments::table
        .filter(attachments::ticket_id.eq_any(&ids))
        .filter(attachments::state.eq("ready"))
        .filter(attachments::deleted_at.is_null())
        .order(attachments::stamp)
        .select((attachments::ticket_id, attachments::filename))
        .load(conn)?;
    let mut excerpts = Vec::new();
    for ticket in tickets {
        let of_files = files.iter().filter(|(id, _)| *id == ticket.id).map(|(_, name)| ("File", name.as_str()));
        let own = std::iter::once(("Note", ticket.notes.as_str())).chain(of_files);
        let own = own.filter_map(|(place, text)| Some((place.to_owned(), snippet(text, terms)?))).next();
        let title = marked(&ticket.title, terms);
        let found = match (&title, own) {
            (Some(_), _) => None,
            (None, Some(own)) => Some(own),
            (None, None) => in_source(conn, ticket, terms)?,
        };
        let (place, text) = found.unwrap_or_default();
        excerpts.push(Excerpt { title, place, text });
    }
    Ok(excerpts)
}

fn in_source(conn: &mut Connection, ticket: &Ticket, terms: &[Term]) -> Result<Option<(String, Vec<Piece>)>> {
    let Some(Source { kind, id }) = ticket.source() else { return Ok(None) };
    if kind == SourceKind::Form {
        let Some(found) = submission::find(conn, ticket.account_id, &id)? else { return Ok(None) };
        let fields = found.fields();
        return Ok(fields.iter().find_map(|(name, value)| Some((name.clone(), snippet(value, terms)?))));
    }
    let Some(found) = conversation::find(conn, ticket.account_id, &id)? else { return Ok(None) };
    let phrases = terms.iter().filter(|term| !term.is_not).flat_map(|term| term.any.iter().flatten());
    for phrase in phrases {
        if let Some(position) = ticket_index::position_of(conn, ticket.account_id, ticket.id, phrase)?
            && let Some(body) = messages::body(conn, found.seq, position)?
            && let Some(text) = snippet(&body, terms)
        {
            return Ok(Some(("Message".to_owned(), text)));
        }
    }
    Ok(None)
}
