//! Secret links to a conversation, in the mails to its visitor.

use crate::conversations::conversation::Conversation;
use crate::db::Connection;
use crate::db::schema::{conversations, thread_links};
use crate::error::{Error, Kind, Result};
use crate::values::token;
use chrono::{NaiveDateTime, TimeDelta};
use diesel::prelude::*;

/// How long links work after the last message of the conversation.
const LIFETIME: TimeDelta = TimeDelta::days(90);

#[derive(Insertable)]
#[diesel(table_name = thread_links)]
struct Link<'a> {
    token_hash: String,
    conversation_seq: i64,
    address: &'a str,
    created_at: NaiveDateTime,
}

/// Creates a link for the address of the conversation's visitor.
pub fn create(conn: &mut Connection, of: &Conversation, secret: &str, now: NaiveDateTime) -> Result<()> {
    let (token_hash, address) = (token::sha256(secret.as_bytes()), of.visitor_email.as_str());
    let link = Link { token_hash, conversation_seq: of.seq, address, created_at: now };
    diesel::insert_into(thread_links::table).values(link).execute(conn)?;
    Ok(())
}

/// The conversation that a link with this secret leads to.
///
/// # Errors
/// *Not found* when there is no such link, the conversation was deleted, its last message is more
/// than 90 days old, or its visitor has another address now.
pub fn find(conn: &mut Connection, secret: &str, now: NaiveDateTime) -> Result<Conversation> {
    let found: Option<Conversation> = thread_links::table
        .inner_join(conversations::table.on(conversations::seq.eq(thread_links::conversation_seq)))
        .filter(thread_links::token_hash.eq(token::sha256(secret.as_bytes())))
        .filter(thread_links::address.eq(conversations::visitor_email))
        .filter(conversations::deleted_at.is_null())
        .filter(conversations::last_message_at.gt(now - LIFETIME))
        .select(conversations::all_columns)
        .first(conn)
        .optional()?;
    found.ok_or_else(|| Error::new(Kind::NotFound, "This link doesn’t work any more."))
}

/// The conversation and the address of a link, even if it no longer opens the conversation: mails
/// can be stopped for longer.
///
/// # Errors
/// *Not found* when there is no such link.
pub fn sent_to(conn: &mut Connection, secret: &str) -> Result<(Conversation, String)> {
    let found: Option<(Conversation, String)> = thread_links::table
        .inner_join(conversations::table.on(conversations::seq.eq(thread_links::conversation_seq)))
        .filter(thread_links::token_hash.eq(token::sha256(secret.as_bytes())))
        .select((conversations::all_columns, thread_links::address))
        .first(conn)
        .optional()?;
    found.ok_or_else(|| Error::new(Kind::NotFound, "This link doesn’t work any more."))
}

/// Ends all links to a conversation, and returns how many there were.
pub fn revoke(conn: &mut Connection, seq: i64) -> Result<usize> {
    Ok(diesel::delete(thread_links::table.filter(thread_links::conversation_seq.eq(seq))).execute(conn)?)
}
