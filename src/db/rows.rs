//! Row types for raw queries on either engine.

use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Text as SqlText};

#[derive(QueryableByName)]
pub(super) struct Text {
    #[diesel(sql_type = SqlText)]
    pub(super) value: String,
}

#[derive(QueryableByName)]
pub(super) struct Number {
    #[diesel(sql_type = BigInt)]
    pub(super) value: i64,
}
