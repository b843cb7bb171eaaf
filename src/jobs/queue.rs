//! The queue of jobs: adds, claims, retries and ends them.

use crate::db::schema::jobs;
use crate::db::{Connection, unless_taken};
use crate::error::{Error, Result};
use crate::jobs::job::{Job, Kind, NewJob, State, leads};
use crate::values::email;
use chrono::{NaiveDateTime, TimeDelta};
use diesel::prelude::*;
use std::collections::HashSet;

/// A worker that has not said for this long that it still works is gone. Clocks of several
/// machines may differ by less.
pub const LEASE: TimeDelta = TimeDelta::minutes(3);
/// A job is given up after so many tries: with the waits below, after 17 hours.
const TRIES: i64 = 22;
const LONGEST_WAIT: TimeDelta = TimeDelta::hours(1);
/// Most jobs that are done together.
const BATCH: i64 = 1_000;
/// How long jobs are kept after they were done.
const KEPT_DONE: TimeDelta = TimeDelta::days(7);
/// How long jobs are kept that were given up or cancelled.
const KEPT_OTHERS: TimeDelta = TimeDelta::days(90);

/// Adds jobs, except those whose key is taken.
pub fn add(conn: &mut Connection, new: &[NewJob], now: NaiveDateTime) -> Result<()> {
    for chunk in new.chunks(500) {
        let keys: Vec<&str> = chunk.iter().map(|job| job.key.as_str()).collect();
        let known: Vec<(Kind, String)> =
            jobs::table.filter(jobs::key.eq_any(keys)).select((jobs::kind, jobs::key)).load(conn)?;
        let mut known: HashSet<(Kind, String)> = known.into_iter().collect();
        for job in chunk {
            if known.insert((job.kind, job.key.clone())) {
                insert(conn, job, now)?;
            }
        }
    }
    Ok(())
}

/// Adds a job of which `total` things are to be done, and claims it for the caller unless
/// `is_for_workers`. Returns it.
pub fn start(conn: &mut Connection, new: &NewJob, total: i64, is_for_workers: bool, now: NaiveDateTime) -> Result<Job> {
    insert(conn, new, now)?;
    let added = jobs::table.filter(jobs::kind.eq(new.kind)).filter(jobs::key.eq(&new.key));
    let job: Job = diesel::update(added).set(jobs::total.eq(total)).returning(jobs::all_columns).get_result(conn)?;
    if is_for_workers { Ok(job) } else { claim(conn, job.id, now)?.ok_or_else(Error::not_found) }
}

/// The job of an account with this key, unless it ended long ago.
pub fn find(conn: &mut Connection, account_id: i64, kind: Kind, key: &str) -> Result<Option<Job>> {
    let of_account = jobs::table.filter(jobs::account_id.eq(account_id));
    Ok(of_account.filter(jobs::kind.eq(kind)).filter(jobs::key.eq(key)).first(conn).optional()?)
}

fn insert(conn: &mut Connection, job: &NewJob, now: NaiveDateTime) -> QueryResult<usize> {
    let fresh = (
        jobs::state.eq(State::Waiting),
        jobs::tries.eq(0),
        jobs::place.eq(""),
        jobs::done.eq(0),
        jobs::total.eq(0),
        jobs::error.eq(""),
        jobs::created_at.eq(now),
    );
    diesel::insert_into(jobs::table).values((job, fresh)).execute(conn)
}

/// Lets the only job of its kind be done now, that of an account or of the whole
/// installation, unless it waits or runs already.
pub fn ensure(conn: &mut Connection, kind: Kind, account_id: Option<i64>, now: NaiveDateTime) -> Result<()> {
    let key = account_id.map_or_else(|| kind.as_str().into(), |id| id.to_string());
    request(conn, &NewJob { account_id, kind, key, group_key: String::new(), data: "{}".into(), due_at: now }, now)
}

