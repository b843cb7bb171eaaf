//! Putting all rows into a database that has none.

use super::{Column, Table, Values, listed, numbered, quoted, tables};
use crate::db::pool::connect;
use crate::db::purpose::Purpose;
use crate::db::rows::Number;
use crate::db::schema::{accounts, installation};
use crate::db::{Connection, DatabaseUrl, Engine, check_engine, copies, index, migrations};
use crate::error::{Error, Kind, Result};
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use std::collections::BTreeMap;

/// A database that is being filled, in one transaction: until [`Loader::finish`] it is as it was.
pub struct Loader {
    conn: Connection,
    tables: Vec<Table>,
    /// The links between tables, which Postgres would check row by row.
    links: Vec<Link>,
}

#[derive(QueryableByName)]
struct Link {
    #[diesel(sql_type = Text)]
    on_table: String,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    definition: String,
}

impl Loader {
    /// Opens a database and migrates it to the version that the rows have.
    ///
    /// # Errors
    /// *Conflict* with one line that says what to do, when there is an account already, when
    /// the version is one of the future, or when a server has the database open.
    pub fn open(url: &DatabaseUrl, version: &str) -> Result<Self> {
        let mut conn = connect(url, Purpose::Everything).map_err(Error::unavailable)?;
        check_engine(&mut conn, url)?;
        // Before anything is changed. A database without tables is empty.
        if accounts::table.select(accounts::id).first::<i64>(&mut conn).is_ok() {
            return Err(Error::new(Kind::Conflict, format!("{url} is not empty: it has an account")));
        }
        if let Engine::Sqlite(conn) = &mut conn.engine {
            conn.batch_execute("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE; COMMIT").map_err(|error| {
                match Error::from(error) {
                    error if error.cause().contains("locked") => {
                        Error::new(Kind::Conflict, format!("{url} is in use: stop the server first"))
                    }
                    error => error,
                }
            })?;
        }
        migrations::run_to(&mut conn, version)?;
        conn.batch_execute(match &conn.engine {
            // Links are checked at the end.
            Engine::Sqlite(_) => "PRAGMA foreign_keys = OFF; BEGIN EXCLUSIVE",
            // Files that are read from afar may take longer than the server lets a transaction wait.
            Engine::Postgres(_) => "SET idle_in_transaction_session_timeout TO 0; BEGIN",
        })?;
        let mut loader = Self { tables: tables(&mut conn)?, links: Vec::new(), conn };
        loader.cut_links()?;
        // A server that was started once has left a few.
        for table in &loader.tables {
            loader.conn.batch_execute(&format!("DELETE FROM {}", quoted(&table.name)))?;
        }
        Ok(loader)
    }

    fn cut_links(&mut self) -> Result<()> {
        let Engine::Postgres(conn) = &mut self.conn.engine else { return Ok(()) };
        let query = "SELECT conrelid::regclass::text AS on_table, conname::text AS name,
                pg_get_constraintdef(oid) AS definition
            FROM pg_constraint WHERE contype = 'f' AND connamespace = current_schema()::regnamespace";
        self.links = diesel::sql_query(query).load(conn)?;
        for Link { on_table, name, .. } in &self.links {
            conn.batch_execute(&format!("ALTER TABLE {on_table} DROP CONSTRAINT {}", quoted(name)))?;
        }
        Ok(())
    }

    /// Adds rows to a table.
    ///
    /// # Errors
    /// *Invalid* if this version knows no such table or column.
    pub fn add(&mut self, table: &Table, rows: &[String]) -> Result<()> {
        let own = self.tables.iter().find(|own| own.name == table.name);
        if !own.is_some_and(|own| table.columns.iter().all(|column| own.columns.contains(column))) {
            return Err(Error::invalid(format!("This version knows no table {} with these columns.", table.name)));
        }
        let query = insert(&self.conn, table);
        diesel::sql_query(query).bind::<Text, _>(format!("[{}]", rows.join(","))).execute(&mut self.conn)?;
        Ok(())
    }

