//! Deleting conversations, and restoring them.

use crate::clock::{TRASH, TRASH_SHOWN};
use crate::conversations::conversation::{Conversation, get, of_visitor};
use crate::db::Connection;
use crate::db::schema::conversations;
use crate::error::Result;
use chrono::NaiveDateTime;
use diesel::prelude::*;

/// Deletes a conversation, which can be restored for 30 days, and returns it.
pub fn delete(conn: &mut Connection, account_id: i64, id: &str, now: NaiveDateTime) -> Result<Conversation> {
    let conversation = get(conn, account_id, id)?;
    diesel::update(conversations::table.find(conversation.seq)).set(conversations::deleted_at.eq(now)).execute(conn)?;
    Ok(conversation)
}

/// The latest deleted conversations that can still be restored.
pub fn deleted(conn: &mut Connection, account_id: i64, now: NaiveDateTime) -> Result<Vec<Conversation>> {
    Ok(conversations::table
        .filter(conversations::account_id.eq(account_id))
        .filter(conversations::deleted_at.gt(now - TRASH))
        .order((conversations::deleted_at.desc(), conversations::seq.desc()))
        .limit(TRASH_SHOWN)
        .load(conn)?)
}

/// Brings a deleted conversation back and returns it.
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
