//! The search index of tickets.

use crate::db::index::Index;
use crate::db::schema::{attachments, tags, ticket_tags};
use crate::db::{Connection, index};
use crate::error::Result;
use crate::search;
use crate::tickets::ticket::Ticket;
use diesel::prelude::*;

/// Updates a ticket in the search index.
pub fn reindex(conn: &mut Connection, ticket: &Ticket) -> Result<()> {
    let terms = terms_of(conn, ticket)?;
    Ok(index::index_terms(conn, Index::Tickets, ticket.id, &terms)?)
}

/// Whether the search index is up to date for a ticket.
pub fn is_indexed(conn: &mut Connection, ticket: &Ticket) -> Result<bool> {
    let terms = terms_of(conn, ticket)?;
    Ok(index::has_terms(conn, Index::Tickets, ticket.id, &terms)?)
}

/// The search terms of a ticket: title, requester, tags, file names, source, notes, in
/// this order, up to the maximum number of terms.
fn terms_of(conn: &mut Connection, ticket: &Ticket) -> Result<Vec<String>> {
    let tag_names: Vec<String> = ticket_tags::table
        .inner_join(tags::table)
        .filter(ticket_tags::ticket_id.eq(ticket.id))
        .order(tags::name)
        .select(tags::name)
        .load(conn)?;
    let file_names: Vec<String> = attachments::table
        .filter(attachments::ticket_id.eq(ticket.id))
        .filter(attachments::state.eq("ready"))
        .filter(attachments::deleted_at.is_null())
        .order(attachments::stamp)
        .select(attachments::filename)
        .load(conn)?;
    Ok(terms(ticket, &tag_names, &file_names))
}

pub fn terms(ticket: &Ticket, tag_names: &[String], file_names: &[String]) -> Vec<String> {
    let mut texts: Vec<&str> = vec![&ticket.title, &ticket.requester_name, &ticket.requester_email];
    texts.extend(tag_names.iter().chain(file_names).map(String::as_str));
    texts.extend(ticket.source_id.as_deref());
    texts.push(&ticket.notes);
    search::terms(ticket.account_id, texts)
}
