//! What the source of a ticket said when the ticket was created. It stays when the source goes.

use crate::conversations::erase::ERASED;
use crate::conversations::messages::Message;
use crate::conversations::{conversation, messages};
use crate::db::Connection;
use crate::db::schema::{source_copies, tickets};
use crate::db::ticket_index;
use crate::db::ticket_index::Rows;
use crate::error::{Error, Result};
use crate::search;
use crate::submissions::submission;
use crate::tickets::source::{Source, SourceKind};
use crate::tickets::ticket::Ticket;
use crate::values::chunk::Chunk;
use crate::values::text::first_filled;
use chrono::NaiveDateTime;
use diesel::prelude::*;
use serde::{Deserialize, Serialize};

/// Most messages of a copy, and most bytes of their texts; the newest are kept.
const MAX_MESSAGES: i64 = 500;
const MAX_BYTES: usize = 512 * 1024;
/// Longer texts stand in several places of the search index, in bytes.
const PIECE: usize = 6_000;

/// A copy of a conversation or a submission.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct SourceCopy {
    /// Of the page that the visitor was on.
    pub page_url: Option<String>,
    /// ISO 3166-1 alpha-2.
    pub country: Option<String>,
    /// The fields of a submission, in order.
    pub fields: Vec<(String, String)>,
    /// The messages of a conversation, or of the one that answers the submission, oldest first.
    pub lines: Vec<Line>,
    /// How many older messages were left out.
    pub omitted: i64,
    #[serde(skip)]
    pub taken_at: NaiveDateTime,
}

/// A message of a copy.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Line {
    /// Empty for a visitor or an agent without a name.
    pub author: String,
    pub from_agent: bool,
    pub body: String,
    /// In UTC.
    pub at: NaiveDateTime,
}

impl Line {
    fn is_from(&self, addresses: &[String]) -> bool {
        addresses.contains(&self.author.to_lowercase())
    }
}

impl From<Message> for Line {
    fn from(message: Message) -> Self {
        let from_agent = message.is_from_agent();
        let author = first_filled(&[&message.author_name, &message.from_address]).to_owned();
        Self { author, from_agent, body: message.body, at: message.created_at }
    }
}

impl SourceCopy {
    /// Its texts in pieces, in the order of [`rows`].
    fn texts(&self) -> impl Iterator<Item = (&str, &str)> {
        let fields = self.fields.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let all = fields.chain(self.lines.iter().map(|line| ("Message", line.body.as_str())));
        all.flat_map(|(name, text)| pieces(text).map(move |piece| (name, piece)))
    }

    /// The text that a row of the search index holds, and what it is: the name of a field, or
    /// `Message`.
    pub fn text(&self, place: i64) -> Option<(&str, &str)> {
        self.texts().nth(usize::try_from(place).ok()?)
    }
}

/// A text in pieces that have a place in the search index each. An empty text is one.
fn pieces(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let text = rest?;
        let end = text.floor_char_boundary(PIECE);
        // Not within a word, if there is a space.
        let end = if end < text.len() { text[..end].rfind(' ').map_or(end, |space| space + 1) } else { end };
        rest = (end < text.len()).then(|| &text[end..]);
        Some(&text[..end])
    })
}

/// Keeps a copy of the ticket's source, if it is stored here.
pub fn keep(conn: &mut Connection, ticket: &Ticket, now: NaiveDateTime) -> Result<()> {
    let Some(source) = ticket.source() else { return Ok(()) };
    let Some(copy) = copy(conn, ticket.account_id, &source)? else { return Ok(()) };
    let data = serde_json::to_string(&copy).map_err(|source| Error::internal("a copy", source))?;
    let row = (source_copies::ticket_id.eq(ticket.id), source_copies::taken_at.eq(now), source_copies::data.eq(data));
    diesel::insert_into(source_copies::table).values(row).execute(conn)?;
    Ok(())
}

