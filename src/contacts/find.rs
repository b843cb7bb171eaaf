//! Finding contacts by the beginnings of words of their name and address.

use crate::contacts::contact::Contact;
use crate::contacts::words;
use crate::db::Connection;
use crate::db::schema::contacts;
use crate::error::Result;
use diesel::prelude::*;

/// Up to `limit` contacts whose name and address have words that begin with each word of a
/// query, the newest first. One that was merged stands for the whole.
pub fn find(conn: &mut Connection, account_id: i64, query: &str, limit: usize) -> Result<Vec<Contact>> {
    let found = words::beginning_with(conn, account_id, query)?;
    let ids: Vec<i64> = found.into_iter().rev().take(limit).collect();
    let rows: Vec<Contact> = contacts::table.filter(contacts::id.eq_any(ids)).load(conn)?;
    let (merged, mut whole): (Vec<Contact>, Vec<Contact>) =
        rows.into_iter().partition(|contact| contact.merged_into.is_some());
    for id in merged.into_iter().filter_map(|contact| contact.merged_into) {
        if whole.iter().all(|contact| contact.id != id) {
            whole.push(contacts::table.find(id).first(conn)?);
        }
    }
    whole.sort_by_key(|contact| std::cmp::Reverse(contact.id));
    Ok(whole)
}

/// Indexes up to `limit` contacts that are not yet, and returns how many.
pub fn index_missing(conn: &mut Connection, limit: i64) -> Result<usize> {
    let missing: Vec<Contact> =
        contacts::table.filter(contacts::is_indexed.eq(false)).order(contacts::id).limit(limit).load(conn)?;
    for Contact { account_id, id, name, email, .. } in &missing {
        words::set(conn, *account_id, *id, &[name, email])?;
    }
    Ok(missing.len())
}
