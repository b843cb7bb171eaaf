//! The words by which contacts are found.

use crate::db::Connection;
use crate::db::schema::{contact_words, contacts};
use crate::error::Result;
use crate::search::units;
use diesel::prelude::*;
use std::collections::BTreeSet;

/// Contacts with one word that are looked at.
const MOST: i64 = 2_000;
/// Words of a query that count.
const MOST_WORDS: usize = 6;

fn words(texts: &[&str]) -> BTreeSet<String> {
    texts.iter().flat_map(|text| units(text)).map(|unit| unit.text).collect()
}

/// Sets the words of a contact: those of its name and address.
pub(super) fn set(conn: &mut Connection, account_id: i64, id: i64, texts: &[&str]) -> Result<()> {
    forget(conn, id)?;
    for word in words(texts) {
        let row =
            (contact_words::account_id.eq(account_id), contact_words::word.eq(word), contact_words::contact_id.eq(id));
        diesel::insert_into(contact_words::table).values(row).execute(conn)?;
    }
    diesel::update(contacts::table.find(id)).set(contacts::is_indexed.eq(true)).execute(conn)?;
    Ok(())
}

pub(super) fn forget(conn: &mut Connection, id: i64) -> Result<()> {
    diesel::delete(contact_words::table.filter(contact_words::contact_id.eq(id))).execute(conn)?;
    Ok(())
}

/// The ids of contacts that have words which begin with each word of a query.
pub(super) fn beginning_with(conn: &mut Connection, account_id: i64, query: &str) -> Result<BTreeSet<i64>> {
    let mut found: Option<BTreeSet<i64>> = None;
    for word in words(&[query]).into_iter().take(MOST_WORDS) {
        // After all words that begin so.
        let end = format!("{word}\u{10ffff}");
        let ids: Vec<i64> = contact_words::table
            .filter(contact_words::account_id.eq(account_id))
            .filter(contact_words::word.ge(&word))
            .filter(contact_words::word.lt(&end))
            .limit(MOST)
            .select(contact_words::contact_id)
            .load(conn)?;
        let ids: BTreeSet<i64> = ids.into_iter().collect();
        found = Some(match found {
            Some(found) => &found & &ids,
            None => ids,
        });
    }
    Ok(found.unwrap_or_default())
}