/// Adds a job, or lets the one of its kind and key be done again. One that waits or runs already
/// stays as it is.
pub fn request(conn: &mut Connection, job: &NewJob, now: NaiveDateTime) -> Result<()> {
    let known = jobs::table.filter(jobs::kind.eq(job.kind)).filter(jobs::key.eq(&job.key));
    diesel::update(known.filter(jobs::ended_at.is_not_null())).set(again(job.due_at)).execute(conn)?;
    unless_taken(conn, |conn| insert(conn, job, now))?;
    Ok(())
}

/// Lets a job of the installation that waits be done at that time, if it would be done later.
pub fn hasten(conn: &mut Connection, kind: Kind, latest: NaiveDateTime) -> Result<()> {
    let waiting = jobs::table.filter(jobs::kind.eq(kind)).filter(jobs::state.eq(State::Waiting));
    diesel::update(waiting.filter(jobs::due_at.gt(latest))).set(jobs::due_at.eq(latest)).execute(conn)?;
    Ok(())
}

#[derive(AsChangeset)]
#[diesel(table_name = jobs, treat_none_as_null = true)]
struct Again {
    state: State,
    due_at: NaiveDateTime,
    tries: i64,
    ended_at: Option<NaiveDateTime>,
}

fn again(due_at: NaiveDateTime) -> Again {
    Again { state: State::Waiting, due_at, tries: 0, ended_at: None }
}

/// The job, as long as this worker has it.
#[diesel::dsl::auto_type(no_type_alias)]
fn running(job: &Job) -> _ {
    let state: State = State::Running;
    let tries: i64 = job.tries;
    let id: i64 = job.id;
    jobs::table.filter(jobs::id.eq(id)).filter(jobs::state.eq(state)).filter(jobs::tries.eq(tries))
}

#[diesel::dsl::auto_type(no_type_alias)]
fn is_due<'a>(kinds: &'a [Kind], now: NaiveDateTime) -> _ {
    jobs::ended_at.is_null().and(jobs::due_at.le(now)).and(jobs::kind.eq_any(kinds)).and(leads())
}

/// The job of these kinds that is due for longest.
pub fn next_due(conn: &mut Connection, kinds: &[Kind], now: NaiveDateTime) -> Result<Option<i64>> {
    Ok(jobs::table
        .filter(is_due(kinds, now))
        .order((jobs::due_at, jobs::id))
        .select(jobs::id)
        .first(conn)
        .optional()?)
}

/// Claims that job, unless somebody else has.
pub fn claim(conn: &mut Connection, id: i64, now: NaiveDateTime) -> Result<Option<Job>> {
    let free = jobs::table.find(id).filter(is_due(&Kind::ALL, now));
    Ok(diesel::update(free)
        .set((jobs::state.eq(State::Running), jobs::due_at.eq(now + LEASE), jobs::tries.eq(jobs::tries + 1)))
        .returning(jobs::all_columns)
        .get_result(conn)
        .optional()?)
}

/// The jobs that are done together with this one, itself included. They stay the same
/// however often it is tried.
pub fn batch(conn: &mut Connection, job: &Job, now: NaiveDateTime) -> Result<Vec<Job>> {
    if job.batch_id.is_none() {
        let due: Vec<i64> = jobs::table
            .filter(jobs::group_key.eq(&job.group_key))
            .filter(jobs::kind.eq(job.kind))
            .filter(jobs::state.eq(State::Waiting))
            .filter(jobs::ended_at.is_null())
            .filter(jobs::due_at.le(now))
            .filter(jobs::batch_id.is_null())
            .order(jobs::id)
            .limit(BATCH)
            .select(jobs::id)
            .load(conn)?;
        let members = jobs::id.eq_any(due).and(jobs::state.eq(State::Waiting)).or(jobs::id.eq(job.id));
        diesel::update(jobs::table.filter(members).filter(jobs::batch_id.is_null()))
            .set(jobs::batch_id.eq(job.id))
            .execute(conn)?;
    }
    Ok(jobs::table.filter(jobs::batch_id.eq(job.id)).order(jobs::id).load(conn)?)
}

