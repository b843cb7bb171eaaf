//! `/healthz` and `/readyz`, for monitoring.

use crate::accounts::user;
use crate::error::Result;
use crate::upkeep::marker;
use crate::web::AppData;
use actix_web::HttpResponse;

/// `GET /healthz`: the process responds.
pub async fn process() -> HttpResponse {
    HttpResponse::Ok().content_type("text/plain; charset=utf-8").body("ok\n")
}

/// `GET /readyz`: the database and the storage respond, too.
///
/// # Errors
/// *Unavailable* when one of them doesn't.
pub async fn ready(app: AppData) -> Result<HttpResponse> {
    app.db.read(user::is_empty).await?;
    marker::look(&app).await?.must_be_right()?;
    Ok(process().await)
}
