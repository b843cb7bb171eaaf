//! Queries on conversations and their messages.

use crate::clock::{TRASH, TRASH_SHOWN};
use crate::conversations::model::{Conversation, Message, NewMessage, Sender, Status};
use crate::db::dialect::{self, Index};
use crate::db::schema::{conversation_marks, conversations, messages};
use crate::db::{Connection, MultiBackend};
use crate::error::{Error, Kind, Result};
use crate::keyset;
use crate::search;
use crate::web::paging::{Cursor, Page, Window};
use crate::web::text;
use chrono::NaiveDateTime;
use diesel::Connection as _;
use diesel::dsl::max;
use diesel::prelude::*;
use diesel::result::{DatabaseErrorKind, Error as DieselError};
use std::collections::HashMap;

/// How many messages one page of a conversation shows.
pub const MESSAGES: i64 = 50;
/// Beyond this many unread conversations nobody counts.
pub const MOST_UNREAD: i64 = 99;

/// A conversation about to be stored.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub struct NewConversation {
    pub id: String,
    pub status: Status,
    pub visitor_name: String,
    pub visitor_email: String,
    pub page_url: Option<String>,
    pub country: Option<String>,
    /// The bubble that it came through, and the hash of the visitor’s secret.
    pub visitor: Option<(i64, String)>,
}

/// Stores a conversation without messages and returns its row.
///
/// # Errors
/// *Conflict* when the account has one of that id.
pub fn create(
    conn: &mut Connection,
    account_id: i64,
    new: &NewConversation,
    now: NaiveDateTime,
) -> Result<Conversation> {
    // A savepoint, so that the transaction lives on when the id is taken.
    let inserted = conn.transaction(|conn| {
        diesel::insert_into(conversations::table)
            .values((
                conversations::account_id.eq(account_id),
                conversations::id.eq(&new.id),
                conversations::status.eq(new.status.as_str()),
                conversations::visitor_name.eq(&new.visitor_name),
                conversations::visitor_email.eq(&new.visitor_email),
                conversations::page_url.eq(&new.page_url),
                conversations::country.eq(&new.country),
                conversations::message_count.eq(0),
                conversations::last_message.eq(""),
                conversations::last_message_at.eq(now),
                conversations::created_at.eq(now),
                conversations::widget_id.eq(new.visitor.as_ref().map(|(widget, _)| *widget)),
                conversations::visitor_hash.eq(new.visitor.as_ref().map(|(_, hash)| hash)),
                conversations::answered_position.eq(0),
            ))
            .returning(conversations::all_columns)
            .get_result(conn)
    });
    inserted.map_err(|error| match error {
        DieselError::DatabaseError(DatabaseErrorKind::UniqueViolation, _) => {
            Error::new(Kind::Conflict, "There is a conversation of that id already, or one was deleted lately.")
        }
        other => other.into(),
    })
}

/// Whether the account has a conversation of that id, not deleted.
///
/// # Errors
/// When the database fails.
pub fn exists(conn: &mut Connection, account_id: i64, id: &str) -> Result<bool> {
    Ok(find(conn, account_id, id)?.is_some())
}

/// A conversation of the account, if it is there and not deleted.
///
/// # Errors
/// When the database fails.
pub fn find(conn: &mut Connection, account_id: i64, id: &str) -> Result<Option<Conversation>> {
    Ok(conversations::table
        .filter(conversations::account_id.eq(account_id))
        .filter(conversations::id.eq(id))
        .filter(conversations::deleted_at.is_null())
        .first(conn)
        .optional()?)
}

/// The same, where it has to be there.
///
/// # Errors
/// *Not found*, also for those of other accounts.
pub fn get(conn: &mut Connection, account_id: i64, id: &str) -> Result<Conversation> {
    Ok(find(conn, account_id, id)?.ok_or(diesel::result::Error::NotFound)?)
}

/// Which conversations a list shows.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Those of one status, or all.
    pub status: Option<Status>,
    /// Those in which a message, or the visitor's name and address, has these words.
    pub q: String,
}

/// One page of the account's conversations, the latest message first.
///
/// # Errors
/// When the database fails.
pub fn page(conn: &mut Connection, account_id: i64, filter: &Filter, window: Window) -> Result<Page<Conversation>> {
    let mut query = conversations::table
        .filter(conversations::account_id.eq(account_id))
        .filter(conversations::deleted_at.is_null())
        .into_boxed::<MultiBackend>();
    if let Some(status) = filter.status {
        query = query.filter(conversations::status.eq(status.as_str()));
    }
    let phrases = search::parse(account_id, &filter.q);
    if !phrases.is_empty() {
        query = query.filter(dialect::matches_terms(conn, Index::Messages, &phrases));
    } else if !filter.q.trim().is_empty() {
        // Nothing in it can be found, so nothing is.
        return Ok(Page::empty());
    }
    let rows = keyset!(query, window, conversations::last_message_at, conversations::seq).load(conn)?;
    Ok(Page::new(rows, window, |row: &Conversation| Cursor { at: row.last_message_at, id: row.seq }))
}

