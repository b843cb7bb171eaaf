//! How far each user has read.

use crate::db::schema::{conversation_marks, conversations};
use crate::db::{Connection, unless_taken};
use crate::error::Result;
use diesel::prelude::*;
use std::collections::HashMap;

/// Unread conversations are counted up to this number; one more stands for "or more".
pub const MOST_UNREAD: i64 = 99;

#[derive(Insertable)]
#[diesel(table_name = conversation_marks)]
struct Mark {
    user_id: i64,
    conversation_seq: i64,
    position: i64,
}

/// How far a user has read each of these conversations.
pub fn of(conn: &mut Connection, user_id: i64, seqs: &[i64]) -> Result<HashMap<i64, i64>> {
    let rows: Vec<(i64, i64)> = conversation_marks::table
        .filter(conversation_marks::user_id.eq(user_id))
        .filter(conversation_marks::conversation_seq.eq_any(seqs))
        .select((conversation_marks::conversation_seq, conversation_marks::position))
        .load(conn)?;
    Ok(rows.into_iter().collect())
}

/// Records that a user has read up to a position. A mark never moves back.
pub fn set(conn: &mut Connection, user_id: i64, seq: i64, position: i64) -> Result<()> {
    let row = conversation_marks::table.find((user_id, seq));
    let forward = row.filter(conversation_marks::position.lt(position));
    diesel::update(forward).set(conversation_marks::position.eq(position)).execute(conn)?;
    if row.select(conversation_marks::position).first::<i64>(conn).optional()?.is_some() {
        return Ok(());
    }
    // The same user may insert the mark in another tab at the same time.
    let mark = |conn: &mut Connection| {
        diesel::insert_into(conversation_marks::table)
            .values(Mark { user_id, conversation_seq: seq, position })
            .execute(conn)
    };
    unless_taken(conn, mark).map(drop)
}

/// Counts conversations that need a reply and have messages the user has not read, at
/// most one more than [`MOST_UNREAD`].
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
