//! Which sample data an account has.

use crate::db::Connection;
use crate::db::schema::samples;
use crate::error::Result;
use diesel::prelude::*;

/// One run that created sample data.
#[derive(Clone, Debug, Insertable, Queryable)]
pub struct Sample {
    /// Part of the ids of all its rows.
    pub run: String,
    pub account_id: i64,
    pub form_id: i64,
    pub widget_id: i64,
    /// How many numbers its tickets have used.
    pub tickets: i64,
}

impl Sample {
    /// The ids of its rows, as a pattern of `LIKE`.
    pub fn ids(&self) -> String {
        format!("%-{}-%", self.run)
    }
}

pub fn add(conn: &mut Connection, sample: &Sample) -> Result<()> {
    diesel::insert_into(samples::table).values(sample).execute(conn)?;
    Ok(())
}

/// Notes that tickets have used numbers.
pub fn count(conn: &mut Connection, run: &str, tickets: i64) -> Result<()> {
    diesel::update(samples::table.find(run)).set(samples::tickets.eq(samples::tickets + tickets)).execute(conn)?;
    Ok(())
}

pub fn of(conn: &mut Connection, account_id: i64) -> Result<Vec<Sample>> {
    Ok(samples::table.filter(samples::account_id.eq(account_id)).order(samples::run).load(conn)?)
}

pub fn forget(conn: &mut Connection, run: &str) -> Result<()> {
    diesel::delete(samples::table.find(run)).execute(conn)?;
    Ok(())
}