fn copy(conn: &mut Connection, account_id: i64, source: &Source) -> Result<Option<SourceCopy>> {
    let (mut copy, conversation) = match source.kind {
        SourceKind::Chat => {
            let Some(found) = conversation::find(conn, account_id, &source.id)? else { return Ok(None) };
            let (page_url, country) = (found.page_url.clone(), found.country.clone());
            (SourceCopy { page_url, country, ..SourceCopy::default() }, Some(found))
        }
        SourceKind::Form => {
            let Some(found) = submission::find(conn, account_id, &source.id)? else { return Ok(None) };
            let fields = found.fields();
            let answer = conversation::of_submission(conn, account_id, &source.id)?;
            (SourceCopy { page_url: found.page_url, country: found.country, fields, ..SourceCopy::default() }, answer)
        }
    };
    if let Some(conversation) = conversation {
        let messages = messages::before(conn, conversation.seq, None, MAX_MESSAGES)?;
        let mut left = MAX_BYTES;
        let fits = |message: &Message| {
            let rest = left.checked_sub(message.body.len());
            left = rest.unwrap_or_default();
            rest.is_some()
        };
        let mut lines: Vec<Line> = messages.into_iter().rev().take_while(fits).map(Line::from).collect();
        lines.reverse();
        copy.omitted = conversation.message_count - i64::try_from(lines.len()).unwrap_or_default();
        copy.lines = lines;
    }
    Ok(Some(copy))
}

/// The copy of a ticket's source, if there is one.
pub fn of(conn: &mut Connection, ticket_id: i64) -> Result<Option<SourceCopy>> {
    let row = source_copies::table.find(ticket_id).select((source_copies::data, source_copies::taken_at));
    let found: Option<(String, NaiveDateTime)> = row.first(conn).optional()?;
    let Some((data, taken_at)) = found else { return Ok(None) };
    Ok(Some(SourceCopy { taken_at, ..parse(&data)? }))
}

fn parse(data: &str) -> Result<SourceCopy> {
    serde_json::from_str(data).map_err(|source| Error::internal("a copy", source))
}

/// The words of a copy, for the search index.
pub fn rows(conn: &mut Connection, ticket_id: i64) -> Result<Rows> {
    let Some(copy) = of(conn, ticket_id)? else { return Ok(Rows::new()) };
    let texts = (0..).zip(copy.texts()).map(|(place, (_, text))| (place, search::parts([text])));
    Ok(ticket_index::rows_of_copy(ticket_id, texts.collect()))
}

/// Ids of tickets, among the next `limit` of the account after one that have a copy, whose copies
/// have something from these addresses, which are in lower case; and where to go on.
pub fn naming(
    conn: &mut Connection,
    account_id: i64,
    addresses: &[String],
    after: i64,
    limit: i64,
) -> Result<Chunk<i64, i64>> {
    let copies: Vec<(i64, String)> = source_copies::table
        .inner_join(tickets::table.on(tickets::id.eq(source_copies::ticket_id)))
        .filter(tickets::account_id.eq(account_id))
        .filter(source_copies::ticket_id.gt(after))
        .order(source_copies::ticket_id)
        .limit(limit)
        .select((source_copies::ticket_id, source_copies::data))
        .load(conn)?;
    let next = copies.last().map(|(id, _)| *id);
    let mut wrong = Vec::new();
    for (id, data) in copies {
        if parse(&data)?.lines.iter().any(|line| line.is_from(addresses)) {
            wrong.push(id);
        }
    }
    Ok(Chunk { wrong, next })
}

/// Erases what these addresses, which are in lower case, wrote from the copy of a ticket.
pub fn erase_from(conn: &mut Connection, ticket_id: i64, addresses: &[String]) -> Result<()> {
    let row = source_copies::table.find(ticket_id);
    // Locked, because another person may be erased from it meanwhile.
    let held = diesel::update(row).set(source_copies::taken_at.eq(source_copies::taken_at));
    let data: Option<String> = held.returning(source_copies::data).get_result(conn).optional()?;
    let Some(data) = data else { return Ok(()) };
    let mut copy = parse(&data)?;
    for line in copy.lines.iter_mut().filter(|line| line.is_from(addresses)) {
        *line = Line { author: String::new(), body: ERASED.to_owned(), ..line.clone() };
    }
    let data = serde_json::to_string(&copy).map_err(|source| Error::internal("a copy", source))?;
    diesel::update(row).set(source_copies::data.eq(data)).execute(conn)?;
    Ok(())
}

/// Removes the copies of tickets.
pub fn forget(conn: &mut Connection, ticket_ids: &[i64]) -> Result<()> {
    diesel::delete(source_copies::table.filter(source_copies::ticket_id.eq_any(ticket_ids))).execute(conn)?;
    Ok(())
}
