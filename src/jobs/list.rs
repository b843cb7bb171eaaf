//! Lists of jobs, for people.

use crate::db::Connection;
use crate::db::schema::jobs;
use crate::error::Result;
use crate::jobs::job::{Job, Kind, State, leads};
use chrono::NaiveDateTime;
use diesel::dsl::{count_star, min};
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

/// How many jobs wait or run, by kind.
pub fn open_by_kind(conn: &mut Connection) -> Result<Vec<(Kind, i64)>> {
    let open = jobs::table.filter(jobs::ended_at.is_null());
    Ok(open.group_by(jobs::kind).select((jobs::kind, count_star())).load(conn)?)
}

/// When the job was due that waits for longest.
pub fn first_due(conn: &mut Connection) -> Result<Option<NaiveDateTime>> {
    let waiting = jobs::table.filter(jobs::ended_at.is_null()).filter(jobs::state.eq(State::Waiting));
    Ok(waiting.select(min(jobs::due_at)).first(conn)?)
}

/// Jobs that were given up are counted up to this number.
const COUNTED: i64 = 1_000;

/// How many jobs were given up, up to 1,000.
pub fn given_up(conn: &mut Connection) -> Result<usize> {
    let ids: Vec<i64> = jobs::table
        .filter(jobs::state.eq(State::GivenUp))
        .filter(jobs::ended_at.is_not_null())
        .filter(leads())
        .limit(COUNTED)
        .select(jobs::id)
        .load(conn)?;
    Ok(ids.len())
}
