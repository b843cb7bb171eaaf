//! Creates tickets, one for each request id.

use crate::contacts::contact;
use crate::db::Connection;
use crate::db::schema::{accounts, tickets};
use crate::error::Result;
use crate::events::actor::Actor;
use crate::events::event::Kind as EventKind;
use crate::events::record::record;
use crate::tickets::counts::count;
use crate::tickets::notes::Notes;
use crate::tickets::source::{Source, SourceKind};
use crate::tickets::source_links::{TicketRef, known, of_source, settle};
use crate::tickets::status::Status;
use crate::tickets::ticket::{MAX_TITLE, Ticket, Title};
use crate::tickets::{figures, revisions, search, source_copy, source_links};
use crate::values::{text, token};
use chrono::NaiveDateTime;
use diesel::prelude::*;

#[derive(Clone, Debug)]
pub struct NewTicket {
    pub title: Title,
    /// May be empty.
    pub notes: Notes,
    pub source: Option<Source>,
    pub requester_name: String,
    pub requester_email: String,
    /// Random, created with the form. Repeated requests with the same id create one ticket.
    pub request_id: String,
    /// Create a ticket even if the source already has some.
    pub another: bool,
    /// Keep a copy of what the source says now.
    pub keeps_copy: bool,
}

impl NewTicket {
    /// Hash of the content. It differs when two requests reuse one id.
    pub fn digest(&self) -> String {
        let source = self.source.as_ref().map_or(("", ""), |source| (source.kind.as_str(), source.id.as_str()));
        let parts =
            [self.title.as_str(), self.notes.as_str(), source.0, source.1, &self.requester_name, &self.requester_email];
        token::sha256(parts.join("\0").as_bytes())
    }
}

/// Suggests a title for a visitor's ticket: the name, else the email address, else the
/// first words of the message, else `otherwise`.
pub fn suggest_title(name: &str, email: &str, words: &str, otherwise: &str) -> String {
    let words = text::shorten(words, 80);
    text::shorten(text::first_filled(&[name, email, &words, otherwise]), MAX_TITLE)
}

#[derive(Insertable)]
#[diesel(table_name = tickets)]
struct NewRow<'a> {
    account_id: i64,
    number: i64,
    title: &'a str,
    status: Status,
    notes: &'a str,
    notes_version: i64,
    requester_name: &'a str,
    requester_email: &'a str,
    source_kind: Option<SourceKind>,
    source_id: Option<&'a str>,
    source_was_here: bool,
    request_id: &'a str,
    request_digest: String,
    created_at: NaiveDateTime,
    updated_at: NaiveDateTime,
    reopen_count: i64,
    contact_id: Option<i64>,
}

/// The result of a request to create a ticket.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// The ticket with this number was created, now or by an earlier copy of the request.
    Ticket(i64),
    /// The source already has these tickets, and the request did not ask for another.
    SourceHasTickets(Vec<TicketRef>),
    /// A request with the same id but other content created this ticket.
    RequestUsed(i64),
}

/// Creates a ticket. Without a requester, it is about the visitor of its source.
pub fn create(conn: &mut Connection, actor: &Actor, new: &NewTicket, now: NaiveDateTime) -> Result<Outcome> {
    let account = accounts::table.find(actor.account_id);
    // This locks the account's row until the transaction ends, so two requests cannot pass
    // the checks below concurrently.
    let number: i64 = diesel::update(account)
        .set(accounts::last_ticket_number.eq(accounts::last_ticket_number + 1))
        .returning(accounts::last_ticket_number)
        .get_result(conn)?;
    let source_was_here = source_links::lock(conn, actor.account_id, new.source.as_ref())?;
    let new = &with_requester(conn, actor.account_id, new)?;
    if let Some(made) = already_made(conn, actor.account_id, new)? {
        diesel::update(account).set(accounts::last_ticket_number.eq(number - 1)).execute(conn)?;
        return Ok(made);
    }
    let row = NewRow {
        account_id: actor.account_id,
        number,
        title: new.title.as_str(),
        status: Status::New,
        notes: new.notes.as_str(),
        notes_version: 1,
        requester_name: &new.requester_name,
        requester_email: &new.requester_email,
        source_kind: new.source.as_ref().map(|source| source.kind),
        source_id: new.source.as_ref().map(|source| source.id.as_str()),
        source_was_here,
        request_id: &new.request_id,
        request_digest: new.digest(),
        created_at: now,
        updated_at: now,
        reopen_count: 0,
        contact_id: contact::id_of(conn, actor.account_id, &new.requester_email, &new.requester_name, now)?,
    };
    let ticket: Ticket =
        diesel::insert_into(tickets::table).values(row).returning(tickets::all_columns).get_result(conn)?;
    if !ticket.notes.is_empty() {
        revisions::keep(conn, &ticket, "", actor, now)?;
    }
    if new.keeps_copy {
        source_copy::keep(conn, &ticket, now)?;
    }
    count(conn, actor.account_id, None, Some(Status::New))?;
    figures::added(conn, &ticket)?;
    record(conn, actor, ticket.event(EventKind::TicketCreated), now)?;
    search::index_new(conn, std::slice::from_ref(&ticket))?;
    settle(conn, actor, &ticket, now)?;
    Ok(Outcome::Ticket(number))
}

fn with_requester(conn: &mut Connection, account_id: i64, new: &NewTicket) -> Result<NewTicket> {
    let mut new = new.clone();
    if let Some(source) = &new.source
        && new.requester_name.is_empty()
        && new.requester_email.is_empty()
        && let Some(known) = known(conn, account_id, source)?
    {
        (new.requester_name, new.requester_email) = (known.name, known.email);
    }
    Ok(new)
}

fn already_made(conn: &mut Connection, account_id: i64, new: &NewTicket) -> Result<Option<Outcome>> {
    let same: Option<(i64, String)> = tickets::table
        .filter(tickets::account_id.eq(account_id))
        .filter(tickets::request_id.eq(&new.request_id))
        .select((tickets::number, tickets::request_digest))
        .first(conn)
        .optional()?;
    if let Some((number, digest)) = same {
        let is_same = digest == new.digest();
        return Ok(Some(if is_same { Outcome::Ticket(number) } else { Outcome::RequestUsed(number) }));
    }
    let Some(source) = new.source.as_ref().filter(|_| !new.another) else { return Ok(None) };
    let others = of_source(conn, account_id, source)?;
    Ok((!others.is_empty()).then_some(Outcome::SourceHasTickets(others)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_is_suggested_from_what_is_known() {
        assert_eq!(suggest_title("Ana", "ana@x.example", "Hello", "Chat"), "Ana");
        assert_eq!(suggest_title(" ", "ana@x.example", "Hello", "Chat"), "ana@x.example");
        assert_eq!(suggest_title("", "", "It  does\nnot work", "Chat"), "It does not work");
        assert_eq!(suggest_title("", "", "", "Chat"), "Chat");
    }
}
