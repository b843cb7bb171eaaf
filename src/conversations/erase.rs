//! Erasing a person from the conversations of others, which they answered by email or which were
//! theirs once.

use crate::conversations::conversation::Conversation;
use crate::conversations::messages::{Message, index_on_tickets, terms, texts};
use crate::conversations::stopped;
use crate::db::index::Index;
use crate::db::schema::{conversations, messages, reply_mails, source_files, thread_links};
use crate::db::{Connection, index};
use crate::error::Result;
use crate::source_files::file::State;
use diesel::prelude::*;

/// Stands where a text was.
pub const ERASED: &str = "[erased]";

/// Where a person's addresses stand.
#[derive(Clone, Debug, Default)]
pub struct Traces {
    /// Conversation and position of messages that came from one of them.
    pub messages: Vec<(i64, i64)>,
    /// Conversations whose visitor has confirmed one.
    confirmed: Vec<i64>,
    /// Links that were mailed to one.
    links: Vec<String>,
}

/// Looks through the conversations of the account. `addresses` are in lower case.
pub fn traces(conn: &mut Connection, account_id: i64, addresses: &[String]) -> Result<Traces> {
    let is_theirs = |address: &str| addresses.contains(&address.to_lowercase());
    let sent: Vec<(i64, i64, String)> = messages::table
        .filter(messages::account_id.eq(account_id))
        .filter(messages::from_address.ne(""))
        .select((messages::conversation_seq, messages::position, messages::from_address))
        .load(conn)?;
    let confirmed: Vec<(i64, String)> = conversations::table
        .filter(conversations::account_id.eq(account_id))
        .filter(conversations::confirmed_email.ne(""))
        .select((conversations::seq, conversations::confirmed_email))
        .load(conn)?;
    let links: Vec<(String, String)> = thread_links::table
        .inner_join(conversations::table.on(conversations::seq.eq(thread_links::conversation_seq)))
        .filter(conversations::account_id.eq(account_id))
        .select((thread_links::token_hash, thread_links::address))
        .load(conn)?;
    Ok(Traces {
        messages: sent.into_iter().filter(|(.., from)| is_theirs(from)).map(|(seq, at, _)| (seq, at)).collect(),
        confirmed: confirmed.into_iter().filter(|(_, email)| is_theirs(email)).map(|(seq, _)| seq).collect(),
        links: links.into_iter().filter(|(_, to)| is_theirs(to)).map(|(hash, _)| hash).collect(),
    })
}

/// Erases a message: what it says, who wrote it, and its files. Returns whether it was there.
pub fn message(conn: &mut Connection, seq: i64, position: i64) -> Result<bool> {
    // The conversation first, as when a message is posted.
    let row = conversations::table.find(seq);
    let mut of: Conversation = diesel::update(row)
        .set(conversations::seq.eq(conversations::seq))
        .returning(conversations::all_columns)
        .get_result(conn)?;
    let erased: Option<Message> = diesel::update(messages::table.find((seq, position)))
        .set((
            messages::body.eq(ERASED),
            messages::folded.eq(""),
            messages::author_name.eq(""),
            messages::from_address.eq(""),
            messages::client_id.eq(None::<String>),
        ))
        .returning(messages::all_columns)
        .get_result(conn)
        .optional()?;
    let Some(erased) = erased else { return Ok(false) };
    if of.message_count == position {
        ERASED.clone_into(&mut of.last_message);
        diesel::update(row).set(conversations::last_message.eq(ERASED)).execute(conn)?;
    }
    let id = index::message_id(seq, position);
    index::index_terms(conn, Index::Messages, of.account_id, id, &terms(&of, &erased))?;
    if of.deleted_at.is_none() {
        let texts = texts(conn, &of)?;
        index_on_tickets(conn, &of, &texts)?;
    }
    let files = source_files::table
        .filter(source_files::conversation_seq.eq(seq))
        .filter(source_files::message_position.eq(position));
    diesel::update(files).set(source_files::state.eq(State::GivenUp)).execute(conn)?;
    Ok(true)
}

/// Removes the addresses, which are in lower case, from everything but messages.
pub fn addresses(conn: &mut Connection, account_id: i64, addresses: &[String], of: &Traces) -> Result<()> {
    for address in addresses {
        stopped::resume(conn, account_id, address)?;
    }
    let mails = || {
        let of_account = reply_mails::table.filter(reply_mails::account_id.eq(account_id));
        of_account.filter(reply_mails::address.eq_any(addresses))
    };
    let failed = mails().filter(reply_mails::error.ne(""));
    diesel::update(failed).set(reply_mails::error.eq("a mail server refused it")).execute(conn)?;
    diesel::update(mails()).set(reply_mails::address.eq("")).execute(conn)?;
    for seq in &of.confirmed {
        diesel::update(conversations::table.find(seq)).set(conversations::confirmed_email.eq("")).execute(conn)?;
    }
    for hash in &of.links {
        diesel::delete(thread_links::table.find(hash)).execute(conn)?;
    }
    Ok(())
}
