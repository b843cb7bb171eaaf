//! Queries on conversations.

use crate::clock::{TRASH, TRASH_SHOWN};
use crate::conversations::model::{Conversation, Status};
use crate::db::dialect::{self, Index};
use crate::db::schema::conversations;
use crate::db::{Connection, MultiBackend, still_wanted, unless_taken};
use crate::error::{Error, Kind, Result};
use crate::keyset;
use crate::search;
use crate::web::paging::{Cursor, Page, Window};
use chrono::NaiveDateTime;
use diesel::prelude::*;

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
    let created = unless_taken(conn, |conn| {
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
    })?;
    created.ok_or_else(|| {
        Error::new(Kind::Conflict, "There is a conversation of that id already, or one was deleted lately.")
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
    let phrases = search::parse(account_id, &filter.q)?;
    if !phrases.is_empty() {
        query = query.filter(dialect::matches_terms(conn, Index::Messages, &phrases));
    } else if !filter.q.trim().is_empty() {
        // Nothing in it can be found, so nothing is.
        return Ok(Page::empty());
    }
    let rows = keyset!(query, window, conversations::last_message_at, conversations::seq).load(conn)?;
    still_wanted()?;
    Ok(Page::new(rows, window, |row: &Conversation| Cursor { at: row.last_message_at, id: row.seq }))
}

/// The conversation, locked until the transaction ends: it makes the numbers of
/// its messages follow one another.
///
/// # Errors
/// *Not found* when it is out of reach.
pub fn lock(conn: &mut Connection, account_id: i64, id: &str) -> Result<Conversation> {
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
