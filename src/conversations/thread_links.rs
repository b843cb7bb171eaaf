//! Secret links to a conversation and secret addresses for answers, in the mails to its visitor.

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
    job_id: i64,
    reply_hash: Option<String>,
}

/// The secrets of one mail. Each opens one thing only.
#[derive(Clone, Debug)]
pub struct Secrets {
    /// The one of the link.
    pub link: String,
    /// The one of the address for answers, if mails have one.
    pub reply: Option<String>,
}

/// Creates the link of a mail for the address of the conversation's visitor. `job_id` is the job
/// that sends the mail.
pub fn create(
    conn: &mut Connection,
    of: &Conversation,
    secrets: &Secrets,
    job_id: i64,
    now: NaiveDateTime,
) -> Result<()> {
    let hash = |secret: &String| token::sha256(secret.as_bytes());
    let link = Link {
        token_hash: hash(&secrets.link),
        conversation_seq: of.seq,
        address: &of.visitor_email,
        created_at: now,
        job_id,
        reply_hash: secrets.reply.as_ref().map(hash),
    };
    diesel::insert_into(thread_links::table).values(link).execute(conn)?;
    Ok(())
}

/// Whether a link opens its conversation: that is not deleted, its last message is less than 90
/// days old, and its visitor still has the address.
#[diesel::dsl::auto_type(no_type_alias)]
fn works(now: NaiveDateTime) -> _ {
    let since: NaiveDateTime = now - LIFETIME;
    let is_current = conversations::deleted_at.is_null().and(conversations::last_message_at.gt(since));
    thread_links::address.eq(conversations::visitor_email).and(is_current)
}

/// The conversation that a link with this secret leads to.
///
/// # Errors
/// *Not found* when there is no such link, or it does not work any more.
pub fn find(conn: &mut Connection, secret: &str, now: NaiveDateTime) -> Result<Conversation> {
    let found: Option<Conversation> = thread_links::table
        .inner_join(conversations::table.on(conversations::seq.eq(thread_links::conversation_seq)))
        .filter(thread_links::token_hash.eq(token::sha256(secret.as_bytes())))
        .filter(works(now))
        .select(conversations::all_columns)
        .first(conn)
        .optional()?;
    found.ok_or_else(|| Error::new(Kind::NotFound, "This link doesn’t work any more."))
}

/// The conversation that an answer to an address with this secret belongs to, and the job of the
/// mail that named the address. It works as long as the link of that mail.
pub fn answered(conn: &mut Connection, secret: &str, now: NaiveDateTime) -> Result<Option<(Conversation, i64)>> {
    let found: Option<(Conversation, Option<i64>)> = thread_links::table
        .inner_join(conversations::table.on(conversations::seq.eq(thread_links::conversation_seq)))
        .filter(thread_links::reply_hash.eq(token::sha256(secret.as_bytes())))
        .filter(works(now))
        .select((conversations::all_columns, thread_links::job_id))
        .first(conn)
        .optional()?;
    Ok(found.and_then(|(conversation, job_id)| Some((conversation, job_id?))))
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