/// Renews the lease of a job. Returns whether its worker may go on, as does [`keep`].
pub fn renew(conn: &mut Connection, job: &Job, now: NaiveDateTime) -> Result<bool> {
    Ok(diesel::update(running(job)).set(jobs::due_at.eq(now + LEASE)).execute(conn)? == 1)
}

/// Notes how far a job has come, and renews its lease. Returns whether the worker may go on:
/// the job may have been cancelled, or claimed by another after the lease.
pub fn keep(conn: &mut Connection, job: &Job, now: NaiveDateTime) -> Result<bool> {
    let kept = diesel::update(running(job))
        .set((
            jobs::due_at.eq(now + LEASE),
            jobs::place.eq(&job.place),
            jobs::done.eq(job.done),
            jobs::total.eq(job.total),
        ))
        .execute(conn)?;
    Ok(kept == 1)
}

/// The result of a try.
#[derive(Clone, Debug)]
pub enum Outcome {
    Done,
    /// It is to be done at that time.
    Later(NaiveDateTime),
    /// It may succeed later.
    Failed(String),
    /// It would fail every time.
    Hopeless(String),
}

impl Outcome {
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Later(_) => "later",
            Self::Failed(_) => "failed",
            Self::Hopeless(_) => "hopeless",
        }
    }
}

/// Ends a try. Does nothing when the job was cancelled or claimed by another.
pub fn settle(conn: &mut Connection, job: &Job, outcome: &Outcome, now: NaiveDateTime) -> Result<()> {
    let (error, next) = match outcome {
        Outcome::Done => (String::new(), job.kind.repeats().map(|wait| (0, now + wait))),
        Outcome::Later(at) => (String::new(), Some((0, *at))),
        Outcome::Failed(error) | Outcome::Hopeless(error) => {
            // A job that never ends is not given up either.
            let may_succeed = matches!(outcome, Outcome::Failed(_)) && job.tries < TRIES;
            let is_tried_again = may_succeed || job.kind.repeats().is_some();
            (error.clone(), is_tried_again.then(|| (job.tries, now + wait(job.tries))))
        }
    };
    match next {
        Some((tries, at)) => {
            let waiting = Again { tries, ..again(at) };
            diesel::update(running(job)).set((waiting, jobs::error.eq(&error))).execute(conn)?;
        }
        None => {
            let state = if error.is_empty() { State::Done } else { State::GivenUp };
            let ended = diesel::update(running(job)).set((
                jobs::state.eq(state),
                jobs::ended_at.eq(now),
                jobs::error.eq(&error),
            ));
            if ended.execute(conn)? == 1 {
                end_members(conn, job.id, state, now)?;
            }
        }
    }
    Ok(())
}

/// Leaves a running job to the next worker. It keeps the number of its try, so that nothing that
/// this one still does is taken for the next one's.
pub fn hand_over(conn: &mut Connection, job: &Job, now: NaiveDateTime) -> Result<()> {
    diesel::update(running(job)).set((jobs::state.eq(State::Waiting), jobs::due_at.eq(now))).execute(conn)?;
    Ok(())
}

/// One minute after the first failure, then twice as long each time.
fn wait(tries: i64) -> TimeDelta {
    let minutes = 1_i32.checked_shl(u32::try_from(tries - 1).unwrap_or_default()).filter(|minutes| *minutes > 0);
    minutes.map_or(LONGEST_WAIT, |minutes| TimeDelta::minutes(minutes.into()).min(LONGEST_WAIT))
}

fn end_members(conn: &mut Connection, id: i64, state: State, now: NaiveDateTime) -> Result<()> {
    diesel::update(jobs::table.filter(jobs::batch_id.eq(id)).filter(jobs::ended_at.is_null()))
        .set((jobs::state.eq(state), jobs::ended_at.eq(now)))
        .execute(conn)?;
    Ok(())
}

