//! All words that FTS5 holds, for a check of a whole index. To look at the words of one row, FTS5
//! searches for each of them in all rows.

use crate::db::rows::Number;
use crate::db::stored_words::{Table, tokens};
use crate::db::{Connection, Engine};
use crate::search::Part;
use diesel::connection::{DefaultLoadingMode, SimpleConnection};
use diesel::prelude::*;
use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

diesel::table! {
    /// One row for each word of each row of an index.
    held_words (doc, offset) {
        term -> Text,
        doc -> BigInt,
        offset -> BigInt,
    }
}

/// A sum of the words of each row that has any.
pub struct HeldWords(HashMap<i64, u64>);

impl HeldWords {
    /// Reads a whole index. `None` on Postgres, which has the words of a row together.
    pub(super) fn read(conn: &mut Connection, table: Table) -> QueryResult<Option<Self>> {
        let Engine::Sqlite(conn) = &mut conn.engine else { return Ok(None) };
        open(conn, table.name)?;
        let mut sums: HashMap<i64, u64> = HashMap::new();
        let words = held_words::table.select((held_words::term, held_words::doc, held_words::offset));
        for word in words.load_iter::<(String, i64, i64), DefaultLoadingMode>(conn)? {
            let (word, row, place) = word?;
            let sum = sums.entry(row).or_default();
            *sum = sum.wrapping_add(weight(place, &word));
        }
        Ok(Some(Self(sums)))
    }

    /// Whether a row has exactly these words, in this order.
    pub(super) fn has(&self, row: i64, part: &Part, beginning: &str) -> bool {
        let words = tokens(part, beginning);
        let sum = (0..).zip(&words).fold(0, |sum: u64, (place, word)| sum.wrapping_add(weight(place, word)));
        self.0.get(&row).copied().unwrap_or_default() == sum
    }
}

/// Makes `held_words` show an index. That stores nothing, but counts as a change.
fn open(conn: &mut SqliteConnection, table: &str) -> QueryResult<()> {
    let query_only = "SELECT query_only AS value FROM pragma_query_only";
    let Number { value: query_only } = diesel::sql_query(query_only).get_result(conn)?;
    conn.batch_execute("PRAGMA query_only = OFF")?;
    let opened = conn.batch_execute(&format!(
        "DROP TABLE IF EXISTS temp.held_words;
         CREATE VIRTUAL TABLE temp.held_words USING fts5vocab (main, {table}, instance)"
    ));
    conn.batch_execute(&format!("PRAGMA query_only = {query_only}"))?;
    opened
}

fn weight(place: i64, word: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    (place, word).hash(&mut hasher);
    hasher.finish()
}
