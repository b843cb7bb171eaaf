//! The id of an installation. It distinguishes this database from others on the same
//! host, in the same browser or in the same store.

use super::schema::installation;
use super::{Connection, unless_taken};
use crate::error::Result;
use diesel::prelude::*;

/// An installation as the running program knows it.
#[derive(Clone, Debug)]
pub struct Installation {
    /// Random; constant for the lifetime of the database.
    pub id: String,
    /// Whether the database had it before the program started.
    pub was_known: bool,
}

impl Installation {
    /// A short form of the id for the names of cookies and browser storage keys.
    pub fn short(&self) -> &str {
        self.id.get(..8).unwrap_or(&self.id)
    }
}

/// Reads the id. If there is none, stores `new`, unless another instance is faster.
pub fn open(conn: &mut Connection, new: &str) -> Result<Installation> {
    let id = installation::table.select(installation::id);
    if let Some(id) = id.first(conn).optional()? {
        return Ok(Installation { id, was_known: true });
    }
    unless_taken(conn, |conn| {
        diesel::insert_into(installation::table)
            .values((installation::place.eq(1), installation::id.eq(new)))
            .execute(conn)
    })?;
    Ok(Installation { id: id.first(conn)?, was_known: false })
}
