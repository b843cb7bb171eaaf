//! One backup, as its snapshot says.

use crate::db::portable::Table;
use chrono::NaiveDateTime;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The form of the objects. A version of Docket refuses newer ones.
pub(super) const FORMAT: u32 = 1;

#[derive(Debug, Deserialize, Serialize)]
pub struct Manifest {
    pub format: u32,
    /// The version of Docket, for people.
    pub docket: String,
    /// The version of the tables.
    pub schema: String,
    /// The moment of the rows, in UTC.
    pub at: NaiveDateTime,
    /// The id of the installation.
    pub installation: String,
    pub tables: Vec<Rows>,
    /// The last number that each table has given to a row.
    pub last_numbers: BTreeMap<String, i64>,
    pub files: Files,
}

#[derive(Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Rows {
    #[serde(flatten)]
    pub table: Table,
    pub count: u64,
    /// The SHA-256 of each part, in order.
    pub parts: Vec<String>,
}

#[derive(Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Files {
    pub count: u64,
    pub bytes: u64,
    /// The SHA-256 of each part of the list, in order.
    pub parts: Vec<String>,
}

impl Manifest {
    /// How many rows all tables have.
    pub fn rows(&self) -> u64 {
        self.tables.iter().map(|rows| rows.count).sum()
    }
}
