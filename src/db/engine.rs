//! The two engines behind one type.

use diesel::{PgConnection, SqliteConnection};

/// The engine of a connection. What differs between the two is written for one variant.
#[derive(diesel::MultiConnection)]
pub enum Engine {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}
