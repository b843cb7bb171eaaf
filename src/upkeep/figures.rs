//! Builds the numbers for the reports of an account, a step at a time.

use crate::app::App;
use crate::db::Connection;
use crate::error::{Error, Result};
use crate::figures::build;
use crate::figures::build::Place;
use crate::jobs::job::Job;
use crate::jobs::queue;
use crate::{conversations, tickets};

/// Rows counted per step, so that other requests do not wait long.
const STEP: i64 = 200;

/// Goes on where an earlier try has stopped: what is counted and how far that is are one
/// transaction. Then removes the numbers that were shown before.
pub async fn build(app: &App, job: &Job) -> Result<()> {
    let account_id = job.account_id.ok_or_else(|| Error::internal("numbers for reports", "no account"))?;
    loop {
        let (job, now) = (job.clone(), app.clock.now());
        let step = move |conn: &mut Connection| {
            if !queue::keep(conn, &job, now)? {
                return Ok(false);
            }
            let Some(place) = build::place(conn, account_id)? else { return Ok(false) };
            let (tallies, last) = match place {
                Place::Tickets(id) => tickets::figures::tallies(conn, account_id, id, STEP)?,
                Place::Conversations(seq) => conversations::figures::tallies(conn, account_id, seq, STEP)?,
            };
            build::count(conn, account_id, place, &tallies, last)?;
            Ok(true)
        };
        if !app.db.write(step).await? {
            break;
        }
    }
    while app.db.write(move |conn| build::forget_old(conn, account_id)).await? > 0 {}
    Ok(())
}
