//! Queries on messages: reading them, and posting one under the next number of
//! its conversation.

use crate::conversations::model::{Conversation, Message, NewMessage, Sender, Status};
use crate::conversations::store;
use crate::db::Connection;
use crate::db::dialect::{self, Index};
use crate::db::schema::{conversations, messages};
use crate::error::{Error, Result};
use crate::search;
use crate::web::text;
use diesel::prelude::*;

/// How many messages one page of a conversation shows.
pub const MESSAGES: i64 = 50;

/// The latest messages before a position, oldest first; all up to the newest without one.
///
/// # Errors
/// When the database fails.
pub fn before(conn: &mut Connection, seq: i64, before: Option<i64>, limit: i64) -> Result<Vec<Message>> {
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
pub fn after(conn: &mut Connection, seq: i64, after: i64, limit: i64) -> Result<Vec<Message>> {
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
    let conversation = store::lock(conn, account_id, id)?;
    if let Some(message) = known(conn, conversation.seq, new)? {
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
            messages::channel.eq(new.channel.as_str()),
        ))
        .returning(messages::all_columns)
        .get_result(conn)?;
    let id = dialect::message_id(conversation.seq, position);
    dialect::index_terms(conn, Index::Messages, id, &terms(&conversation, &message))?;
    Ok(Posted { conversation, message, is_new: true, reopened })
}

/// Makes a conversation found by what is known of its visitor, which stands with
/// the first message.
///
/// # Errors
/// When the database fails.
pub fn index_visitor(conn: &mut Connection, conversation: &Conversation) -> Result<()> {
    let first: Option<Message> = messages::table.find((conversation.seq, 1)).first(conn).optional()?;
    if let Some(first) = first {
        let id = dialect::message_id(conversation.seq, first.position);
        dialect::index_terms(conn, Index::Messages, id, &terms(conversation, &first))?;
    }
    Ok(())
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

fn known(conn: &mut Connection, seq: i64, new: &NewMessage) -> Result<Option<Message>> {
    let Some(client_id) = &new.client_id else { return Ok(None) };
    Ok(messages::table
        .filter(messages::conversation_seq.eq(seq))
        .filter(messages::channel.eq(new.channel.as_str()))
        .filter(messages::client_id.eq(client_id))
        .first(conn)
        .optional()?)
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
    status.map(|status| Ok((status, self::after(conn, seq, after, limit)?))).transpose()
}
