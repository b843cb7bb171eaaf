//! `GET /metrics`: numbers for monitoring, for whoever has the token.

use crate::error::{Error, Result};
use crate::events::feed;
use crate::jobs::list;
use crate::metrics::{CONTENT_TYPE, State};
use crate::upkeep::backup::runs;
use crate::web::{AppData, client};
use actix_web::{HttpRequest, HttpResponse};

/// `GET /metrics`
///
/// # Errors
/// *Not found* without `DOCKET_METRICS_TOKEN`, *signed out* with a wrong token.
pub async fn show(app: AppData, req: HttpRequest) -> Result<HttpResponse> {
    let (Some(metrics), Some(secret)) = (&app.metrics, &app.config.metrics_token) else {
        return Err(Error::not_found());
    };
    client::expect_secret(&req, &app, secret)?;
    let now = app.clock.now();
    let planned = app.config.backup_place();
    let load = move |conn: &mut _| {
        let backups = runs::last(conn, planned.as_deref())?;
        let due = list::first_due(conn)?.map(|at| now - at);
        let unnumbered = feed::oldest_without_number(conn)?.map(|at| now - at);
        Ok((list::open_by_kind(conn)?, list::given_up(conn)?, due, unnumbered, backups))
    };
    let (open_jobs, given_up, due, unnumbered, backups) = app.db.read(load).await?;
    let lag = |lag: Option<chrono::TimeDelta>| lag.and_then(|lag| lag.to_std().ok()).unwrap_or_default();
    let state = State {
        database: app.db.usage(),
        open_jobs: open_jobs.into_iter().map(|(kind, count)| (kind.as_str(), count)).collect(),
        jobs_given_up: i64::try_from(given_up).unwrap_or(i64::MAX),
        job_lag: lag(due),
        event_lag: lag(unnumbered),
        last_backup: backups.succeeded.map_or(0, |at| at.and_utc().timestamp()),
        has_backup_failed: backups.error.is_some(),
        lost_files: backups.lost_files,
        free_space: app.storage.free_space(),
    };
    Ok(HttpResponse::Ok().content_type(CONTENT_TYPE).body(metrics.text(&state)?))
}
