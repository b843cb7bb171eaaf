//! The content of a source, and the tickets created from it.

use crate::conversations::conversation::Conversation;
use crate::conversations::{conversation, messages};
use crate::db::Connection;
use crate::db::schema::tickets;
use crate::error::Result;
use crate::events::actor::Actor;
use crate::events::event::Kind as EventKind;
use crate::events::record::{NewEvent, record};
use crate::source_files::file;
use crate::source_files::file::SourceFile;
use crate::submissions::submission;
use crate::tickets::source::{Source, SourceKind};
use crate::tickets::status::Status;
use crate::tickets::ticket::{Ticket, if_there};
use crate::values::text;
use chrono::NaiveDateTime;
use diesel::prelude::*;
use std::collections::HashMap;

/// Who the visitor is, and what they want.
#[derive(Clone, Debug, Default)]
pub struct Known {
    /// May be empty.
    pub name: String,
    /// May be empty.
    pub email: String,
    /// The first message, or a summary of the submission.
    pub words: String,
    /// What it is about, in the visitor's own words: the subject, the beginning of the message.
    pub topics: Vec<String>,
}

/// Most files of a conversation that are offered for a ticket.
const MOST_FILES: i64 = 20;
/// Longest beginning of a message that is offered as a title, in characters.
const MAX_TOPIC: usize = 80;

/// The subject and the first line of a message, where there are any.
fn topics(subject: &str, message: &str) -> Vec<String> {
    let line = message.trim().lines().next().unwrap_or_default();
    let topics = [subject, line].map(|text| text::shorten(&text::normalise(text.trim()), MAX_TOPIC));
    topics.into_iter().filter(|topic| !topic.is_empty()).collect()
}

/// Loads the visitor of a source. `None` when the source is in another system or deleted.
pub fn known(conn: &mut Connection, account_id: i64, source: &Source) -> Result<Option<Known>> {
    Ok(match source.kind {
        SourceKind::Chat => match conversation::find(conn, account_id, &source.id)? {
            Some(found) => {
                let words = messages::first_words(conn, found.seq)?;
                let topics = topics("", &words);
                Some(Known { name: found.visitor_name, email: found.visitor_email, words, topics })
            }
            None => None,
        },
        SourceKind::Form => submission::find(conn, account_id, &source.id)?.map(|found| {
            let (words, topics) = (found.summary(), topics(&found.subject(), &found.message()));
            Known { name: found.visitor_name, email: found.visitor_email, words, topics }
        }),
    })
}

/// Enough of a ticket to link to it.
#[derive(Clone, Debug, Queryable)]
pub struct TicketRef {
    pub number: i64,
    pub title: String,
    pub status: Status,
}

impl TicketRef {
    pub fn status_label(&self) -> &'static str {
        self.status.label()
    }
}

/// Whether a source is a conversation or submission of this account.
pub fn is_here(conn: &mut Connection, account_id: i64, source: &Source) -> Result<bool> {
    match source.kind {
        SourceKind::Chat => conversation::exists(conn, account_id, &source.id),
        SourceKind::Form => submission::exists(conn, account_id, &source.id),
    }
}

/// Locks a source that is here, and conversations that answer it, until the transaction ends: nobody
/// writes to them or deletes them meanwhile. Returns whether it is here.
pub fn lock(conn: &mut Connection, account_id: i64, source: Option<&Source>) -> Result<bool> {
    let Some(source) = source else { return Ok(false) };
    Ok(match source.kind {
        SourceKind::Chat => if_there(conversation::lock(conn, account_id, &source.id))?.is_some(),
        SourceKind::Form => {
            let is_here = if_there(submission::lock(conn, account_id, &source.id))?.is_some();
            conversation::lock_answers(conn, account_id, &source.id)?;
            is_here
        }
    })
}

