//! Erasing a person from the conversations of others, which they answered by email or which were
//! theirs once.

use crate::clock::EXPIRED;
use crate::conversations::conversation;
use crate::conversations::conversation::Conversation;
use crate::conversations::messages::{Message, index_on_tickets, terms, texts};
use crate::conversations::stopped;
use crate::db::fixed::Fixed;
use crate::db::index::Index;
use crate::db::schema::{conversations, messages, reply_mails, source_files, thread_links};
use crate::db::{Connection, index};
use crate::error::Result;
use crate::source_files::file;
use crate::source_files::file::{SourceFile, State};
use diesel::prelude::*;

/// Stands where a text was.
pub const ERASED: &str = "[erased]";

/// Conversation and position of the messages that came by email from one of these addresses, which
/// are in lower case, in conversations of others.
pub fn answers_from(conn: &mut Connection, account_id: i64, addresses: &[String]) -> Result<Vec<(i64, i64)>> {
    Ok(messages::table
        .inner_join(conversations::table)
        .filter(messages::account_id.eq(account_id))
        .filter(messages::from_address.eq_any(addresses))
        // A literal, because the partial index is not used with a bound parameter.
        .filter(Fixed("messages.from_address <> ''"))
        .filter(conversations::deleted_at.is_null().or(conversations::deleted_at.gt(EXPIRED)))
        .order((messages::conversation_seq, messages::position))
        .select((messages::conversation_seq, messages::position))
        .load(conn)?)
}

/// What an erased message had.
#[derive(Clone, Debug)]
pub struct ErasedMessage {
    pub conversation: Conversation,
    pub files: Vec<SourceFile>,
}

/// Erases a message: what it says, who wrote it, its files, and where later mails quote it. `None`
/// when it is gone.
pub fn message(conn: &mut Connection, seq: i64, position: i64) -> Result<Option<ErasedMessage>> {
    // The conversation first, as when a message is posted.
    let Some(mut of) = conversation::lock_all(conn, &[seq])?.pop() else { return Ok(None) };
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
    let Some(erased) = erased else { return Ok(None) };
    let later = messages::table.filter(messages::conversation_seq.eq(seq)).filter(messages::position.gt(position));
    diesel::update(later.filter(messages::folded.ne(""))).set(messages::folded.eq("")).execute(conn)?;
    if of.message_count == position {
        ERASED.clone_into(&mut of.last_message);
        diesel::update(conversations::table.find(seq)).set(conversations::last_message.eq(ERASED)).execute(conn)?;
    }
    let id = index::message_id(seq, position);
    index::index_terms(conn, Index::Messages, of.account_id, id, terms(&of, &erased))?;
    if of.deleted_at.is_none() {
        let texts = texts(conn, &of)?;
        index_on_tickets(conn, &of, &texts)?;
    }
    let files = file::of_messages(conn, seq, position, position)?.remove(&position).unwrap_or_default();
    let ids = files.iter().map(|file| file.id.clone());
    let rows = source_files::table.filter(source_files::id.eq_any(ids));
    diesel::update(rows).set(source_files::state.eq(State::GivenUp)).execute(conn)?;
    Ok(Some(ErasedMessage { conversation: of, files }))
}

/// Removes the addresses, which are in lower case, from everything but messages.
pub fn addresses(conn: &mut Connection, account_id: i64, addresses: &[String]) -> Result<()> {
    for address in addresses {
        stopped::resume(conn, account_id, address)?;
    }
    let mails = || {
        let of_account = reply_mails::table.filter(reply_mails::account_id.eq(account_id));
        of_account.filter(reply_mails::address.eq_any(addresses))
    };
    // Whatever else has the address was mailed to it.
    let mut seqs: Vec<i64> = mails().select(reply_mails::conversation_seq).load(conn)?;
    seqs.sort_unstable();
    seqs.dedup();
    let is_theirs = |address: &str| addresses.contains(&address.to_lowercase());
    for seq in seqs {
        let row = conversations::table.find(seq);
        let confirmed: Option<String> = row.select(conversations::confirmed_email).first(conn).optional()?;
        if confirmed.is_some_and(|confirmed| is_theirs(&confirmed)) {
            diesel::update(row).set(conversations::confirmed_email.eq("")).execute(conn)?;
        }
        let links: Vec<(String, String)> = thread_links::table
            .filter(thread_links::conversation_seq.eq(seq))
            .select((thread_links::token_hash, thread_links::address))
            .load(conn)?;
        let hashes = links.into_iter().filter(|(_, to)| is_theirs(to)).map(|(hash, _)| hash);
        diesel::delete(thread_links::table.filter(thread_links::token_hash.eq_any(hashes))).execute(conn)?;
    }
    let failed = mails().filter(reply_mails::error.ne(""));
    diesel::update(failed).set(reply_mails::error.eq("a mail server refused it")).execute(conn)?;
    diesel::update(mails()).set(reply_mails::address.eq("")).execute(conn)?;
    Ok(())
}