    /// Sets what no row says, checks the links, and commits. Then brings the database up to this
    /// program's schema.
    pub fn finish(mut self, last_numbers: &BTreeMap<String, i64>) -> Result<()> {
        self.number_events()?;
        for (table, column) in numbered(&mut self.conn)? {
            let given = last_numbers.get(&table).copied().unwrap_or_default();
            self.go_on_after(&table, &column, given)?;
        }
        for Link { on_table, name, definition } in &self.links {
            self.conn.batch_execute(&format!("ALTER TABLE {on_table} ADD CONSTRAINT {} {definition}", quoted(name)))?;
        }
        if let Engine::Sqlite(conn) = &mut self.conn.engine {
            let broken: i64 = diesel::sql_query("SELECT count(*) AS value FROM pragma_foreign_key_check")
                .get_result::<Number>(conn)?
                .value;
            if broken > 0 {
                return Err(Error::invalid(format!("{broken} rows name others that are not there.")));
            }
        }
        index::set_version(&mut self.conn, index::NOTHING)?;
        self.conn.batch_execute("COMMIT")?;
        migrations::run_rest(&mut self.conn)?;
        Ok(copies::gather_statistics(&mut self.conn)?)
    }

    /// Gives events a number that have none yet, and lets the next ones go on after them.
    fn number_events(&mut self) -> QueryResult<()> {
        self.conn.batch_execute(match &self.conn.engine {
            Engine::Sqlite(_) => {
                "UPDATE events SET given_seq = late.place + (SELECT COALESCE(max(given_seq), 0) FROM events)
                 FROM (SELECT id, row_number() OVER (ORDER BY id) AS place FROM events WHERE given_seq IS NULL) AS late
                 WHERE late.id = events.id;
                 UPDATE events SET given_seq = NULL WHERE given_seq = id"
            }
            // A reader may have come further than the newest event that is still kept.
            Engine::Postgres(_) => {
                "UPDATE event_order SET last = GREATEST(
                    (SELECT COALESCE(max(seq), 0) FROM events), (SELECT COALESCE(max(seq), 0) FROM event_readers))"
            }
        })
    }

    /// Lets a table number its next row after every number that was ever given.
    fn go_on_after(&mut self, table: &str, column: &str, given: i64) -> Result<()> {
        let numbers: &[(&str, &str)] = match table {
            "events" => &[("id", "events"), ("seq", "events"), ("seq", "event_readers")],
            _ => &[(column, table)],
        };
        let mut last = given;
        for (number, of) in numbers {
            let query = format!("SELECT COALESCE(max({number}), 0) AS value FROM {}", quoted(of));
            last = last.max(diesel::sql_query(query).get_result::<Number>(&mut self.conn)?.value);
        }
        match &mut self.conn.engine {
            Engine::Sqlite(conn) => {
                diesel::sql_query("DELETE FROM sqlite_sequence WHERE name = ?").bind::<Text, _>(table).execute(conn)?;
                let insert = diesel::sql_query("INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)");
                insert.bind::<Text, _>(table).bind::<BigInt, _>(last).execute(conn)?;
            }
            // A sequence cannot be set to 0.
            Engine::Postgres(_) if last == 0 => {}
            Engine::Postgres(conn) => {
                let set = format!("SELECT setval(pg_get_serial_sequence('{table}', '{column}'), $1) AS value");
                diesel::sql_query(set).bind::<BigInt, _>(last).execute(conn)?;
            }
        }
        Ok(())
    }
}

/// The installation that a database belongs to, if it was ever started or restored.
pub fn installation_id(url: &DatabaseUrl) -> Option<String> {
    let mut conn = connect(url, Purpose::Everything).ok()?;
    installation::table.select(installation::id).first(&mut conn).ok()
}

/// The statement that adds rows, which are one JSON array.
fn insert(conn: &Connection, table: &Table) -> String {
    let name = |column: &Column| match (&conn.engine, table.name.as_str(), column.name.as_str()) {
        (Engine::Sqlite(_), "events", "seq") => quoted("given_seq"),
        _ => quoted(&column.name),
    };
    let cell = |(at, column): (usize, &Column)| match (&conn.engine, column.values) {
        (Engine::Sqlite(_), _) => format!("json_extract(value, '$[{at}]')"),
        (Engine::Postgres(_), Values::Integer) => format!("(value->>{at})::bigint"),
        (Engine::Postgres(_), Values::Text) => format!("value->>{at}"),
        (Engine::Postgres(_), Values::Time) => format!("(value->>{at})::timestamp"),
        (Engine::Postgres(_), Values::Boolean) => format!("(value->>{at})::boolean"),
    };
    let rows = match &conn.engine {
        Engine::Sqlite(_) => "json_each(?)",
        Engine::Postgres(_) => "json_array_elements($1::json) AS value",
    };
    let (names, cells) = (listed(&table.columns, name), listed(table.columns.iter().enumerate(), cell));
    format!("INSERT INTO {} ({names}) SELECT {cells} FROM {rows}", quoted(&table.name))
}
