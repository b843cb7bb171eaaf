//! The two engines behind one type.

use diesel::{PgConnection, SqliteConnection};

/// A connection to either engine; the variant follows from the URL's scheme.
#[derive(diesel::MultiConnection)]
pub enum AnyConnection {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}
