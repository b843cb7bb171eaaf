//! What a conversation counts for in reports: how long its visitor waited for the first reply.

use crate::conversations::conversation;
use crate::conversations::conversation::Conversation;
use crate::db::Connection;
use crate::db::schema::conversations;
use crate::error::Result;
use crate::figures;
use crate::figures::{Dimension, Measure, Subject, Tally};
use diesel::prelude::*;

fn tally(conversation: &Conversation) -> Tally {
    let (Some(at), Some(seconds), None) =
        (conversation.first_reply_at, conversation.first_reply_seconds, conversation.deleted_at)
    else {
        return Tally::default();
    };
    Tally { keys: vec![(Dimension::All, 0)], counted: vec![(Measure::FirstReply, Some(at), seconds)] }
}

/// Counts the first reply, or the conversation's way to the trash or back.
pub(super) fn changed(conn: &mut Connection, before: &Conversation, after: &Conversation) -> Result<()> {
    let (was, is) = (tally(before), tally(after));
    if was.keys.is_empty() && is.keys.is_empty() {
        return Ok(());
    }
    figures::change(conn, before.account_id, Subject::Conversation(before.seq), &was, &is)
}

/// What the next conversations of an account after a row count for, which are locked until
/// the transaction ends, and the last of their rows.
pub fn tallies(
    conn: &mut Connection,
    account_id: i64,
    after: i64,
    limit: i64,
) -> Result<(Vec<Tally>, Option<Subject>)> {
    let seqs: Vec<i64> = conversations::table
        .filter(conversations::account_id.eq(account_id))
        .filter(conversations::seq.gt(after))
        .order(conversations::seq)
        .limit(limit)
        .select(conversations::seq)
        .load(conn)?;
    let tallies = conversation::lock_all(conn, &seqs)?.iter().map(tally).collect();
    Ok((tallies, seqs.last().map(|seq| Subject::Conversation(*seq))))
}

/// Counts the conversations of an account after a row, which are new.
pub fn count_after(conn: &mut Connection, account_id: i64, after: i64) -> Result<()> {
    match tallies(conn, account_id, after, i64::MAX)? {
        (tallies, Some(last)) => figures::count_new(conn, account_id, &tallies, last),
        (_, None) => Ok(()),
    }
}
