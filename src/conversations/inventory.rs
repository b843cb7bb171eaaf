//! Upkeep of conversations: checks counters and the search index.

use crate::conversations::conversation;
use crate::conversations::conversation::Conversation;
use crate::conversations::messages::{Message, Sender, terms as message_terms};
use crate::db::index::Index;
use crate::db::schema::{conversations, messages};
use crate::db::{Connection, index};
use crate::error::Result;
use crate::search::Part;
use crate::values::chunk::Chunk;
use diesel::dsl::max;
use diesel::prelude::*;
use serde::{Deserialize, Serialize};

/// Compares the counters of an account's conversations with their messages. Reports each
/// difference and, with `repair`, corrects it.
pub fn recount(
    conn: &mut Connection,
    account_id: i64,
    after: i64,
    limit: i64,
    repair: bool,
) -> Result<Chunk<String, i64>> {
    let seqs: Vec<i64> = conversations::table
        .filter(conversations::account_id.eq(account_id))
        .filter(conversations::seq.gt(after))
        .order(conversations::seq)
        .limit(limit)
        .select(conversations::seq)
        .load(conn)?;
    let mut wrong = Vec::new();
    // No message comes until the transaction ends.
    for row in conversation::lock_all(conn, &seqs)? {
        let of_it = messages::table.filter(messages::conversation_seq.eq(row.seq));
        let newest: Option<i64> = of_it.select(max(messages::position)).first(conn)?;
        let by_agents = of_it.filter(messages::sender.eq(Sender::Agent));
        let answered: Option<i64> = by_agents.select(max(messages::position)).first(conn)?;
        let there = (newest.unwrap_or(0), answered.unwrap_or(0));
        if there == (row.message_count, row.answered_position) {
            continue;
        }
        let stored = format!("{} messages, answered up to {}", row.message_count, row.answered_position);
        wrong.push(format!(
            "conversation {} stores {stored}; correct are {}, answered up to {}",
            row.id, there.0, there.1
        ));
        if repair {
            diesel::update(conversations::table.find(row.seq))
                .set((conversations::message_count.eq(there.0), conversations::answered_position.eq(there.1)))
                .execute(conn)?;
        }
    }
    Ok(Chunk { wrong, next: seqs.last().copied() })
}

/// A position in a scan of all messages.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, PartialOrd, Serialize)]
pub struct Place {
    seq: i64,
    position: i64,
}

impl Place {
    /// After all messages.
    pub fn end(conn: &mut Connection) -> Result<Self> {
        let seq: Option<i64> = conversations::table.select(max(conversations::seq)).first(conn)?;
        Ok(Self { seq: seq.unwrap_or_default(), position: index::MAX_MESSAGES })
    }

    /// The row of its conversation.
    pub fn conversation(self) -> i64 {
        self.seq
    }
}

/// A message that is missing from the search index or has wrong terms there.
pub struct NotFound {
    pub conversation: String,
    pub position: i64,
}

/// Messages after a place.
#[diesel::dsl::auto_type(no_type_alias)]
fn later_than(from: Place) -> _ {
    let (seq, position): (i64, i64) = (from.seq, from.position);
    let later = messages::conversation_seq.eq(seq).and(messages::position.gt(position));
    // The first condition lets engines begin there in the index.
    messages::conversation_seq.ge(seq).and(messages::conversation_seq.gt(seq).or(later))
}

/// The next messages after a place, with their conversations.
fn after(conn: &mut Connection, from: Place, limit: i64) -> Result<Vec<(Message, Conversation)>> {
    Ok(messages::table
        .inner_join(conversations::table)
        .filter(later_than(from))
        .order((messages::conversation_seq, messages::position))
        .limit(limit)
        .select((messages::all_columns, conversations::all_columns))
        .load(conn)?)
}

/// A message's account, its id in the search index, and its words.
fn indexed((message, conversation): &(Message, Conversation)) -> (i64, i64, Part) {
    let id = index::message_id(conversation.seq, message.position);
    (conversation.account_id, id, message_terms(conversation, message))
}

fn place((message, _): &(Message, Conversation)) -> Place {
    Place { seq: message.conversation_seq, position: message.position }
}

/// Adds an account's messages after a place, which are new, to the search index.
pub fn index_new(conn: &mut Connection, account_id: i64, place: Place) -> Result<()> {
    let new = after(conn, place, i64::MAX)?.into_iter().filter(|(_, of)| of.account_id == account_id);
    Ok(index::index_many(conn, Index::Messages, new.map(|row| indexed(&row)))?)
}

/// Sets the words of the messages after a place in the search index, and returns where to continue.
pub fn index_after(conn: &mut Connection, from: Place, limit: i64) -> Result<Option<Place>> {
    let places = messages::table.filter(later_than(from)).order((messages::conversation_seq, messages::position));
    let places: Vec<(i64, i64)> =
        places.limit(limit).select((messages::conversation_seq, messages::position)).load(conn)?;
    let Some(&(seq, position)) = places.last() else { return Ok(None) };
    let last = Place { seq, position };
    // Otherwise words that are erased meanwhile would stay.
    let mut seqs: Vec<i64> = places.into_iter().map(|(seq, _)| seq).collect();
    seqs.dedup();
    conversation::lock_all(conn, &seqs)?;
    let mut rows = after(conn, from, limit)?;
    // If messages are gone since, later ones were read in their place.
    rows.retain(|row| place(row) <= last);
    index::index_many(conn, Index::Messages, rows.iter().map(indexed))?;
    // If messages came since, the last one read is before `last`.
    Ok(Some(rows.last().map_or(last, place)))
}

/// Where the messages stand that the search index seems not to have as they are. Reads `chunk` of them
/// at a time.
pub fn not_indexed(conn: &mut Connection, chunk: i64) -> Result<Vec<Place>> {
    let held = index::held(conn, Index::Messages)?;
    let (mut suspects, mut from) = (Vec::new(), Some(Place::default()));
    while let Some(last) = from {
        let rows = after(conn, last, chunk)?;
        for row in &rows {
            if !index::has_terms(conn, Index::Messages, held.as_ref(), &indexed(row))? {
                suspects.push(place(row));
            }
        }
        from = rows.last().map(place);
    }
    Ok(suspects)
}

/// Checks the search index for messages and, with `repair`, corrects it. Returns those that are not
/// indexed correctly.
pub fn check_index(conn: &mut Connection, places: &[Place], repair: bool) -> Result<Vec<NotFound>> {
    let mut wrong = Vec::new();
    conversation::lock_all(conn, &places.iter().map(|at| at.seq).collect::<Vec<_>>())?;
    for at in places {
        let rows = after(conn, Place { position: at.position - 1, ..*at }, 1)?;
        for row in rows.iter().filter(|row| place(row) == *at) {
            let terms = indexed(row);
            if !index::has_terms(conn, Index::Messages, None, &terms)? {
                wrong.push(NotFound { conversation: row.1.id.clone(), position: at.position });
                if repair {
                    index::index_many(conn, Index::Messages, [terms])?;
                }
            }
        }
    }
    Ok(wrong)
}

/// The number of messages.
pub fn count(conn: &mut Connection) -> Result<i64> {
    Ok(messages::table.count().get_result(conn)?)
}
