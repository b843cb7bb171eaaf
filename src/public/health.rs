//! `/healthz` and `/readyz`, for whoever watches the program.

use crate::accounts::user;
use crate::error::Result;
use crate::upkeep::marker;
use crate::web::AppData;
use actix_web::HttpResponse;

/// `GET /healthz`: the process answers.
pub async fn process() -> HttpResponse {
    HttpResponse::Ok().content_type("text/plain; charset=utf-8").body("ok\n")
}

/// `GET /readyz`: database and storage answer too.
///
/// # Errors
/// *Unavailable* when one of them does not.
pub async fn ready(app: AppData) -> Result<HttpResponse> {
    app.db.read(user::is_empty).await?;
    marker::look(&app).await?.must_be_right()?;
    Ok(process().await)
}
