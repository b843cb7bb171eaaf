//! The search index of tickets.

use crate::conversations::{conversation, messages};
use crate::db::index::Index;
use crate::db::schema::{tags, ticket_tags, tickets};
use crate::db::ticket_index::Rows;
use crate::db::{Connection, index, ticket_index};
use crate::error::Result;
use crate::search;
use crate::submissions::submission;
use crate::tickets::files;
use crate::tickets::source::SourceKind;
use crate::tickets::ticket::{Ticket, if_there, lock};
use diesel::prelude::*;

/// Updates a ticket's own words in the search index.
pub fn reindex(conn: &mut Connection, ticket: &Ticket) -> Result<()> {
    let (tag_names, file_names) = names(conn, ticket.id)?;
    ticket_index::forget(conn, ticket_index::own_rows(ticket.id))?;
    ticket_index::add(conn, ticket.account_id, &rows(ticket, &tag_names, &file_names))?;
    if !is_built(conn)? {
        let whole = search::whole(texts(ticket, &tag_names, &file_names));
        index::index_terms(conn, Index::Tickets, ticket.account_id, ticket.id, &whole)?;
    }
    Ok(())
}

/// Updates a ticket's own words and those of its source in the search index.
pub fn reindex_all(conn: &mut Connection, ticket: &Ticket) -> Result<()> {
    reindex(conn, ticket)?;
    ticket_index::forget(conn, ticket_index::source_rows(ticket.id))?;
    if let Some(id) = ticket.conversation_id() {
        // A message that is posted meanwhile has to wait until the ticket is there.
        if_there(conversation::lock(conn, ticket.account_id, id))?;
    }
    let rows = source_rows(conn, ticket)?;
    Ok(ticket_index::add(conn, ticket.account_id, &rows)?)
}

/// Removes a ticket from the search index.
pub fn forget(conn: &mut Connection, ticket_id: i64) -> Result<()> {
    ticket_index::forget(conn, ticket_index::all_rows(ticket_id))?;
    Ok(index::forget_terms(conn, Index::Tickets, ticket_id)?)
}

/// Whether the index of this version is complete. Until then, the one of older versions
/// answers, and is kept up to date.
pub fn is_built(conn: &mut Connection) -> Result<bool> {
    Ok(index::version(conn)? == search::VERSION)
}

/// Indexes up to `limit` tickets after an id again. Returns where to continue.
pub fn reindex_after(conn: &mut Connection, id: i64, limit: i64) -> Result<Option<i64>> {
    let rows: Vec<(i64, i64, i64)> = tickets::table
        .filter(tickets::id.gt(id))
        .filter(tickets::deleted_at.is_null())
        .order(tickets::id)
        .limit(limit)
        .select((tickets::id, tickets::account_id, tickets::number))
        .load(conn)?;
    for (_, account_id, number) in &rows {
        // Against a concurrent change, whose words would be lost.
        if let Some(ticket) = if_there(lock(conn, *account_id, *number))? {
            reindex_all(conn, &ticket)?;
        }
    }
    Ok(rows.last().map(|(id, ..)| *id))
}

/// The number of tickets outside the trash.
pub fn count(conn: &mut Connection) -> Result<i64> {
    Ok(tickets::table.filter(tickets::deleted_at.is_null()).count().get_result(conn)?)
}

/// Whether the search index is up to date for a ticket.
pub fn is_indexed(conn: &mut Connection, ticket: &Ticket) -> Result<bool> {
    let (tag_names, file_names) = names(conn, ticket.id)?;
    let rows = [rows(ticket, &tag_names, &file_names), source_rows(conn, ticket)?].concat();
    Ok(ticket_index::has(conn, ticket.account_id, ticket.id, &rows)?)
}

/// The names of a ticket's tags and files.
fn names(conn: &mut Connection, ticket_id: i64) -> Result<(Vec<String>, Vec<String>)> {
    let tag_names = ticket_tags::table
        .inner_join(tags::table)
        .filter(ticket_tags::ticket_id.eq(ticket_id))
        .order(tags::name)
        .select(tags::name)
        .load(conn)?;
    let file_names = files::names(conn, &[ticket_id])?.into_iter().map(|(_, name)| name).collect();
    Ok((tag_names, file_names))
}

/// Title, requester, tags, file names, source, notes.
fn texts<'a>(ticket: &'a Ticket, tag_names: &'a [String], file_names: &'a [String]) -> Vec<&'a str> {
    let mut texts: Vec<&str> = vec![&ticket.title, &ticket.requester_name, &ticket.requester_email];
    texts.extend(tag_names.iter().chain(file_names).map(String::as_str));
    texts.extend(ticket.source_id.as_deref());
    texts.push(&ticket.notes);
    texts
}

fn rows(ticket: &Ticket, tag_names: &[String], file_names: &[String]) -> Rows {
    let mut parts = search::parts(texts(ticket, tag_names, file_names));
    if let Some(first) = parts.first_mut() {
        first.others.extend(search::requester_words(&ticket.requester_name));
        first.others.extend(search::requester_words(&ticket.requester_email));
    }
    ticket_index::rows_of_ticket(ticket.id, parts)
}

fn source_rows(conn: &mut Connection, ticket: &Ticket) -> Result<Rows> {
    let Some(source) = ticket.source() else { return Ok(Rows::new()) };
    let texts = match source.kind {
        SourceKind::Chat => match conversation::find(conn, ticket.account_id, &source.id)? {
            Some(found) => messages::texts(conn, &found)?,
            None => Vec::new(),
        },
        SourceKind::Form => {
            submission::find(conn, ticket.account_id, &source.id)?.map(|found| found.texts()).unwrap_or_default()
        }
    };
    Ok(ticket_index::rows_of_source(ticket.id, texts))
}
