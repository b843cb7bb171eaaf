//! Whether the indexes hold the words that they should. To look at the words of one row, FTS5 searches
//! for each of them in all rows, so a check of a whole index reads all that it holds.

use crate::db::rows::Number;
use crate::db::stored_words::{Table, lexemes, tokens};
use crate::db::{Connection, Engine};
use crate::search::Part;
use diesel::connection::{DefaultLoadingMode, SimpleConnection};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
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

    /// Whether a row has exactly these words, in this order, as far as sums tell. One that is missing
    /// has none.
    fn has(&self, row: i64, part: &Part, beginning: &str) -> bool {
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

/// Whether a row has exactly these words, in this order. FTS5 is asked for them, unless `held` has
/// what it holds.
pub fn has(
    conn: &mut Connection,
    table: Table,
    held: Option<&HeldWords>,
    (row, part): (i64, &Part),
    beginning: &str,
) -> QueryResult<bool> {
    if let Some(held) = held {
        return Ok(held.has(row, part, beginning));
    }
    let Table { name, id, words } = table;
    let (query, sought) = match &conn.engine {
        Engine::Sqlite(_) => {
            let tokens = tokens(part, beginning);
            let (phrase, sought) = match &tokens[..] {
                [] => ("?2 = ''".to_owned(), String::new()),
                words => (format!("{name} MATCH ?2"), format!("\"{}\"", words.join(" "))),
            };
            let count = varint(tokens.len());
            let query = format!(
                "SELECT COUNT(*) AS value FROM {name} JOIN {name}_docsize AS size ON size.id = {name}.rowid
                 WHERE {name}.rowid = ?1 AND lower(hex(size.sz)) = '{count}' AND {phrase}"
            );
            (query, sought)
        }
        Engine::Postgres(_) => (
            format!("SELECT COUNT(*) AS value FROM {name} WHERE {id} = $1 AND {words} = $2::tsvector"),
            lexemes(part, beginning),
        ),
    };
    let query = diesel::sql_query(query).bind::<BigInt, _>(row).bind::<Text, _>(sought);
    Ok(query.get_result::<Number>(conn)?.value == 1)
}

/// The number of tokens as FTS5 stores it beside its index, in hexadecimal: 7 bits a byte, the
/// highest first.
fn varint(number: usize) -> String {
    let groups = (0..9).rev().map(|group| number >> (7 * group)).skip_while(|rest| *rest == 0);
    let bytes: Vec<usize> = groups.map(|rest| rest & 0x7f).collect();
    let last = bytes.len().saturating_sub(1);
    if bytes.is_empty() {
        return "00".to_owned();
    }
    bytes.iter().enumerate().map(|(at, byte)| format!("{:02x}", if at < last { byte | 0x80 } else { *byte })).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_tokens_are_varints() {
        let cases = [(0, "00"), (1, "01"), (127, "7f"), (128, "8100"), (16_383, "ff7f"), (16_384, "818000")];
        for (number, expected) in cases {
            assert_eq!(varint(number), expected);
        }
    }
}
