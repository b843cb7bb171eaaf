//! Brings data of older versions up to date, while the program runs.

use crate::app::App;
use crate::contacts::find;
use crate::conversations::inventory as chats;
use crate::db::index::Index;
use crate::db::{Connection, index};
use crate::error::{Error, Result};
use crate::jobs::job::Job;
use crate::jobs::queue;
use crate::search;
use crate::submissions::submission;
use crate::tickets;
use crate::tickets::tags;
use serde::{Deserialize, Serialize};

/// Texts that are read together.
const CHUNK: i64 = 200;

/// What an interrupted run goes on with.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
enum Place {
    /// After this id.
    Tickets(i64),
    Messages(chats::Place),
    Submissions(i64),
}

/// Renames tags, indexes people, and indexes texts that are not found by search yet. Goes on where an
/// earlier try has stopped. One transaction indexes `chunks` of 200 texts: more make the whole faster,
/// but others wait longer. `report` gets the number of texts that are done, and of all.
pub async fn run(app: &App, job: &Job, chunks: u16, report: &dyn Fn(i64, i64)) -> Result<()> {
    let renamed = app.db.write(tags::rename_old).await?;
    if renamed > 0 {
        tracing::info!(count = renamed, "merged tags with equal names");
    }
    while app.db.write(|conn| find::index_missing(conn, CHUNK)).await? > 0 {}
    if app.db.read(|conn| Ok(index::version(conn)?)).await? == search::VERSION {
        return Ok(());
    }
    let mut job = job.clone();
    // A place that another version has kept is in other data, so the job begins again.
    let kept = serde_json::from_str(&job.place).ok().filter(|(version, _)| *version == search::VERSION);
    let mut place = Some(kept.map_or(Place::Tickets(0), |(_, place): (i64, Place)| place));
    let total =
        |conn: &mut Connection| Ok(tickets::search::count(conn)? + chats::count(conn)? + submission::count(conn)?);
    job.total = app.db.scan(total).await?;
    tracing::info!(texts = job.total, done = job.done, "building the search index");
    while let Some(from) = place {
        let (mut kept, now) = (job.clone(), app.clock.now());
        // What was indexed and how far that is are one transaction.
        let step = move |conn: &mut Connection| {
            let mut next = Some(from);
            for _ in 0..chunks {
                next = next.map_or(Ok(None), |from| index_after(conn, from))?;
            }
            if next.is_none() {
                index::clear(conn, Index::Tickets)?;
                // A restore begins by indexing in bulk.
                index::index_row_by_row(conn)?;
                index::set_version(conn, search::VERSION)?;
            }
            kept.place = next
                .map_or(Ok(String::new()), |next| serde_json::to_string(&(search::VERSION, next)))
                .map_err(unwritable)?;
            kept.done = (kept.done + CHUNK * i64::from(chunks)).min(kept.total);
            Ok(queue::keep(conn, &kept, now)?.then(|| (next, kept.clone())))
        };
        let Some((next, kept)) = app.db.write(step).await? else { return Ok(()) };
        (place, job) = (next, kept);
        report(job.done, job.total);
    }
    Ok(())
}

fn unwritable(source: serde_json::Error) -> Error {
    Error::internal("the place of a job", source)
}

fn index_after(conn: &mut Connection, place: Place) -> Result<Option<Place>> {
    Ok(match place {
        Place::Tickets(id) => match tickets::search::index_after(conn, id, CHUNK)? {
            Some(id) => Some(Place::Tickets(id)),
            None => Some(Place::Messages(chats::Place::default())),
        },
        Place::Messages(place) => match chats::index_after(conn, place, CHUNK)? {
            Some(next) => Some(Place::Messages(next)),
            None => Some(Place::Submissions(0)),
        },
        Place::Submissions(seq) => submission::index_after(conn, seq, CHUNK)?.map(Place::Submissions),
    })
}
