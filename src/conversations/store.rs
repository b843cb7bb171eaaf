//! Queries on conversations and their messages.

use crate::clock::{TRASH, TRASH_SHOWN};
use crate::conversations::model::{Conversation, Message, Sender, Status};
use crate::db::schema::{conversations, messages};
use crate::db::{Connection, MultiBackend};
use crate::error::Result;
use crate::keyset;
use crate::web::paging::{Cursor, Page, Place};
use crate::web::text;
use chrono::NaiveDateTime;
use diesel::prelude::*;

/// How many messages one page of a conversation shows.
pub const MESSAGES: i64 = 50;

/// A conversation about to be stored.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub struct NewConversation {
    pub id: String,
    pub visitor_name: String,
    pub visitor_email: String,
    pub page_url: Option<String>,
    pub country: Option<String>,
}

/// Stores a conversation without messages and returns its row.
///
/// # Errors
/// When the database fails.
pub fn create(
    conn: &mut Connection,
    account_id: i64,
    new: &NewConversation,
    now: NaiveDateTime,
) -> Result<Conversation> {
    Ok(diesel::insert_into(conversations::table)
        .values((
            conversations::account_id.eq(account_id),
            conversations::id.eq(&new.id),
            conversations::status.eq(Status::Open.as_str()),
            conversations::visitor_name.eq(&new.visitor_name),
            conversations::visitor_email.eq(&new.visitor_email),
            conversations::page_url.eq(&new.page_url),
            conversations::country.eq(&new.country),
            conversations::message_count.eq(0),
            conversations::last_message.eq(""),
            conversations::last_message_at.eq(now),
            conversations::created_at.eq(now),
        ))
        .returning(conversations::all_columns)
        .get_result(conn)?)
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

/// One page of the account's conversations of a status, the latest message first.
///
/// # Errors
/// When the database fails.
pub fn page(conn: &mut Connection, account_id: i64, status: Status, place: Place) -> Result<Page<Conversation>> {
    let query = conversations::table
        .filter(conversations::account_id.eq(account_id))
        .filter(conversations::status.eq(status.as_str()))
        .filter(conversations::deleted_at.is_null())
        .into_boxed::<MultiBackend>();
    let rows = keyset!(query, place, conversations::last_message_at, conversations::seq).load(conn)?;
    Ok(Page::new(rows, place, |row: &Conversation| Cursor { at: row.last_message_at, id: row.seq }))
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

/// Adds a message under the next number of its conversation.
///
/// # Errors
/// *Not found* when the conversation is out of reach.
pub fn add_message(
    conn: &mut Connection,
    account_id: i64,
    id: &str,
    (sender, author_name): (Sender, &str),
    body: &str,
    now: NaiveDateTime,
) -> Result<()> {
    let row = conversations::table
        .filter(conversations::account_id.eq(account_id))
        .filter(conversations::id.eq(id))
        .filter(conversations::deleted_at.is_null());
    // The row's lock makes the numbers of a conversation follow one another.
    let (seq, position): (i64, i64) = diesel::update(row)
        .set((
            conversations::message_count.eq(conversations::message_count + 1),
            conversations::last_message.eq(text::shorten(body, 140)),
            conversations::last_message_at.eq(now),
        ))
        .returning((conversations::seq, conversations::message_count))
        .get_result(conn)?;
    diesel::insert_into(messages::table)
        .values((
            messages::account_id.eq(account_id),
            messages::conversation_seq.eq(seq),
            messages::position.eq(position),
            messages::sender.eq(sender.as_str()),
            messages::author_name.eq(author_name),
            messages::body.eq(body),
            messages::created_at.eq(now),
        ))
        .execute(conn)?;
    Ok(())
}

/// Closes or reopens a conversation.
///
/// # Errors
/// *Not found* when it is out of reach.
pub fn set_status(conn: &mut Connection, account_id: i64, id: &str, status: Status) -> Result<()> {
    let conversation = get(conn, account_id, id)?;
    diesel::update(conversations::table.find(conversation.seq))
        .set(conversations::status.eq(status.as_str()))
        .execute(conn)?;
    Ok(())
}

/// Deletes a conversation; it can be restored for 30 days.
///
/// # Errors
/// *Not found* when it is out of reach.
pub fn delete(conn: &mut Connection, account_id: i64, id: &str, now: NaiveDateTime) -> Result<()> {
    let conversation = get(conn, account_id, id)?;
    diesel::update(conversations::table.find(conversation.seq)).set(conversations::deleted_at.eq(now)).execute(conn)?;
    Ok(())
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

/// Brings a deleted conversation back.
///
/// # Errors
/// *Not found* when it is out of reach.
pub fn restore(conn: &mut Connection, account_id: i64, id: &str, now: NaiveDateTime) -> Result<()> {
    let row = conversations::table
        .filter(conversations::account_id.eq(account_id))
        .filter(conversations::id.eq(id))
        .filter(conversations::deleted_at.gt(now - TRASH));
    diesel::update(row).set(conversations::deleted_at.eq(None::<NaiveDateTime>)).execute(conn)?;
    get(conn, account_id, id).map(drop)
}
