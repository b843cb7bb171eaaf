//! Deleting conversations, and restoring them.

use crate::clock::{EXPIRED, TRASH, TRASH_SHOWN};
use crate::conversations::conversation::{Conversation, get, of_visitor};
use crate::conversations::messages::{index_on_tickets, texts};
use crate::conversations::{conversation, figures, reply_mails, thread_links};
use crate::db::index::Index;
use crate::db::schema::{conversation_marks, conversations, messages};
use crate::db::{Connection, index};
use crate::error::Result;
use crate::events::actor::Actor;
use crate::events::event::Kind as EventKind;
use crate::events::record::{NewEvent, record};
use chrono::NaiveDateTime;
use diesel::prelude::*;

/// Deletes a conversation, which can be restored for 30 days. Returns the id of the event.
pub fn delete(conn: &mut Connection, actor: &Actor, id: &str, now: NaiveDateTime) -> Result<i64> {
    let conversation = conversation::lock(conn, actor.account_id, id)?;
    diesel::update(conversations::table.find(conversation.seq)).set(conversations::deleted_at.eq(now)).execute(conn)?;
    figures::changed(conn, &conversation, &Conversation { deleted_at: Some(now), ..conversation.clone() })?;
    index_on_tickets(conn, &conversation, &[])?;
    record(conn, actor, conversation.event(EventKind::ConversationDeleted), now)
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

/// Brings a deleted conversation back.
pub fn restore(conn: &mut Connection, actor: &Actor, id: &str, now: NaiveDateTime) -> Result<()> {
    let account_id = actor.account_id;
    let row = conversations::table
        .filter(conversations::account_id.eq(account_id))
        .filter(conversations::id.eq(id))
        .filter(conversations::deleted_at.gt(now - TRASH));
    let changed = diesel::update(row).set(conversations::deleted_at.eq(None::<NaiveDateTime>)).execute(conn)?;
    let restored = get(conn, account_id, id)?;
    if changed > 0 {
        figures::changed(conn, &Conversation { deleted_at: Some(now), ..restored.clone() }, &restored)?;
        let texts = texts(conn, &restored)?;
        index_on_tickets(conn, &restored, &texts)?;
        record(conn, actor, restored.event(EventKind::ConversationRestored), now)?;
    }
    let (Some(widget), Some(visitor)) = (restored.widget_id, &restored.visitor_hash) else { return Ok(()) };
    if of_visitor(conn, widget, visitor)?.is_none_or(|newest| newest.seq == restored.seq) {
        return Ok(());
    }
    // The visitor has started another conversation since, and the bubble shows that one.
    diesel::update(conversations::table.find(restored.seq))
        .set((conversations::widget_id.eq(None::<i64>), conversations::visitor_hash.eq(None::<String>)))
        .execute(conn)?;
    Ok(())
}

/// Numbers of up to `limit` conversations whose ids match a pattern, except those at the end of
/// their time in the trash.
pub fn matching(conn: &mut Connection, account_id: i64, ids: &str, limit: i64) -> Result<Vec<i64>> {
    Ok(conversations::table
        .filter(conversations::account_id.eq(account_id))
        .filter(conversations::id.like(ids))
        .filter(conversations::deleted_at.is_null().or(conversations::deleted_at.gt(EXPIRED)))
        .limit(limit)
        .select(conversations::seq)
        .load(conn)?)
}

/// Puts conversations at the end of their time in the trash. Returns those that were not there.
pub fn expire(conn: &mut Connection, seqs: &[i64]) -> Result<Vec<Conversation>> {
    let mut rows = conversation::lock_all(conn, seqs)?;
    rows.retain(|row| row.deleted_at.is_none_or(|at| at > EXPIRED));
    for row in &rows {
        figures::changed(conn, row, &Conversation { deleted_at: Some(EXPIRED), ..row.clone() })?;
        index_on_tickets(conn, row, &[])?;
    }
    let expired = conversations::table.filter(conversations::seq.eq_any(rows.iter().map(|row| row.seq)));
    diesel::update(expired).set(conversations::deleted_at.eq(EXPIRED)).execute(conn)?;
    Ok(rows)
}

/// Removes one conversation deleted at or before `old`, or first up to `limit` of its
/// messages. Returns the number of removed rows.
pub fn forget_old(conn: &mut Connection, old: NaiveDateTime, limit: i64, now: NaiveDateTime) -> Result<usize> {
    let deleted = conversations::table.filter(conversations::deleted_at.le(old));
    let Some(seq) = deleted.select(conversations::seq).first::<i64>(conn).optional()? else { return Ok(0) };
    // Another instance has removed it. There may be more.
    let Some(conversation) = conversation::lock_all(conn, &[seq])?.pop() else { return Ok(1) };
    let positions: Vec<i64> = messages::table
        .filter(messages::conversation_seq.eq(seq))
        .order(messages::position.desc())
        .limit(limit)
        .select(messages::position)
        .load(conn)?;
    let Some(first) = positions.last() else {
        let purged = NewEvent::new(EventKind::ConversationPurged, &conversation.id);
        record(conn, &Actor::system(conversation.account_id), purged, now)?;
        thread_links::revoke(conn, seq)?;
        reply_mails::forget(conn, seq)?;
        diesel::delete(conversation_marks::table.filter(conversation_marks::conversation_seq.eq(seq))).execute(conn)?;
        return Ok(diesel::delete(conversations::table.find(seq)).execute(conn)?);
    };
    for position in &positions {
        index::forget_terms(conn, Index::Messages, index::message_id(seq, *position))?;
    }
    let some = messages::table.filter(messages::conversation_seq.eq(seq)).filter(messages::position.ge(first));
    Ok(diesel::delete(some).execute(conn)?)
}