/// The newest files of a source, with those of the conversation that answers it, oldest first.
pub fn files(conn: &mut Connection, account_id: i64, source: &Source) -> Result<Vec<SourceFile>> {
    let (mut files, conversation) = match source.kind {
        SourceKind::Chat => (Vec::new(), conversation::find(conn, account_id, &source.id)?),
        SourceKind::Form => {
            let Some(found) = submission::find(conn, account_id, &source.id)? else { return Ok(Vec::new()) };
            let answer = conversation::of_submission(conn, account_id, &source.id)?;
            (file::of_submission(conn, found.seq)?, answer)
        }
    };
    if let Some(conversation) = conversation {
        files.extend(file::of_conversation(conn, conversation.seq, MOST_FILES)?);
    }
    Ok(files)
}

/// The tickets created from a source, oldest first, excluding the trash.
pub fn of_source(conn: &mut Connection, account_id: i64, source: &Source) -> Result<Vec<TicketRef>> {
    Ok(tickets::table
        .filter(tickets::account_id.eq(account_id))
        .filter(tickets::source_kind.eq(source.kind))
        .filter(tickets::source_id.eq(source.id.as_str()))
        .filter(tickets::deleted_at.is_null())
        .order(tickets::number)
        .limit(20)
        .select((tickets::number, tickets::title, tickets::status))
        .load(conn)?)
}

/// A submission that has become a ticket is done.
pub fn settle(conn: &mut Connection, actor: &Actor, ticket: &Ticket, now: NaiveDateTime) -> Result<()> {
    match ticket.source() {
        Some(Source { kind: SourceKind::Form, id }) if ticket.source_was_here => {
            submission::set_done(conn, actor, &id, true, now).map(drop)
        }
        _ => Ok(()),
    }
}

/// The number of the latest ticket of each of these submissions that has one.
pub fn of_submissions(conn: &mut Connection, account_id: i64, ids: &[&str]) -> Result<HashMap<String, i64>> {
    let mut rows: Vec<(Option<String>, i64)> = tickets::table
        .filter(tickets::account_id.eq(account_id))
        .filter(tickets::source_kind.eq(SourceKind::Form))
        .filter(tickets::source_id.eq_any(ids))
        .filter(tickets::deleted_at.is_null())
        .select((tickets::source_id, tickets::number))
        .load(conn)?;
    // Not in the query: SQLite would read all tickets of the account in this order.
    rows.sort_by_key(|(_, number)| *number);
    Ok(rows.into_iter().filter_map(|(id, number)| Some((id?, number))).collect())
}

/// Tickets that show a conversation: those created from it, or from the submission that it answers.
#[diesel::dsl::auto_type(no_type_alias)]
fn show<'a>(of: &'a Conversation) -> _ {
    let (account_id, id, submission_id): (i64, &'a str, Option<&'a str>) =
        (of.account_id, of.id.as_str(), of.submission_id.as_deref());
    let (chat, form): (SourceKind, SourceKind) = (SourceKind::Chat, SourceKind::Form);
    // The account stands in both, so that SQLite looks for either in its index.
    let is_chat = tickets::account_id.eq(account_id).and(tickets::source_kind.eq(chat)).and(tickets::source_id.eq(id));
    let of_form = tickets::account_id.eq(account_id).and(tickets::source_kind.eq(form));
    is_chat.or(of_form.and(tickets::source_id.eq(submission_id)))
}

/// The ids of the tickets that show a conversation, also of those in the trash.
pub fn showing(conn: &mut Connection, of: &Conversation) -> Result<Vec<i64>> {
    Ok(tickets::table.filter(show(of)).select(tickets::id).load(conn)?)
}

/// Records on the open tickets of a closed conversation that its visitor wrote again. This
/// moves the tickets to the top of the list.
pub fn visitor_returned(conn: &mut Connection, to: &Conversation, now: NaiveDateTime) -> Result<()> {
    let visitor = Actor::visitor(to.account_id, to.visitor());
    let open: Vec<(i64, i64)> = tickets::table
        .filter(show(to))
        .filter(tickets::status.ne(Status::Closed))
        .filter(tickets::deleted_at.is_null())
        .order(tickets::id)
        .select((tickets::id, tickets::number))
        .load(conn)?;
    for (id, number) in open {
        diesel::update(tickets::table.find(id)).set(tickets::updated_at.eq(now)).execute(conn)?;
        let event = NewEvent::new(EventKind::TicketVisitorReturned, number).in_history_of(id);
        record(conn, &visitor, event, now)?;
    }
    Ok(())
}