/// Cancels a job of an account. Its worker stops soon.
///
/// # Errors
/// *Not found* when there is no such job that waits or runs, or when it erases a person.
pub fn cancel(conn: &mut Connection, account_id: i64, id: i64, now: NaiveDateTime) -> Result<()> {
    let open = jobs::table.find(id).filter(jobs::account_id.eq(account_id)).filter(jobs::ended_at.is_null());
    let open = open.filter(jobs::kind.ne(Kind::Erasure));
    let id: i64 = diesel::update(open)
        .set((jobs::state.eq(State::Cancelled), jobs::ended_at.eq(now)))
        .returning(jobs::id)
        .get_result(conn)?;
    end_members(conn, id, State::Cancelled, now)
}

/// Lets a job that was cancelled or given up go on where it was.
///
/// # Errors
/// *Not found* when there is no such job.
pub fn resume(conn: &mut Connection, account_id: i64, id: i64, now: NaiveDateTime) -> Result<()> {
    let stopped = || jobs::state.eq_any([State::Cancelled, State::GivenUp]);
    let ended = jobs::table.find(id).filter(jobs::account_id.eq(account_id)).filter(stopped());
    let id: i64 = diesel::update(ended).set(again(now)).returning(jobs::id).get_result(conn)?;
    diesel::update(jobs::table.filter(jobs::batch_id.eq(id)).filter(stopped())).set(again(now)).execute(conn)?;
    Ok(())
}

/// Removes the jobs of a kind and group, and returns how many of them had not ended.
pub fn forget_group(conn: &mut Connection, kind: Kind, group_key: &str) -> Result<usize> {
    let of_group = || jobs::table.filter(jobs::kind.eq(kind)).filter(jobs::group_key.eq(group_key));
    let waiting = diesel::delete(of_group().filter(jobs::ended_at.is_null())).execute(conn)?;
    diesel::delete(of_group()).execute(conn)?;
    Ok(waiting)
}

/// Replaces errors of an account's jobs, and of the installation's, that name one of these
/// addresses, which are in lower case.
pub fn erase_addresses(conn: &mut Connection, account_id: i64, addresses: &[String]) -> Result<()> {
    let failed: Vec<(i64, String)> = jobs::table
        .filter(jobs::account_id.eq(account_id).or(jobs::account_id.is_null()))
        .filter(jobs::error.like("%@%"))
        .select((jobs::id, jobs::error))
        .load(conn)?;
    for (id, _) in failed.into_iter().filter(|(_, error)| email::names_any(error, addresses)) {
        diesel::update(jobs::table.find(id))
            .set(jobs::error.eq("an error that named somebody who was erased"))
            .execute(conn)?;
    }
    Ok(())
}

/// Removes up to `limit` jobs that ended long ago, and returns how many.
pub fn forget_old(conn: &mut Connection, limit: i64, now: NaiveDateTime) -> Result<usize> {
    let done = jobs::state.eq(State::Done).and(jobs::ended_at.le(now - KEPT_DONE));
    // What is left of a person who is half erased is known by the job alone.
    let others =
        jobs::state.ne(State::Done).and(jobs::kind.ne(Kind::Erasure)).and(jobs::ended_at.le(now - KEPT_OTHERS));
    let old: Vec<i64> = jobs::table.filter(done.or(others)).limit(limit).select(jobs::id).load(conn)?;
    Ok(diesel::delete(jobs::table.filter(jobs::id.eq_any(old))).execute(conn)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_an_hour_and_end_within_a_day() {
        let waits: Vec<i64> = (1..TRIES).map(|tries| wait(tries).num_minutes()).collect();
        assert_eq!(waits[..8], [1, 2, 4, 8, 16, 32, 60, 60]);
        assert_eq!(waits.iter().sum::<i64>() / 60, 16);
        assert_eq!(wait(70).num_minutes(), 60);
    }
}
