//! What upkeep asks of the rows of attachments: which are stale, expired or not
//! in step with the storage, over all accounts.

use crate::attachments::attachment::{Attachment, State};
use crate::attachments::key::parse_key;
use crate::db::Connection;
use crate::db::schema::{accounts, attachments, tickets};
use crate::error::Result;
use chrono::{DateTime, NaiveDateTime, TimeDelta};
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool};
use std::collections::{HashMap, HashSet};

/// Far longer than anything needs between its reservation and its last byte in
/// the storage; what is still reserved then never comes.
pub const RESERVED: TimeDelta = TimeDelta::minutes(15);

/// Gives up reservations from before `stale`: from now on they cannot become
/// ready, and [`expired`] lists them.
pub fn give_up_reservations(conn: &mut Connection, stale: NaiveDateTime) -> Result<()> {
    // The word is written out, because a bound value cannot choose a partial index.
    let reserved = attachments::table
        .filter(sql::<Bool>("attachments.state = 'pending'"))
        .filter(attachments::created_at.le(stale));
    diesel::update(reserved)
        .set((attachments::state.eq(State::GivenUp), attachments::deleted_at.eq(DateTime::UNIX_EPOCH.naive_utc())))
        .execute(conn)?;
    Ok(())
}

/// Some of the files that nobody can get back: deleted before `old`, or given up.
pub fn expired(conn: &mut Connection, old: NaiveDateTime, limit: i64) -> Result<Vec<Attachment>> {
    Ok(attachments::table.filter(attachments::deleted_at.le(old)).limit(limit).load(conn)?)
}

/// Every row of some tickets, whatever its state.
pub fn all_of_tickets(conn: &mut Connection, ticket_ids: &[i64]) -> Result<Vec<Attachment>> {
    Ok(attachments::table.filter(attachments::ticket_id.eq_any(ticket_ids)).load(conn)?)
}

/// Forgets rows whose bytes are gone from the storage, and gives their room back.
pub fn forget(conn: &mut Connection, files: &[Attachment]) -> Result<()> {
    for file in files {
        // One that another instance forgot first gives its room back only once.
        if diesel::delete(attachments::table.find(&file.id)).execute(conn)? > 0 {
            diesel::update(accounts::table.find(file.account_id))
                .set(accounts::file_bytes.eq(accounts::file_bytes - file.size))
                .execute(conn)?;
        }
    }
    Ok(())
}

/// Whether any file is kept at all.
pub fn are_any_ready(conn: &mut Connection) -> Result<bool> {
    let ready = attachments::table.filter(attachments::state.eq(State::Ready)).select(attachments::id).limit(1);
    Ok(ready.first::<String>(conn).optional()?.is_some())
}

/// Reservations from before `stale` that are still there, given up or not.
pub fn stale_reservations(conn: &mut Connection, stale: NaiveDateTime) -> Result<Vec<Attachment>> {
    Ok(attachments::table
        .filter(attachments::state.ne(State::Ready))
        .filter(attachments::created_at.le(stale))
        .order(attachments::stamp)
        .load(conn)?)
}

/// Files that are shown, or that were deleted after `deleted_after`, alone or with
/// their ticket, and can be put back; in the order of their ids, after one of them.
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

/// Those of some keys in the storage that no row names.
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

/// Writes down which thumbnail a file has.
pub fn set_thumbnail(conn: &mut Connection, id: &str, extension: Option<&str>) -> Result<()> {
    diesel::update(attachments::table.find(id)).set(attachments::thumbnail.eq(extension)).execute(conn)?;
    Ok(())
}

/// Compares what an account's files take with what is counted, tells the
/// difference and, with `repair`, mends it. The account must be locked.
pub fn recount(conn: &mut Connection, account_id: i64, repair: bool) -> Result<Option<String>> {
    let sum: i64 = attachments::table
        .filter(attachments::account_id.eq(account_id))
        .select(sql::<BigInt>("CAST(COALESCE(SUM(size), 0) AS BIGINT)"))
        .first(conn)?;
    let account = accounts::table.find(account_id);
    let counted: i64 = account.select(accounts::file_bytes).first(conn)?;
    if counted == sum {
        return Ok(None);
    }
    if repair {
        diesel::update(account).set(accounts::file_bytes.eq(sum)).execute(conn)?;
    }
    Ok(Some(format!("its files take {sum} bytes, counted are {counted}")))
}
