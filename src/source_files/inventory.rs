//! Queries for upkeep across all accounts: which files are left over, and which belong to nothing
//! any more.

use crate::db::Connection;
use crate::db::fixed::Fixed;
use crate::db::schema::{accounts, conversations, source_files, submissions};
use crate::error::Result;
use crate::source_files::file::{SourceFile, State, parse_key};
use chrono::NaiveDateTime;
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::BigInt;
use std::collections::HashSet;

/// Gives up reservations created before `stale`. No message can claim them any more.
pub fn release_reservations(conn: &mut Connection, stale: NaiveDateTime) -> Result<()> {
    let reserved = source_files::table.filter(is_unfinished()).filter(source_files::created_at.le(stale));
    diesel::update(reserved).set(source_files::state.eq(State::GivenUp)).execute(conn)?;
    Ok(())
}

/// A literal, because the partial index is not used with a bound parameter.
fn is_unfinished() -> Fixed {
    Fixed("source_files.state <> 'ready'")
}

/// Up to `limit` files that were given up, or whose source was deleted before `old`.
pub fn expired(conn: &mut Connection, old: NaiveDateTime, limit: i64) -> Result<Vec<SourceFile>> {
    let given_up: Vec<SourceFile> = source_files::table
        .filter(is_unfinished())
        .filter(source_files::state.eq(State::GivenUp))
        .limit(limit)
        .load(conn)?;
    if !given_up.is_empty() {
        return Ok(given_up);
    }
    let of_conversations: Vec<SourceFile> = source_files::table
        .inner_join(conversations::table.on(source_files::conversation_seq.eq(conversations::seq.nullable())))
        .filter(conversations::deleted_at.le(old))
        .limit(limit)
        .select(source_files::all_columns)
        .load(conn)?;
    if !of_conversations.is_empty() {
        return Ok(of_conversations);
    }
    Ok(source_files::table
        .inner_join(submissions::table.on(source_files::submission_seq.eq(submissions::seq.nullable())))
        .filter(submissions::deleted_at.le(old))
        .limit(limit)
        .select(source_files::all_columns)
        .load(conn)?)
}

/// The number of files of these conversations.
pub fn count_of_conversations(conn: &mut Connection, seqs: &[i64]) -> Result<i64> {
    Ok(source_files::table.filter(source_files::conversation_seq.eq_any(seqs)).count().get_result(conn)?)
}

/// The number of files of these submissions.
pub fn count_of_submissions(conn: &mut Connection, seqs: &[i64]) -> Result<i64> {
    Ok(source_files::table.filter(source_files::submission_seq.eq_any(seqs)).count().get_result(conn)?)
}

/// Deletes rows whose content was deleted from the storage, and frees their quota.
pub fn forget(conn: &mut Connection, files: &[SourceFile]) -> Result<()> {
    for file in files {
        // Frees the quota only once, even if another instance deleted the row first.
        if diesel::delete(source_files::table.find(&file.id)).execute(conn)? == 0 {
            continue;
        }
        let account = diesel::update(accounts::table.find(file.account_id));
        if file.by_visitor {
            account.set(accounts::visitor_file_bytes.eq(accounts::visitor_file_bytes - file.size)).execute(conn)?;
        } else {
            account.set(accounts::file_bytes.eq(accounts::file_bytes - file.size)).execute(conn)?;
        }
    }
    Ok(())
}

/// Reservations created before `stale` that still exist, given up or not.
pub fn stale_reservations(conn: &mut Connection, stale: NaiveDateTime) -> Result<Vec<SourceFile>> {
    Ok(source_files::table.filter(is_unfinished()).filter(source_files::created_at.le(stale)).load(conn)?)
}

/// Stored files with an id after `id`, in order of id.
pub fn ready_after(conn: &mut Connection, id: &str, limit: i64) -> Result<Vec<SourceFile>> {
    Ok(source_files::table
        .filter(source_files::id.gt(id))
        .filter(source_files::state.eq(State::Ready))
        .order(source_files::id)
        .limit(limit)
        .load(conn)?)
}

/// Those of the given storage keys that belong to no row.
pub fn unknown_keys(conn: &mut Connection, keys: Vec<String>) -> Result<Vec<String>> {
    let ids: Vec<&str> = keys.iter().filter_map(|key| Some(parse_key(key)?.1)).collect();
    let rows: Vec<SourceFile> = source_files::table.filter(source_files::id.eq_any(ids)).load(conn)?;
    let known: HashSet<String> = rows.iter().flat_map(SourceFile::keys).collect();
    Ok(keys.into_iter().filter(|key| !known.contains(key)).collect())
}

/// The bytes of the files of an account that visitors, or the team, have sent.
pub fn bytes(conn: &mut Connection, account_id: i64, by_visitor: bool) -> Result<i64> {
    Ok(source_files::table
        .filter(source_files::account_id.eq(account_id))
        .filter(source_files::by_visitor.eq(by_visitor))
        .select(sql::<BigInt>("CAST(COALESCE(SUM(size), 0) AS BIGINT)"))
        .first(conn)?)
}

/// Records the extension of a file's thumbnail.
pub fn set_thumbnail(conn: &mut Connection, id: &str, extension: Option<&str>) -> Result<()> {
    diesel::update(source_files::table.find(id)).set(source_files::thumbnail.eq(extension)).execute(conn)?;
    Ok(())
}

/// When the newest file of an account was stored.
pub fn newest(conn: &mut Connection, account_id: i64) -> Result<Option<NaiveDateTime>> {
    let of_account = source_files::table.filter(source_files::account_id.eq(account_id));
    Ok(of_account.select(diesel::dsl::max(source_files::created_at)).first(conn)?)
}
