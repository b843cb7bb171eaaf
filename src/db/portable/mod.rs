//! All rows in a form that belongs to neither engine: [`read`] takes them out of one database,
//! [`load`] puts them into another, which then is the same desk.
//!
//! A row is a JSON array of the values of its columns, in the order of their names. Times are text
//! as SQLite keeps them, `2026-11-25 08:00:00.123456`, without a fraction of nothing but zeros.
//! The words of the search indexes are left out, because each engine has its own kind of them and
//! they can be built again.

pub mod load;
pub mod read;

use crate::db::{Connection, Engine};
use crate::error::{Error, Result};
use diesel::sql_types::{BigInt, Text};
use diesel::{QueryResult, QueryableByName, RunQueryDsl};
use serde::{Deserialize, Serialize};
use std::fmt::Write;

/// Tables that are left out, with those whose names begin so: the indexes of words, what each engine
/// keeps for itself, and what is about this installation alone: the record of backups, and failed
/// attempts to sign in.
const LEFT_OUT: [&str; 11] = [
    "__diesel_schema_migrations",
    "backups",
    "event_order",
    "failed_sign_ins",
    "message_terms",
    "search_state",
    "sqlite_",
    "submission_terms",
    "ticket_terms",
    "ticket_vocabulary",
    "ticket_words",
];

/// Columns of one engine only. The number of an event is `seq` on both.
const OWN_COLUMNS: [(&str, &str); 2] = [("events", "tx"), ("events", "given_seq")];

/// What the values of a column are.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Values {
    Integer,
    Text,
    Time,
    Boolean,
}

#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Column {
    pub name: String,
    pub values: Values,
}

#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Table {
    pub name: String,
    /// In the order of their names.
    pub columns: Vec<Column>,
    /// The columns of the primary key, by which the rows are ordered.
    pub key: Vec<String>,
}

#[derive(QueryableByName)]
struct ColumnRow {
    #[diesel(sql_type = Text)]
    table_name: String,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    declared: String,
    /// The place in the primary key, from 1; 0 if it is in none.
    #[diesel(sql_type = BigInt)]
    key_place: i64,
}

const SQLITE_COLUMNS: &str = "SELECT tables.name AS table_name, columns.name AS name,
        lower(columns.type) AS declared, columns.pk AS key_place
    FROM sqlite_master AS tables JOIN pragma_table_xinfo(tables.name) AS columns
    WHERE tables.type = 'table' ORDER BY tables.name, columns.name";

const POSTGRES_COLUMNS: &str = "SELECT relname::text AS table_name, attname::text AS name,
        format_type(atttypid, atttypmod) AS declared,
        COALESCE(array_position(indkey::smallint[], attnum), -1)::bigint + 1 AS key_place
    FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid AND attnum > 0 AND NOT attisdropped
        LEFT JOIN pg_index ON indrelid = pg_class.oid AND indisprimary
    WHERE relkind = 'r' AND relnamespace = current_schema()::regnamespace
    ORDER BY relname COLLATE \"C\", attname COLLATE \"C\"";

/// The tables of a database, in the order of their names.
fn tables(conn: &mut Connection) -> Result<Vec<Table>> {
    let query = match &conn.engine {
        Engine::Sqlite(_) => SQLITE_COLUMNS,
        Engine::Postgres(_) => POSTGRES_COLUMNS,
    };
    let mut rows: Vec<ColumnRow> = diesel::sql_query(query).load(conn)?;
    rows.retain(|row| {
        !LEFT_OUT.iter().any(|name| row.table_name.starts_with(name))
            && !OWN_COLUMNS.contains(&(&row.table_name, &row.name))
    });
    rows.chunk_by(|one, other| one.table_name == other.table_name).map(table).collect()
}

fn table(rows: &[ColumnRow]) -> Result<Table> {
    let column = |row: &ColumnRow| {
        let values = match row.declared.split([' ', '(']).next().unwrap_or_default() {
            "bigint" | "integer" => Values::Integer,
            "text" => Values::Text,
            "timestamp" => Values::Time,
            "boolean" => Values::Boolean,
            _ => {
                let column = format!("{}.{} of type {}", row.table_name, row.name, row.declared);
                return Err(Error::internal("a column that no backup knows", column));
            }
        };
        Ok(Column { name: row.name.clone(), values })
    };
    let mut key: Vec<&ColumnRow> = rows.iter().filter(|row| row.key_place > 0).collect();
    key.sort_by_key(|row| row.key_place);
    Ok(Table {
        name: rows.first().map(|row| row.table_name.clone()).unwrap_or_default(),
        columns: rows.iter().map(column).collect::<Result<_>>()?,
        key: key.into_iter().map(|row| row.name.clone()).collect(),
    })
}

/// The tables that number their rows themselves, with the column of the number.
fn numbered(conn: &mut Connection) -> QueryResult<Vec<(String, String)>> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Text)]
        table_name: String,
        #[diesel(sql_type = Text)]
        name: String,
    }
    let query = match &conn.engine {
        Engine::Sqlite(_) => {
            "SELECT tables.name AS table_name, columns.name AS name
             FROM sqlite_master AS tables JOIN pragma_table_info(tables.name) AS columns
             WHERE tables.sql LIKE '%AUTOINCREMENT%' AND columns.pk = 1 ORDER BY tables.name"
        }
        Engine::Postgres(_) => {
            "SELECT relname::text AS table_name, attname::text AS name
             FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid AND attidentity <> ''
             WHERE relkind = 'r' AND relnamespace = current_schema()::regnamespace ORDER BY relname COLLATE \"C\""
        }
    };
    let rows: Vec<Row> = diesel::sql_query(query).load(conn)?;
    let is_kept = |row: &Row| !LEFT_OUT.iter().any(|name| row.table_name.starts_with(name));
    Ok(rows.into_iter().filter(is_kept).map(|row| (row.table_name, row.name)).collect())
}

/// Joins names as a list of SQL.
fn listed<T>(items: impl IntoIterator<Item = T>, written: impl Fn(T) -> String) -> String {
    items.into_iter().map(written).collect::<Vec<_>>().join(", ")
}

/// A name as SQL: some are reserved words.
fn quoted(name: &str) -> String {
    let mut text = String::with_capacity(name.len() + 2);
    // Writing to a string cannot fail.
    let _ = write!(text, "\"{name}\"");
    text
}
