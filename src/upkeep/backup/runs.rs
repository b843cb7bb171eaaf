//! The record of backups: which one is running, and when the last one succeeded.

use crate::app::App;
use crate::db::Connection;
use crate::db::schema::{backups, installation};
use crate::error::{Error, Kind, Result};
use chrono::{NaiveDateTime, TimeDelta};
use diesel::prelude::*;
use std::future::Future;
use std::time::Duration;
use tokio::time::sleep;

/// A backup that has not reported for so long counts as interrupted.
const LEASE: TimeDelta = TimeDelta::minutes(2);
const RENEW: Duration = Duration::from_secs(20);
/// Says that two backups at once are one too many.
pub(super) const RUNNING: &str = "Another backup is running, or was interrupted less than two minutes ago.";
/// How long records are kept.
const KEPT: TimeDelta = TimeDelta::days(365);

/// Whether a backup is running. Its files must not be deleted.
pub fn is_running(conn: &mut Connection, now: NaiveDateTime) -> Result<bool> {
    let newest = backups::table.order(backups::id.desc()).select((backups::runs_until, backups::ended_at));
    let newest: Option<(NaiveDateTime, Option<NaiveDateTime>)> = newest.first(conn).optional()?;
    Ok(newest.is_some_and(|(until, ended)| ended.is_none() && until > now))
}

/// A planned backup may be late by this part of the time between two, and by a quarter of an hour.
const LATE: i32 = 2;

/// What is wrong with the backups that are planned, in a few words.
pub fn trouble(last: &Last, every: TimeDelta, now: NaiveDateTime) -> Option<String> {
    let late = every / LATE + TimeDelta::minutes(15);
    match (&last.error, last.succeeded) {
        // Everybody can see this, and the log says why.
        (Some(_), _) => Some("the last backup failed".into()),
        (None, Some(at)) if now - at > every + late => {
            Some(format!("the last backup was made {} h ago", (now - at).num_hours()))
        }
        _ if last.lost_files > 0 => Some(format!("files without a whole copy in the last backup: {}", last.lost_files)),
        _ => None,
    }
}

/// The last backups, for monitoring.
#[derive(Clone, Debug, Default)]
pub struct Last {
    /// The moment of the newest backup that there is.
    pub succeeded: Option<NaiveDateTime>,
    /// Files of which it has no whole copy: they were damaged or missing.
    pub lost_files: i64,
    /// Why the last one failed, unless one has succeeded since.
    pub error: Option<String>,
}

/// The last backups at this place, or at any. If none has ever succeeded there, one elsewhere counts.
pub fn last(conn: &mut Connection, place: Option<&str>) -> Result<Last> {
    let ended = || {
        let all = backups::table.filter(backups::ended_at.is_not_null()).order(backups::id.desc()).into_boxed();
        match place {
            Some(place) => all.filter(backups::place.eq(place)),
            None => all,
        }
    };
    let made = ended().filter(backups::error.eq("")).select((backups::started_at, backups::lost_files));
    let (succeeded, lost_files) = match made.first::<(NaiveDateTime, i64)>(conn).optional()? {
        Some((at, lost_files)) => (Some(at), lost_files),
        // The first one at another place has not succeeded yet.
        None if place.is_some() => {
            let elsewhere = last(conn, None)?;
            (elsewhere.succeeded, elsewhere.lost_files)
        }
        None => (None, 0),
    };
    let error: Option<String> = ended().select(backups::error).first(conn).optional()?;
    Ok(Last { succeeded, lost_files, error: error.filter(|error| !error.is_empty()) })
}

/// Whether a backup was ever made at this place.
pub(super) fn has_one_at(conn: &mut Connection, place: &str) -> Result<bool> {
    let made = backups::table.filter(backups::place.eq(place)).filter(backups::ended_at.is_not_null());
    Ok(made.filter(backups::error.eq("")).select(backups::id).first::<i64>(conn).optional()?.is_some())
}

/// Records that a backup begins.
///
/// # Errors
/// *Conflict* while another one is running.
fn begin(conn: &mut Connection, place: &str, now: NaiveDateTime) -> Result<i64> {
    // Of two that begin at once, one waits here.
    diesel::update(installation::table).set(installation::place.eq(installation::place)).execute(conn)?;
    if is_running(conn, now)? {
        return Err(Error::new(Kind::Conflict, RUNNING));
    }
    diesel::delete(backups::table.filter(backups::started_at.lt(now - KEPT))).execute(conn)?;
    let run = (
        backups::place.eq(place),
        backups::started_at.eq(now),
        backups::runs_until.eq(now + LEASE),
        backups::error.eq(""),
    );
    Ok(diesel::insert_into(backups::table).values(run).returning(backups::id).get_result(conn)?)
}

/// Reports that a backup goes on.
///
/// # Errors
/// *Conflict* when it was taken for interrupted, and another one has begun.
pub(super) fn renew(conn: &mut Connection, id: i64, now: NaiveDateTime) -> Result<()> {
    let newest: Option<i64> = backups::table.select(diesel::dsl::max(backups::id)).first(conn)?;
    if newest != Some(id) {
        return Err(Error::new(Kind::Conflict, "The backup stood still for too long, and another one has begun."));
    }
    diesel::update(backups::table.find(id)).set(backups::runs_until.eq(now + LEASE)).execute(conn)?;
    Ok(())
}

/// Records of how many files a backup has no whole copy.
pub(super) fn set_lost(conn: &mut Connection, id: i64, count: usize) -> Result<()> {
    let count = i64::try_from(count).unwrap_or(i64::MAX);
    diesel::update(backups::table.find(id)).set(backups::lost_files.eq(count)).execute(conn)?;
    Ok(())
}

/// Records a backup while it is made by `work`, which gets the id of the record.
pub(super) async fn record<T, F>(app: &App, place: &str, work: impl FnOnce(i64) -> F) -> Result<T>
where
    F: Future<Output = Result<T>>,
{
    let (started, shown) = (app.clock.now(), place.to_owned());
    let id = app.db.write(move |conn| begin(conn, &shown, started)).await?;
    let done = tokio::select! {
        done = work(id) => done,
        error = lost(app, id) => Err(error),
    };
    let (now, error) = (app.clock.now(), done.as_ref().err().map(Error::cause).unwrap_or_default());
    let end = move |conn: &mut Connection| {
        let end = (backups::ended_at.eq(now), backups::error.eq(&error));
        Ok(diesel::update(backups::table.find(id)).set(end).execute(conn)?)
    };
    app.db.write(end).await?;
    done
}

/// Renews the lease until it is lost.
async fn lost(app: &App, id: i64) -> Error {
    loop {
        sleep(RENEW).await;
        let now = app.clock.now();
        match app.db.write(move |conn| renew(conn, id, now)).await {
            Err(error) if error.kind == Kind::Conflict => return error,
            // The database may be back before the lease ends.
            _ => {}
        }
    }
}
