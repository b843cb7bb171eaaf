//! Adding to the counts in `figures`, for which Diesel has no common upsert.

use crate::db::{Connection, Engine};
use diesel::backend::Backend;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::sql_types::{BigInt, Text};

/// What is added to one row.
pub struct Cell {
    /// Dimension and measure.
    pub words: [&'static str; 2],
    /// Key, week, bucket, and how much is added.
    pub numbers: [i64; 4],
}

/// Rows of one statement.
const ROWS: usize = 64;

/// Adds to rows, each of which must stand once in `cells` and need not exist.
pub fn add(conn: &mut Connection, account_id: i64, generation: i64, cells: &[Cell]) -> QueryResult<()> {
    for cells in cells.chunks(ROWS) {
        let add = Add { account_id, generation, cells };
        match &mut conn.engine {
            Engine::Sqlite(conn) => add.execute(conn),
            Engine::Postgres(conn) => add.execute(conn),
        }?;
    }
    Ok(())
}

struct Add<'a> {
    account_id: i64,
    generation: i64,
    cells: &'a [Cell],
}

impl<DB> QueryFragment<DB> for Add<'_>
where
    DB: Backend + diesel::sql_types::HasSqlType<Text> + diesel::sql_types::HasSqlType<BigInt>,
    str: diesel::serialize::ToSql<Text, DB>,
    i64: diesel::serialize::ToSql<BigInt, DB>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        out.push_sql(
            "INSERT INTO figures (account_id, generation, dimension, measure, key, week, bucket, count) VALUES ",
        );
        for (index, Cell { words, numbers }) in self.cells.iter().enumerate() {
            out.push_sql(if index == 0 { "(" } else { ", (" });
            out.push_bind_param::<BigInt, _>(&self.account_id)?;
            out.push_sql(", ");
            out.push_bind_param::<BigInt, _>(&self.generation)?;
            for word in words {
                out.push_sql(", ");
                out.push_bind_param::<Text, str>(word)?;
            }
            for number in numbers {
                out.push_sql(", ");
                out.push_bind_param::<BigInt, _>(number)?;
            }
            out.push_sql(")");
        }
        out.push_sql(
            " ON CONFLICT (account_id, generation, dimension, measure, key, week, bucket)
             DO UPDATE SET count = figures.count + excluded.count",
        );
        Ok(())
    }
}

// Statements are told apart by their whole text.
impl QueryId for Add<'_> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<Conn> RunQueryDsl<Conn> for Add<'_> {}