/// The latest messages before a position, oldest first; all up to the newest without one.
///
/// # Errors
/// When the database fails.
pub fn messages(conn: &mut Connection, seq: i64, before: Option<i64>, limit: i64) -> Result<Vec<Message>> {
    let mut rows: Vec<Message> = messages::table
        .filter(messages::conversation_seq.eq(seq))
        .filter(messages::position.lt(before.unwrap_or(i64::MAX)))
        .order(messages::position.desc())
        .limit(limit)
        .load(conn)?;
    rows.reverse();
    Ok(rows)
}

/// The visitor's first message.
///
/// # Errors
/// When the database fails.
pub fn first_words(conn: &mut Connection, seq: i64) -> Result<String> {
    let body: Option<String> = messages::table
        .filter(messages::conversation_seq.eq(seq))
        .filter(messages::sender.eq(Sender::Visitor.as_str()))
        .order(messages::position)
        .select(messages::body)
        .first(conn)
        .optional()?;
    Ok(body.unwrap_or_default())
}

/// The messages after a position, oldest first.
///
/// # Errors
/// When the database fails.
pub fn messages_after(conn: &mut Connection, seq: i64, after: i64, limit: i64) -> Result<Vec<Message>> {
    Ok(messages::table
        .filter(messages::conversation_seq.eq(seq))
        .filter(messages::position.gt(after))
        .order(messages::position)
        .limit(limit)
        .load(conn)?)
}

/// What came of posting a message.
#[derive(Clone, Debug)]
pub struct Posted {
    /// The conversation as it is now.
    pub conversation: Conversation,
    /// The message as it is stored.
    pub message: Message,
    /// Whether it was stored by this call, and not by an earlier one with the same id.
    pub is_new: bool,
    /// Whether it opened a closed conversation again.
    pub reopened: bool,
}

/// Adds a message under the next number of its conversation, unless one with
/// its client id is there.
///
/// # Errors
/// *Not found* when the conversation is out of reach; *invalid* when it is full.
pub fn post(conn: &mut Connection, account_id: i64, id: &str, new: &NewMessage) -> Result<Posted> {
    let conversation = lock(conn, account_id, id)?;
    if let Some(message) = known(conn, conversation.seq, new.client_id.as_deref())? {
        return Ok(Posted { conversation, message, is_new: false, reopened: false });
    }
    let position = conversation.message_count + 1;
    if position >= dialect::MAX_MESSAGES {
        return Err(Error::invalid("This conversation holds as many messages as one can."));
    }
    let reopened = new.reopens && !conversation.is_open();
    let is_open = reopened || conversation.is_open();
    let (answered, waiting) = match new.sender {
        Sender::Agent => (position, None),
        Sender::Visitor => {
            (conversation.answered_position, conversation.waiting_since.or(Some(new.at)).filter(|_| is_open))
        }
    };
    let status = if is_open { Status::Open } else { Status::Closed };
    let conversation: Conversation = diesel::update(conversations::table.find(conversation.seq))
        .set((
            conversations::status.eq(status.as_str()),
            conversations::message_count.eq(position),
            conversations::last_message.eq(text::shorten(&new.body, 140)),
            conversations::last_message_at.eq(new.at.max(conversation.last_message_at)),
            conversations::answered_position.eq(answered),
            conversations::waiting_since.eq(waiting),
        ))
        .returning(conversations::all_columns)
        .get_result(conn)?;
    let message: Message = diesel::insert_into(messages::table)
        .values((
            messages::account_id.eq(account_id),
            messages::conversation_seq.eq(conversation.seq),
            messages::position.eq(position),
            messages::sender.eq(new.sender.as_str()),
            messages::author_name.eq(&new.author_name),
            messages::body.eq(&new.body),
            messages::created_at.eq(new.at),
            messages::client_id.eq(&new.client_id),
        ))
        .returning(messages::all_columns)
        .get_result(conn)?;
    let id = dialect::message_id(conversation.seq, position);
    dialect::index_terms(conn, Index::Messages, id, &terms(&conversation, &message))?;
    Ok(Posted { conversation, message, is_new: true, reopened })
}

