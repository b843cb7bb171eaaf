//! Queries for upkeep across all accounts: which attachments are stale, expired or out of
//! sync with the storage.

use crate::attachments::attachment::Attachment;
use crate::attachments::key::parse_key;
use crate::clock::EXPIRED;
use crate::conversations::conversation::Conversation;
use crate::db::Connection;
use crate::db::fixed::Fixed;
use crate::db::schema::{accounts, attachments, tickets};
use crate::error::Result;
use crate::source_files::file::{SourceFile, State};
use crate::source_files::inventory as source_files;
use crate::tickets::source_links;
use chrono::{DateTime, NaiveDateTime, TimeDelta};
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::BigInt;
use std::collections::{HashMap, HashSet};

/// Far longer than any upload takes from its reservation to its last byte in the storage.
/// An older reservation never becomes ready.
pub const RESERVED: TimeDelta = TimeDelta::minutes(15);

/// Gives up reservations created before `stale`. They can no longer become ready, and
/// [`expired`] lists them.
pub fn release_reservations(conn: &mut Connection, stale: NaiveDateTime) -> Result<()> {
    // A literal, because the partial index is not used with a bound parameter.
    let reserved =
        attachments::table.filter(Fixed("attachments.state = 'pending'")).filter(attachments::created_at.le(stale));
    diesel::update(reserved)
        .set((attachments::state.eq(State::GivenUp), attachments::deleted_at.eq(DateTime::UNIX_EPOCH.naive_utc())))
        .execute(conn)?;
    Ok(())
}

/// Up to `limit` files that nobody can restore: deleted before `old`, or given up.
pub fn expired(conn: &mut Connection, old: NaiveDateTime, limit: i64) -> Result<Vec<Attachment>> {
    Ok(attachments::table.filter(attachments::deleted_at.le(old)).limit(limit).load(conn)?)
}

/// All rows of the given tickets, in any state.
pub fn all_of_tickets(conn: &mut Connection, ticket_ids: &[i64]) -> Result<Vec<Attachment>> {
    Ok(attachments::table.filter(attachments::ticket_id.eq_any(ticket_ids)).load(conn)?)
}

/// Puts the copies of files of a conversation, on tickets that show it, at the end of their time in
/// the trash. Returns them.
pub fn expire_copies(conn: &mut Connection, of: &Conversation, files: &[SourceFile]) -> Result<Vec<Attachment>> {
    let ids = source_links::showing(conn, of)?;
    let mut copies: Vec<Attachment> = attachments::table.filter(attachments::ticket_id.eq_any(ids)).load(conn)?;
    copies.retain(|copy| files.iter().any(|file| (&file.sha256, &file.filename) == (&copy.sha256, &copy.filename)));
    let rows = attachments::table.filter(attachments::id.eq_any(copies.iter().map(|copy| copy.id.clone())));
    diesel::update(rows).set(attachments::deleted_at.eq(EXPIRED)).execute(conn)?;
    Ok(copies)
}

/// Deletes rows whose content was deleted from the storage, and frees their quota.
pub fn forget(conn: &mut Connection, files: &[Attachment]) -> Result<()> {
    for file in files {
        // Frees the quota only once, even if another instance deleted the row first.
        if diesel::delete(attachments::table.find(&file.id)).execute(conn)? > 0 {
            diesel::update(accounts::table.find(file.account_id))
                .set(accounts::file_bytes.eq(accounts::file_bytes - file.size))
                .execute(conn)?;
        }
    }
    Ok(())
}

/// Whether any account has a stored file.
pub fn are_any_ready(conn: &mut Connection) -> Result<bool> {
    let ready = attachments::table.filter(attachments::state.eq(State::Ready)).select(attachments::id).limit(1);
    Ok(ready.first::<String>(conn).optional()?.is_some())
}

/// Reservations created before `stale` that still exist, given up or not.
pub fn stale_reservations(conn: &mut Connection, stale: NaiveDateTime) -> Result<Vec<Attachment>> {
    Ok(attachments::table
        .filter(attachments::state.ne(State::Ready))
        .filter(attachments::created_at.le(stale))
        .order(attachments::stamp)
        .load(conn)?)
}

/// Stored files with an id after `id`, in order of id. Includes files that can be restored:
/// deleted after `deleted_after`, alone or with their ticket.
pub fn ready_after(
    conn: &mut Connection,
    id: &str,
    deleted_after: NaiveDateTime,
    limit: i64,
) -> Result<Vec<Attachment>> {
    Ok(attachments::table
        .filter(attachments::id.gt(id))
        .filter(attachments::state.eq(State::Ready))
        .filter(attachments::deleted_at.is_null().or(attachments::deleted_at.gt(deleted_after)))
        .filter(
            attachments::ticket_id
                .ne_all(tickets::table.filter(tickets::deleted_at.le(deleted_after)).select(tickets::id)),
        )
        .order(attachments::id)
        .limit(limit)
        .load(conn)?)
}

/// Those of the given storage keys that belong to no row.
pub fn unknown_keys(conn: &mut Connection, keys: Vec<String>) -> Result<Vec<String>> {
    let mut stamps: HashMap<i64, Vec<i64>> = HashMap::new();
    for (account_id, stamp, _) in keys.iter().filter_map(|key| parse_key(key)) {
        stamps.entry(account_id).or_default().push(stamp);
    }
    let mut known = HashSet::new();
    for (account_id, stamps) in stamps {
        let rows: Vec<Attachment> = attachments::table
            .filter(attachments::account_id.eq(account_id))
            .filter(attachments::stamp.eq_any(stamps))
            .load(conn)?;
        known.extend(rows.iter().flat_map(Attachment::keys));
    }
    Ok(keys.into_iter().filter(|key| !known.contains(key)).collect())
}

/// Records the extension of a file's thumbnail.
pub fn set_thumbnail(conn: &mut Connection, id: &str, extension: Option<&str>) -> Result<()> {
    diesel::update(attachments::table.find(id)).set(attachments::thumbnail.eq(extension)).execute(conn)?;
    Ok(())
}

/// Compares the total size of an account's files with its counter, reports the difference
/// and, with `repair`, repairs it. The account must be locked.
pub fn recount(conn: &mut Connection, account_id: i64, repair: bool) -> Result<Option<String>> {
    let sum: i64 = attachments::table
        .filter(attachments::account_id.eq(account_id))
        .select(sql::<BigInt>("CAST(COALESCE(SUM(size), 0) AS BIGINT)"))
        .first(conn)?;
    let sums = (sum + source_files::bytes(conn, account_id, false)?, source_files::bytes(conn, account_id, true)?);
    let account = accounts::table.find(account_id);
    let counted: (i64, i64) = account.select((accounts::file_bytes, accounts::visitor_file_bytes)).first(conn)?;
    if counted == sums {
        return Ok(None);
    }
    if repair {
        let right = (accounts::file_bytes.eq(sums.0), accounts::visitor_file_bytes.eq(sums.1));
        diesel::update(account).set(right).execute(conn)?;
    }
    Ok(Some(format!(
        "its files take {} bytes and those of visitors {}, counted are {} and {}",
        sums.0, sums.1, counted.0, counted.1
    )))
}
