//! Where in a ticket the words of a search stand.

use crate::conversations::{conversation, messages};
use crate::db::fixed::one_of;
use crate::db::schema::tickets;
use crate::db::ticket_index::Place;
use crate::db::{Connection, ticket_index};
use crate::error::Result;
use crate::search::Term;
use crate::search::hits::{Piece, beyond, can_have_hits, marked, snippet};
use crate::submissions::submission;
use crate::tickets::line::Line;
use crate::tickets::names;
use crate::tickets::source::SourceKind;
use crate::tickets::source_copy;
use diesel::prelude::*;
use std::collections::HashMap;

/// Messages that are looked through where the index does not say which one it is.
const MESSAGES: i64 = 50;

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

/// The excerpt of each ticket, in the same order; none if no text can have hits. `rows` are rows of the index that have some
/// of the words; where a ticket has none, all its texts are looked through.
pub fn of(
    conn: &mut Connection,
    account_id: i64,
    lines: &[Line],
    terms: &[Term],
    rows: &HashMap<i64, i64>,
) -> Result<Vec<Excerpt>> {
    if !can_have_hits(terms) {
        return Ok(Vec::new());
    }
    let titles: Vec<Option<Vec<Piece>>> = lines.iter().map(|line| marked(&line.title, terms)).collect();
    let position = |line: &Line| rows.get(&line.id).map(|row| ticket_index::place(*row));
    // Long texts are read only where the title has no hit, and the source is not where it is.
    let others = lines.iter().zip(&titles).filter(|(_, title)| title.is_none()).map(|(line, _)| line);
    let ids: Vec<i64> =
        others.filter(|line| matches!(position(line), None | Some(Place::Own))).map(|line| line.id).collect();
    let notes = notes(conn, &ids)?;
    let files = names::of_files(conn, &ids)?;
    let mut excerpts = Vec::new();
    for (line, title) in lines.iter().zip(titles) {
        let found = match (&title, position(line)) {
            (Some(_), _) => None,
            (None, Some(Place::Source(position))) => in_source(conn, account_id, line, Some(position), terms)?,
            (None, Some(Place::Copy(position))) => in_copy(conn, line.id, position, terms)?,
            (None, known) => {
                let note = notes.get(&line.id).map(|text| ("Note", text));
                let files = files.get(&line.id).into_iter().flatten().map(|name| ("File", name));
                let own = note.into_iter().chain(files);
                let found = own.filter_map(|(place, text)| Some((place.to_owned(), snippet(text, terms)?))).next();
                let found = match found {
                    None if known.is_none() => in_source(conn, account_id, line, None, terms)?,
                    own => own,
                };
                found.or_else(|| note.and_then(|(place, text)| Some((place.to_owned(), beyond(text)?))))
            }
        };
        let (place, text) = found.unwrap_or_default();
        excerpts.push(Excerpt { title, place, text });
    }
    Ok(excerpts)
}

fn notes(conn: &mut Connection, ids: &[i64]) -> Result<HashMap<i64, String>> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let query = tickets::table.filter(one_of(tickets::id, ids)).select((tickets::id, tickets::notes));
    Ok(query.load::<(i64, String)>(conn)?.into_iter().collect())
}

/// The excerpt from a text of the copy of a ticket's source.
fn in_copy(
    conn: &mut Connection,
    ticket_id: i64,
    position: i64,
    terms: &[Term],
) -> Result<Option<(String, Vec<Piece>)>> {
    let Some(copy) = source_copy::of(conn, ticket_id)? else { return Ok(None) };
    let found = copy.text(position);
    Ok(found.and_then(|(place, text)| Some((place.to_owned(), snippet(text, terms).or_else(|| beyond(text))?))))
}

/// The excerpt from a ticket's source: from the message at a position, if it is known.
fn in_source(
    conn: &mut Connection,
    account_id: i64,
    line: &Line,
    position: Option<i64>,
    terms: &[Term],
) -> Result<Option<(String, Vec<Piece>)>> {
    let (Some(kind), Some(id)) = (line.source_kind, &line.source_id) else { return Ok(None) };
    if kind == SourceKind::Form {
        let Some(found) = submission::find(conn, account_id, id)? else { return Ok(None) };
        let fields = found.fields();
        let hit = fields.iter().find_map(|(name, value)| Some((name.clone(), snippet(value, terms)?)));
        let far = || fields.iter().find_map(|(name, value)| Some((name.clone(), beyond(value)?)));
        return Ok(hit.or_else(far));
    }
    let Some(seq) = conversation::find(conn, account_id, id)?.map(|found| found.seq) else { return Ok(None) };
    let bodies = match position {
        Some(position) => messages::body(conn, seq, position)?.into_iter().collect(),
        None => messages::first_bodies(conn, seq, MESSAGES)?,
    };
    let hit = bodies.iter().find_map(|body| snippet(body, terms));
    let found = hit.or_else(|| bodies.iter().find_map(|body| beyond(body)));
    Ok(found.map(|text| ("Message".to_owned(), text)))
}
