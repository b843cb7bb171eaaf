//! All rows of a database as they were at one moment, while others go on writing.

use super::{Column, Table, Values, listed, numbered, quoted, tables};
use crate::db::pool::connect;
use crate::db::purpose::Purpose;
use crate::db::rows::{Number, Text};
use crate::db::{Connection, DatabaseUrl, Engine, migrations};
use crate::error::{Error, Result};
use chrono::{NaiveDateTime, SubsecRound};
use diesel::RunQueryDsl;
use diesel::connection::{DefaultLoadingMode, SimpleConnection};
use diesel::pg::PgRowByRowLoadingMode;
use serde_json::Value;
use std::collections::BTreeMap;

/// Times as Diesel writes them on SQLite.
const TIME: &str = "%F %T%.f";

/// One state of a database. SQLite's log cannot shrink as long as this is open, and Postgres cannot
/// clear what others remove.
pub struct Snapshot {
    conn: Connection,
    tables: Vec<Table>,
}

impl Snapshot {
    pub fn open(url: &DatabaseUrl) -> Result<Self> {
        let mut conn = connect(url, Purpose::Everything).map_err(Error::unavailable)?;
        match &mut conn.engine {
            Engine::Sqlite(conn) => conn.batch_execute("PRAGMA query_only = ON; BEGIN")?,
            // Files that are copied meanwhile may take longer than the server lets a transaction wait.
            Engine::Postgres(conn) => conn.batch_execute(
                "SET idle_in_transaction_session_timeout TO 0; BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
            )?,
        }
        // The first query decides which state it is.
        let tables = tables(&mut conn)?;
        Ok(Self { conn, tables })
    }

    pub fn tables(&self) -> &[Table] {
        &self.tables
    }

    /// The version of the schema: that of its last migration.
    pub fn version(&mut self) -> Result<String> {
        migrations::version(&mut self.conn)
    }

    /// Passes on the rows of a table, in the order of its key.
    pub fn rows(&mut self, table: &Table, mut take: impl FnMut(String) -> Result<()>) -> Result<()> {
        let query = diesel::sql_query(query(&self.conn, table));
        let mut take = |row: diesel::QueryResult<Text>| take(canonical(&row?.value, table)?);
        match &mut self.conn.engine {
            Engine::Sqlite(conn) => query.load_iter::<Text, DefaultLoadingMode>(conn)?.try_for_each(&mut take),
            Engine::Postgres(conn) => query.load_iter::<Text, PgRowByRowLoadingMode>(conn)?.try_for_each(&mut take),
        }
    }

    /// The last number that each table has given to a row, whether the row is still there or not.
    pub fn last_numbers(&mut self) -> Result<BTreeMap<String, i64>> {
        let mut last = BTreeMap::new();
        for (table, column) in numbered(&mut self.conn)? {
            let given = match &self.conn.engine {
                Engine::Sqlite(_) => {
                    format!("SELECT COALESCE(max(seq), 0) FROM sqlite_sequence WHERE name = '{table}'")
                }
                Engine::Postgres(_) => format!(
                    "SELECT COALESCE(pg_sequence_last_value(pg_get_serial_sequence('{table}', '{column}')::regclass), 0)"
                ),
            };
            let query = format!("SELECT ({given}) AS value");
            let row: Number = diesel::sql_query(query).get_result(&mut self.conn)?;
            last.insert(table, row.value);
        }
        Ok(last)
    }

    /// Runs other queries on the same state.
    pub fn read<T>(&mut self, job: impl FnOnce(&mut Connection) -> Result<T>) -> Result<T> {
        job(&mut self.conn)
    }
}

/// The query for the rows of a table, each as one text.
fn query(conn: &Connection, table: &Table) -> String {
    let values_of =
        |name: &String| table.columns.iter().find(|column| &column.name == name).map(|column| column.values);
    let cell = |column: &Column| {
        let name = quoted(&column.name);
        match (&conn.engine, column.values) {
            (Engine::Sqlite(_), Values::Boolean) => format!("json(iif({name}, 'true', 'false'))"),
            _ => name,
        }
    };
    let place = |key: &String| {
        let name = quoted(key);
        match (&conn.engine, values_of(key)) {
            (Engine::Postgres(_), Some(Values::Text)) => format!("{name} COLLATE \"C\""),
            _ => name,
        }
    };
    let row = match &conn.engine {
        Engine::Sqlite(_) => "json_array",
        Engine::Postgres(_) => "json_build_array",
    };
    let (cells, order) = (listed(&table.columns, cell), listed(&table.key, place));
    format!("SELECT CAST({row}({cells}) AS TEXT) AS value FROM {} ORDER BY {order}", quoted(&table.name))
}

/// A row as both engines have it.
fn canonical(row: &str, table: &Table) -> Result<String> {
    let unreadable = |source| Error::internal("a row cannot be read", format!("{}: {source}", table.name));
    let mut cells: Vec<Value> = serde_json::from_str(row).map_err(|error| unreadable(error.to_string()))?;
    for (cell, column) in cells.iter_mut().zip(&table.columns) {
        if let (Values::Time, Value::String(time)) = (column.values, &mut *cell) {
            // Postgres writes a T between date and time.
            let read = NaiveDateTime::parse_from_str(&time.replacen('T', " ", 1), TIME);
            let read = read.map_err(|error| unreadable(format!("{time}: {error}")))?;
            // Older sample data on SQLite has nanoseconds.
            *time = read.trunc_subsecs(6).format(TIME).to_string();
        }
    }
    serde_json::to_string(&cells).map_err(|error| unreadable(error.to_string()))
}