/// What a conversation is found by, as far as one message tells; the first one
/// also tells of the visitor.
#[must_use]
pub fn terms(conversation: &Conversation, message: &Message) -> Vec<String> {
    let mut texts = vec![message.body.as_str()];
    if message.position == 1 {
        texts.extend([conversation.visitor_name.as_str(), &conversation.visitor_email, &conversation.id]);
    }
    search::terms(conversation.account_id, texts)
}

/// The conversation, locked until the transaction ends: it makes the numbers of
/// its messages follow one another.
fn lock(conn: &mut Connection, account_id: i64, id: &str) -> Result<Conversation> {
    // Writing a row takes its lock on both engines.
    let row = conversations::table
        .filter(conversations::account_id.eq(account_id))
        .filter(conversations::id.eq(id))
        .filter(conversations::deleted_at.is_null());
    Ok(diesel::update(row)
        .set(conversations::message_count.eq(conversations::message_count))
        .returning(conversations::all_columns)
        .get_result(conn)?)
}

fn known(conn: &mut Connection, seq: i64, client_id: Option<&str>) -> Result<Option<Message>> {
    let Some(client_id) = client_id else { return Ok(None) };
    Ok(messages::table
        .filter(messages::conversation_seq.eq(seq))
        .filter(messages::client_id.eq(client_id))
        .first(conn)
        .optional()?)
}

/// The conversation that a visitor has through a bubble, if there is one.
///
/// # Errors
/// When the database fails.
pub fn of_visitor(conn: &mut Connection, widget_id: i64, visitor_hash: &str) -> Result<Option<Conversation>> {
    Ok(conversations::table
        .filter(conversations::widget_id.eq(widget_id))
        .filter(conversations::visitor_hash.eq(visitor_hash))
        .filter(conversations::deleted_at.is_null())
        .order(conversations::seq.desc())
        .first(conn)
        .optional()?)
}

/// Keeps what is known of the visitor.
///
/// # Errors
/// When the database fails.
pub fn set_visitor(conn: &mut Connection, seq: i64, name: &str, email: &str) -> Result<()> {
    let conversation: Conversation = diesel::update(conversations::table.find(seq))
        .set((conversations::visitor_name.eq(name), conversations::visitor_email.eq(email)))
        .returning(conversations::all_columns)
        .get_result(conn)?;
    let first: Option<Message> = messages::table.find((seq, 1)).first(conn).optional()?;
    if let Some(first) = first {
        let terms = terms(&conversation, &first);
        dialect::index_terms(conn, Index::Messages, dialect::message_id(seq, 1), &terms)?;
    }
    Ok(())
}

/// The status of a conversation and its messages after a position, oldest first;
/// nothing when it is deleted.
///
/// # Errors
/// When the database fails.
pub fn news_of(conn: &mut Connection, seq: i64, after: i64, limit: i64) -> Result<Option<(String, Vec<Message>)>> {
    let status: Option<String> = conversations::table
        .find(seq)
        .filter(conversations::deleted_at.is_null())
        .select(conversations::status)
        .first(conn)
        .optional()?;
    status.map(|status| Ok((status, messages_after(conn, seq, after, limit)?))).transpose()
}

/// How far a user has read each of these conversations.
///
/// # Errors
/// When the database fails.
pub fn marks(conn: &mut Connection, user_id: i64, seqs: &[i64]) -> Result<HashMap<i64, i64>> {
    let rows: Vec<(i64, i64)> = conversation_marks::table
        .filter(conversation_marks::user_id.eq(user_id))
        .filter(conversation_marks::conversation_seq.eq_any(seqs))
        .select((conversation_marks::conversation_seq, conversation_marks::position))
        .load(conn)?;
    Ok(rows.into_iter().collect())
}

