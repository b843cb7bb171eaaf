//! Lists of jobs, for people.

use crate::db::Connection;
use crate::db::schema::jobs;
use crate::error::Result;
use crate::jobs::job::{Job, State, leads};
use diesel::prelude::*;

/// The newest jobs of an account and of the installation. Of a batch, only the first job.
pub fn newest(conn: &mut Connection, account_id: i64, state: Option<State>, limit: i64) -> Result<Vec<Job>> {
    let mut query = jobs::table
        .filter(jobs::account_id.eq(account_id).or(jobs::account_id.is_null()))
        .filter(leads())
        .order(jobs::id.desc())
        .limit(limit)
        .into_boxed();
    if let Some(state) = state {
        query = query.filter(jobs::state.eq(state));
    }
    Ok(query.load(conn)?)
}

/// How many jobs were given up, up to `limit`.
pub fn given_up(conn: &mut Connection, limit: i64) -> Result<usize> {
    let ids: Vec<i64> = jobs::table
        .filter(jobs::state.eq(State::GivenUp))
        .filter(jobs::ended_at.is_not_null())
        .filter(leads())
        .limit(limit)
        .select(jobs::id)
        .load(conn)?;
    Ok(ids.len())
}
