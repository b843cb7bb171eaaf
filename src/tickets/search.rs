//! The search index of tickets.

use crate::conversations::{conversation, messages};
use crate::db::held_words::HeldWords;
use crate::db::index::Index;
use crate::db::schema::tickets;
use crate::db::ticket_index::Rows;
use crate::db::{Connection, index, ticket_index};
use crate::error::Result;
use crate::search;
use crate::submissions::{replies, submission};
use crate::tickets::names;
use crate::tickets::source::SourceKind;
use crate::tickets::ticket;
use crate::tickets::ticket::Ticket;
use crate::tickets::{source_copy, source_links};
use diesel::prelude::*;

/// Rows of sources that are added together.
const TOGETHER: usize = 256;

/// Updates a ticket's own words in the search index.
pub fn reindex(conn: &mut Connection, ticket: &Ticket) -> Result<()> {
    ticket_index::forget(conn, ticket_index::own_rows(ticket.id))?;
    add_own(conn, std::slice::from_ref(ticket))
}

/// Updates a ticket's own words and those of its source in the search index.
pub fn reindex_all(conn: &mut Connection, ticket: &Ticket) -> Result<()> {
    reindex_many(conn, std::slice::from_ref(ticket))
}

/// The same for several tickets, which are locked.
fn reindex_many(conn: &mut Connection, tickets: &[Ticket]) -> Result<()> {
    for ticket in tickets {
        source_links::lock(conn, ticket.account_id, ticket.source().as_ref())?;
    }
    // Most follow one another.
    for run in tickets.chunk_by(|one, next| one.id + 1 == next.id) {
        let [first, last] = [&run[0], &run[run.len() - 1]].map(|ticket| ticket_index::all_rows(ticket.id));
        ticket_index::forget(conn, first.start..last.end)?;
    }
    index_new(conn, tickets)
}

/// Adds new tickets to the search index, with the words of their sources, which are locked or new.
pub fn index_new(conn: &mut Connection, tickets: &[Ticket]) -> Result<()> {
    add_own(conn, tickets)?;
    for of_account in tickets.chunk_by(|one, next| one.account_id == next.account_id) {
        let (account_id, mut rows) = (of_account[0].account_id, Rows::new());
        for ticket in of_account {
            rows.extend(source_rows(conn, ticket)?);
            if rows.len() >= TOGETHER {
                ticket_index::add(conn, account_id, &std::mem::take(&mut rows))?;
            }
        }
        ticket_index::add(conn, account_id, &rows)?;
    }
    Ok(())
}

/// Adds the own words of tickets.
fn add_own(conn: &mut Connection, tickets: &[Ticket]) -> Result<()> {
    let names = Names::of(conn, tickets)?;
    // The index of older versions answers until this one is complete, if there is one.
    let has_older = !matches!(index::version(conn)?, search::VERSION | index::NOTHING);
    for of_account in tickets.chunk_by(|one, next| one.account_id == next.account_id) {
        let all: Rows = of_account.iter().flat_map(|ticket| rows(ticket, &names)).collect();
        ticket_index::add(conn, of_account[0].account_id, &all)?;
        for ticket in of_account.iter().filter(|_| has_older) {
            let whole = search::whole(texts(ticket, &names));
            index::index_terms(conn, Index::Tickets, ticket.account_id, ticket.id, whole)?;
        }
    }
    Ok(())
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
pub fn index_after(conn: &mut Connection, id: i64, limit: i64) -> Result<Option<i64>> {
    let ids: Vec<i64> = tickets::table
        .filter(tickets::id.gt(id))
        .filter(tickets::deleted_at.is_null())
        .order(tickets::id)
        .limit(limit)
        .select(tickets::id)
        .load(conn)?;
    // Against a concurrent change, whose words would be lost.
    let locked = ticket::lock_all(conn, &ids)?;
    reindex_many(conn, &locked)?;
    Ok(ids.last().copied())
}

/// The number of tickets outside the trash.
pub fn count(conn: &mut Connection) -> Result<i64> {
    Ok(tickets::table.filter(tickets::deleted_at.is_null()).count().get_result(conn)?)
}

/// How many tickets there are outside the trash, and the accounts and numbers of those that the search
/// index seems not to have as they are. Reads `chunk` of them at a time.
pub fn not_indexed(conn: &mut Connection, chunk: i64) -> Result<(usize, Vec<(i64, i64)>)> {
    let held = ticket_index::held(conn)?;
    let (mut count, mut suspects, mut from) = (0, Vec::new(), Some(0));
    while let Some(last) = from {
        let tickets = ticket::listed_after(conn, last, chunk)?;
        count += tickets.len();
        from = tickets.last().map(|ticket| ticket.id);
        for ticket in tickets {
            if !has(conn, held.as_ref(), &ticket)? {
                suspects.push((ticket.account_id, ticket.number));
            }
        }
    }
    Ok((count, suspects))
}

/// Whether the search index is up to date for a ticket.
pub fn is_indexed(conn: &mut Connection, ticket: &Ticket) -> Result<bool> {
    has(conn, None, ticket)
}

fn has(conn: &mut Connection, held: Option<&HeldWords>, ticket: &Ticket) -> Result<bool> {
    let names = Names::of(conn, std::slice::from_ref(ticket))?;
    let rows = [rows(ticket, &names), source_rows(conn, ticket)?].concat();
    Ok(ticket_index::has(conn, held, ticket.account_id, ticket.id, &rows)?)
}

/// The names of tickets' tags, and those of their files.
struct Names([names::Names; 2]);

impl Names {
    fn of(conn: &mut Connection, tickets: &[Ticket]) -> Result<Self> {
        let ids: Vec<i64> = tickets.iter().map(|ticket| ticket.id).collect();
        Ok(Self([names::of_tags(conn, &ids)?, names::of_files(conn, &ids)?]))
    }

    fn of_ticket(&self, id: i64) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(move |names| names.get(&id)).flatten().map(String::as_str)
    }
}

/// Title, requester, tags, file names, source, notes.
fn texts<'a>(ticket: &'a Ticket, names: &'a Names) -> Vec<&'a str> {
    let mut texts: Vec<&str> = vec![&ticket.title, &ticket.requester_name, &ticket.requester_email];
    texts.extend(names.of_ticket(ticket.id));
    texts.extend(ticket.source_id.as_deref());
    texts.push(&ticket.notes);
    texts
}

fn rows(ticket: &Ticket, names: &Names) -> Rows {
    let mut parts = search::parts(texts(ticket, names));
    if let Some(first) = parts.first_mut() {
        first.others.extend(search::requester_words(&ticket.requester_name));
        first.others.extend(search::requester_words(&ticket.requester_email));
    }
    ticket_index::rows_of_ticket(ticket.id, parts)
}

/// The words of a ticket's source, and of the copy of it.
fn source_rows(conn: &mut Connection, ticket: &Ticket) -> Result<Rows> {
    let Some(source) = ticket.source() else { return Ok(Rows::new()) };
    let copy = source_copy::rows(conn, ticket.id)?;
    let texts = match source.kind {
        SourceKind::Chat => {
            let found = conversation::find(conn, ticket.account_id, &source.id)?;
            found.map(|found| messages::texts(conn, &found)).transpose()?
        }
        SourceKind::Form => {
            let found = submission::find(conn, ticket.account_id, &source.id)?;
            found.map(|found| replies::texts(conn, &found)).transpose()?
        }
    };
    Ok([ticket_index::rows_of_source(ticket.id, texts.unwrap_or_default()), copy].concat())
}