/// Notes that a user has read up to a position; never takes anything back.
///
/// # Errors
/// When the database fails.
pub fn mark(conn: &mut Connection, user_id: i64, seq: i64, position: i64) -> Result<()> {
    let row = conversation_marks::table.find((user_id, seq));
    let forward = row.filter(conversation_marks::position.lt(position));
    diesel::update(forward).set(conversation_marks::position.eq(position)).execute(conn)?;
    if row.select(conversation_marks::position).first::<i64>(conn).optional()?.is_some() {
        return Ok(());
    }
    let inserted = conn.transaction(|conn| {
        diesel::insert_into(conversation_marks::table)
            .values((
                conversation_marks::user_id.eq(user_id),
                conversation_marks::conversation_seq.eq(seq),
                conversation_marks::position.eq(position),
            ))
            .execute(conn)
    });
    match inserted {
        // The same user in another tab.
        Err(DieselError::DatabaseError(DatabaseErrorKind::UniqueViolation, _)) | Ok(_) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// How many conversations wait with something that the user has not read, at
/// most one more than [`MOST_UNREAD`].
///
/// # Errors
/// When the database fails.
pub fn unread(conn: &mut Connection, account_id: i64, user_id: i64) -> Result<usize> {
    let mark = conversation_marks::conversation_seq.eq(conversations::seq).and(conversation_marks::user_id.eq(user_id));
    let read = conversation_marks::position.nullable();
    let waiting: Vec<i64> = conversations::table
        .left_join(conversation_marks::table.on(mark))
        .filter(conversations::account_id.eq(account_id))
        .filter(conversations::waiting_since.is_not_null())
        .filter(conversations::deleted_at.is_null())
        .filter(read.is_null().or(read.lt(conversations::message_count.nullable())))
        .select(conversations::seq)
        .limit(MOST_UNREAD + 1)
        .load(conn)?;
    Ok(waiting.len())
}

/// Those of these conversations whose visitor waits for an answer.
///
/// # Errors
/// When the database fails.
pub fn waiting_among(conn: &mut Connection, account_id: i64, ids: &[&str]) -> Result<Vec<String>> {
    Ok(conversations::table
        .filter(conversations::account_id.eq(account_id))
        .filter(conversations::id.eq_any(ids))
        .filter(conversations::waiting_since.is_not_null())
        .filter(conversations::deleted_at.is_null())
        .select(conversations::id)
        .load(conn)?)
}

/// Changes what is known of the visitor, where it is given, and returns the
/// conversation as it is now.
///
/// # Errors
/// *Not found* when it is out of reach.
pub fn change_visitor(
    conn: &mut Connection,
    account_id: i64,
    id: &str,
    name: Option<&str>,
    email: Option<&str>,
) -> Result<Conversation> {
    let found = lock(conn, account_id, id)?;
    let (name, email) = (name.unwrap_or(&found.visitor_name), email.unwrap_or(&found.visitor_email));
    if (name, email) != (&found.visitor_name, &found.visitor_email) {
        set_visitor(conn, found.seq, name, email)?;
    }
    get(conn, account_id, id)
}

/// Closes or reopens a conversation and returns it as it is now. What was closed
/// waits for nobody any more.
///
/// # Errors
/// *Not found* when it is out of reach.
pub fn set_status(conn: &mut Connection, account_id: i64, id: &str, status: Status) -> Result<Conversation> {
    let conversation = lock(conn, account_id, id)?;
    let waits = status == Status::Open && conversation.message_count > conversation.answered_position;
    let since = conversation.waiting_since.or(Some(conversation.last_message_at)).filter(|_| waits);
    Ok(diesel::update(conversations::table.find(conversation.seq))
        .set((conversations::status.eq(status.as_str()), conversations::waiting_since.eq(since)))
        .returning(conversations::all_columns)
        .get_result(conn)?)
}

/// Deletes a conversation, which can be restored for 30 days, and returns it.
///
/// # Errors
/// *Not found* when it is out of reach.
pub fn delete(conn: &mut Connection, account_id: i64, id: &str, now: NaiveDateTime) -> Result<Conversation> {
    let conversation = get(conn, account_id, id)?;
    diesel::update(conversations::table.find(conversation.seq)).set(conversations::deleted_at.eq(now)).execute(conn)?;
    Ok(conversation)
}

/// The latest deleted conversations that can still be restored.
///
/// # Errors
/// When the database fails.
pub fn trash(conn: &mut Connection, account_id: i64, now: NaiveDateTime) -> Result<Vec<Conversation>> {
    Ok(conversations::table
        .filter(conversations::account_id.eq(account_id))
        .filter(conversations::deleted_at.gt(now - TRASH))
        .order((conversations::deleted_at.desc(), conversations::seq.desc()))
        .limit(TRASH_SHOWN)
        .load(conn)?)
}

/// Brings a deleted conversation back and returns it.
///
/// # Errors
/// *Not found* when it is out of reach.
pub fn restore(conn: &mut Connection, account_id: i64, id: &str, now: NaiveDateTime) -> Result<Conversation> {
    let row = conversations::table
        .filter(conversations::account_id.eq(account_id))
        .filter(conversations::id.eq(id))
        .filter(conversations::deleted_at.gt(now - TRASH));
    diesel::update(row).set(conversations::deleted_at.eq(None::<NaiveDateTime>)).execute(conn)?;
    let restored = get(conn, account_id, id)?;
    let (Some(widget), Some(visitor)) = (restored.widget_id, &restored.visitor_hash) else { return Ok(restored) };
    if of_visitor(conn, widget, visitor)?.is_none_or(|newest| newest.seq == restored.seq) {
        return Ok(restored);
    }
    // The visitor has begun another one since, and their bubble shows that.
    Ok(diesel::update(conversations::table.find(restored.seq))
        .set((conversations::widget_id.eq(None::<i64>), conversations::visitor_hash.eq(None::<String>)))
        .returning(conversations::all_columns)
        .get_result(conn)?)
}

/// Compares what an account's conversations say of their messages with these,
/// tells each difference and, with `repair`, mends it.
///
/// # Errors
/// When the database fails.
pub fn recount(
    conn: &mut Connection,
    account_id: i64,
    after: i64,
    limit: i64,
    repair: bool,
) -> Result<(Vec<String>, Option<i64>)> {
    let seqs: Vec<i64> = conversations::table
        .filter(conversations::account_id.eq(account_id))
        .filter(conversations::seq.gt(after))
        .order(conversations::seq)
        .limit(limit)
        .select(conversations::seq)
        .load(conn)?;
    let mut wrong = Vec::new();
    for seq in &seqs {
        // Writing the row makes those who post wait.
        let row: Conversation = diesel::update(conversations::table.find(seq))
            .set(conversations::message_count.eq(conversations::message_count))
            .returning(conversations::all_columns)
            .get_result(conn)?;
        let of_it = messages::table.filter(messages::conversation_seq.eq(row.seq));
        let newest: Option<i64> = of_it.select(max(messages::position)).first(conn)?;
        let by_agents = of_it.filter(messages::sender.eq(Sender::Agent.as_str()));
        let answered: Option<i64> = by_agents.select(max(messages::position)).first(conn)?;
        let there = (newest.unwrap_or(0), answered.unwrap_or(0));
        if there == (row.message_count, row.answered_position) {
            continue;
        }
        let said = format!("{} messages, answered up to {}", row.message_count, row.answered_position);
        wrong.push(format!("conversation {} says {said}; there are {}, answered up to {}", row.id, there.0, there.1));
        if repair {
            diesel::update(conversations::table.find(row.seq))
                .set((conversations::message_count.eq(there.0), conversations::answered_position.eq(there.1)))
                .execute(conn)?;
        }
    }
    Ok((wrong, seqs.last().copied()))
}

/// Looks whether the messages after a place, by conversation and position, are
/// found by what they say, and with `repair` sees to it. Returns those that were
/// not, and where to go on.
///
/// # Errors
/// When the database fails.
#[allow(clippy::type_complexity)]
pub fn reindex_after(
    conn: &mut Connection,
    (seq, position): (i64, i64),
    limit: i64,
    repair: bool,
) -> Result<(Vec<(String, i64)>, Option<(i64, i64)>)> {
    let later = messages::conversation_seq.eq(seq).and(messages::position.gt(position));
    let rows: Vec<(Message, Conversation)> = messages::table
        .inner_join(conversations::table)
        .filter(messages::conversation_seq.gt(seq).or(later))
        .order((messages::conversation_seq, messages::position))
        .limit(limit)
        .select((messages::all_columns, conversations::all_columns))
        .load(conn)?;
    let mut wrong = Vec::new();
    for (message, conversation) in &rows {
        let (id, terms) = (dialect::message_id(conversation.seq, message.position), terms(conversation, message));
        if !dialect::has_terms(conn, Index::Messages, id, &terms)? {
            wrong.push((conversation.id.clone(), message.position));
            if repair {
                dialect::index_terms(conn, Index::Messages, id, &terms)?;
            }
        }
    }
    Ok((wrong, rows.last().map(|(message, _)| (message.conversation_seq, message.position))))
}

/// Whether the newest of all messages is found by what it says. Then all are, since
/// they are indexed in their order; what a crash left out `docket check` finds.
///
/// # Errors
/// When the database fails.
pub fn is_indexed(conn: &mut Connection) -> Result<bool> {
    let newest: Option<(i64, i64)> = messages::table
        .order((messages::conversation_seq.desc(), messages::position.desc()))
        .select((messages::conversation_seq, messages::position))
        .first(conn)
        .optional()?;
    let Some((seq, position)) = newest else { return Ok(true) };
    let (message, conversation): (Message, Conversation) = messages::table
        .find((seq, position))
        .inner_join(conversations::table)
        .select((messages::all_columns, conversations::all_columns))
        .first(conn)?;
    let (id, terms) = (dialect::message_id(seq, position), terms(&conversation, &message));
    Ok(dialect::has_terms(conn, Index::Messages, id, &terms)?)
}
