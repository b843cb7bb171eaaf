//! `/healthz` and `/readyz`, for monitoring.

use crate::accounts::user;
use crate::error::{Error, Result};
use crate::events::feed;
use crate::jobs::list;
use crate::upkeep::backup::runs;
use crate::upkeep::marker;
use crate::web::AppData;
use actix_web::HttpResponse;
use chrono::TimeDelta;
use std::fmt::Write;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::time::timeout;

/// Events get their numbers within a second, unless a transaction stays open.
const LAG: TimeDelta = TimeDelta::seconds(10);
/// How long the storage may take to answer. Less than monitoring waits, such as `docket health`.
const STORAGE_ANSWERS: Duration = Duration::from_secs(5);

/// `GET /healthz`: the process responds.
pub async fn process() -> HttpResponse {
    HttpResponse::Ok().content_type("text/plain; charset=utf-8").body("ok\n")
}

/// `GET /readyz`: the database and the storage respond, too. Further lines tell what needs
/// somebody's attention, but not at once.
///
/// # Errors
/// *Unavailable* when one of them doesn't, and when the server is about to stop.
pub async fn ready(app: AppData) -> Result<HttpResponse> {
    if app.is_stopping.load(Ordering::Relaxed) {
        return Err(Error::busy("This server is about to stop.", 5));
    }
    app.db.read(user::is_empty).await?;
    let looked = timeout(STORAGE_ANSWERS, marker::look(&app)).await;
    looked.map_err(|_| Error::unavailable("the storage takes too long to answer"))??.must_be_right()?;
    let now = app.clock.now();
    let planned = app.config.backup_place();
    let load = move |conn: &mut _| {
        let backups = runs::last(conn, planned.as_deref())?;
        Ok((list::given_up(conn)?, feed::oldest_without_number(conn)?, backups))
    };
    let (given_up, waiting, backups) = app.db.read(load).await?;
    let mut body = "ok\n".to_owned();
    // Writing to a string cannot fail.
    if given_up > 0 {
        let _ = writeln!(body, "jobs given up: {given_up}");
    }
    if let Some(lag) = waiting.map(|at| now - at).filter(|lag| *lag > LAG) {
        let _ = writeln!(body, "events wait for their order: {} s", lag.num_seconds());
    }
    let trouble = app.config.backup.as_ref().and_then(|plan| runs::trouble(&backups, plan.every, now));
    if let Some(trouble) = trouble {
        let _ = writeln!(body, "{trouble}");
    }
    Ok(HttpResponse::Ok().content_type("text/plain; charset=utf-8").body(body))
}
