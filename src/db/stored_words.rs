//! Words as each engine stores them. Each begins with what tells accounts apart.

use crate::db::{Connection, Engine};
use crate::search::Part;
use diesel::backend::Backend;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::serialize::ToSql;
use diesel::sql_types::{BigInt, HasSqlType, Text};

/// Stands in FTS5 where a part has no word. No word contains it.
const GAP: &str = "\u{fffc}";

/// What FTS5 stores, in order.
pub fn tokens(part: &Part, beginning: &str) -> Vec<String> {
    let word = |word: &String| format!("{beginning}{word}");
    let places = part.places.iter().map(|place| place.as_ref().map_or(GAP.to_owned(), word));
    // A gap before each: none of them is part of a phrase.
    let others = part.others.iter().flat_map(|other| [GAP.to_owned(), word(other)]);
    places.chain(others).collect()
}

/// The words with their positions, in `tsvector` syntax.
pub fn lexemes(part: &Part, beginning: &str) -> String {
    let places = part.places.iter().enumerate();
    let places = places.filter_map(|(index, place)| Some((place.as_ref()?, index + 1)));
    // A gap before each: none of them is part of a phrase. A word without a position would
    // spoil every phrase with a prefix of it.
    let others = part.others.iter().zip((part.places.len() + 2..).step_by(2));
    let all = places.chain(others).map(|(word, position)| format!("'{beginning}{word}':{position}"));
    all.collect::<Vec<_>>().join(" ")
}

/// Rows of one statement.
const ROWS: usize = 64;

/// A table of words: its name, and its columns for the number of a row, which FTS5 calls `rowid`,
/// and for the words.
#[derive(Clone, Copy)]
pub struct Table {
    pub name: &'static str,
    pub id: &'static str,
    pub words: &'static str,
}

/// Adds rows, or replaces those with the same numbers. Each number must stand once in `rows`.
pub fn put(conn: &mut Connection, table: Table, rows: &[(i64, String)]) -> QueryResult<()> {
    for rows in rows.chunks(ROWS) {
        match &mut conn.engine {
            Engine::Sqlite(conn) => Put { table, is_tsvector: false, rows }.execute(conn),
            Engine::Postgres(conn) => Put { table, is_tsvector: true, rows }.execute(conn),
        }?;
    }
    Ok(())
}

/// Unlike `diesel::sql_query`, this is prepared once for each connection and number of rows.
struct Put<'a> {
    table: Table,
    is_tsvector: bool,
    rows: &'a [(i64, String)],
}

impl<DB> QueryFragment<DB> for Put<'_>
where
    DB: Backend + HasSqlType<Text> + HasSqlType<BigInt>,
    String: ToSql<Text, DB>,
    i64: ToSql<BigInt, DB>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        let Table { name, id, words } = self.table;
        let (start, id, cast) = if self.is_tsvector {
            ("INSERT INTO ", id, "::tsvector)")
        } else {
            ("INSERT OR REPLACE INTO ", "rowid", ")")
        };
        for text in [start, name, " (", id, ", ", words, ") VALUES "] {
            out.push_sql(text);
        }
        for (index, (number, text)) in self.rows.iter().enumerate() {
            out.push_sql(if index == 0 { "(" } else { ", (" });
            out.push_bind_param::<BigInt, _>(number)?;
            out.push_sql(", ");
            out.push_bind_param::<Text, _>(text)?;
            out.push_sql(cast);
        }
        if self.is_tsvector {
            for text in [" ON CONFLICT (", id, ") DO UPDATE SET ", words, " = excluded.", words] {
                out.push_sql(text);
            }
        }
        Ok(())
    }
}

// The text is not part of the type, so statements are told apart by their whole text.
impl QueryId for Put<'_> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<Conn> RunQueryDsl<Conn> for Put<'_> {}
