//! Where in a ticket the words of a search stand.

use crate::conversations::{conversation, messages};
use crate::db::schema::tickets;
use crate::db::{Connection, ticket_index};
use crate::error::Result;
use crate::search::Term;
use crate::search::hits::{Piece, marked, snippet};
use crate::submissions::submission;
use crate::tickets::files;
use crate::tickets::line::Line;
use crate::tickets::source::SourceKind;
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
pub fn of(conn: &mut Connection, account_id: i64, lines: &[Line], terms: &[Term]) -> Result<Vec<Excerpt>> {
    let titles: Vec<Option<Vec<Piece>>> = lines.iter().map(|line| marked(&line.title, terms)).collect();
    // Long texts are read only where the title has no hit.
    let others = lines.iter().zip(&titles).filter(|(_, title)| title.is_none());
    let ids: Vec<i64> = others.map(|(line, _)| line.id).collect();
    let notes: Vec<(i64, String)> =
        tickets::table.filter(tickets::id.eq_any(&ids)).select((tickets::id, tickets::notes)).load(conn)?;
    let files = files::names(conn, &ids)?;
    let mut excerpts = Vec::new();
    for (line, title) in lines.iter().zip(titles) {
        if title.is_some() {
            excerpts.push(Excerpt { title, ..Excerpt::default() });
            continue;
        }
        let of_line = |texts: &[(i64, String)], place: &str| {
            let own = texts.iter().filter(|(id, _)| *id == line.id);
            own.filter_map(|(_, text)| snippet(text, terms)).next().map(|text| (place.to_owned(), text))
        };
        let found = match of_line(&notes, "Note").or_else(|| of_line(&files, "File")) {
            Some(own) => Some(own),
            None => in_source(conn, account_id, line, terms)?,
        };
        let (place, text) = found.unwrap_or_default();
        excerpts.push(Excerpt { title, place, text });
    }
    Ok(excerpts)
}

fn in_source(
    conn: &mut Connection,
    account_id: i64,
    line: &Line,
    terms: &[Term],
) -> Result<Option<(String, Vec<Piece>)>> {
    let (Some(kind), Some(id)) = (line.source_kind, &line.source_id) else { return Ok(None) };
    if kind == SourceKind::Form {
        let Some(found) = submission::find(conn, account_id, id)? else { return Ok(None) };
        let fields = found.fields();
        return Ok(fields.iter().find_map(|(name, value)| Some((name.clone(), snippet(value, terms)?))));
    }
    let Some(found) = conversation::find(conn, account_id, id)? else { return Ok(None) };
    let phrases = terms.iter().filter(|term| !term.is_not).flat_map(|term| term.any.iter().flatten());
    for phrase in phrases {
        if let Some(position) = ticket_index::position_of(conn, account_id, line.id, phrase)?
            && let Some(body) = messages::body(conn, found.seq, position)?
            && let Some(text) = snippet(&body, terms)
        {
            return Ok(Some(("Message".to_owned(), text)));
        }
    }
    Ok(None)
}
