//! `POST /mail/inbound`: takes emails from mail services and from `docket mail receive`.

use crate::error::{Error, Kind, Result};
use crate::upkeep::incoming;
use crate::web::{AppData, client, flow};
use actix_web::web::Payload;
use actix_web::{HttpRequest, HttpResponse};
use futures_util::StreamExt;

/// The body is a raw message (RFC 5322); the secret comes as `Authorization: Bearer …`. `204` says
/// that the message is stored or belongs nowhere: the sender is done with it.
///
/// # Errors
/// *Not found* when no secret is configured, *signed out* for a wrong one, *too large*;
/// *too many* and *unavailable* ask to send it again later.
pub async fn receive(req: HttpRequest, app: AppData, mut body: Payload) -> Result<HttpResponse> {
    let expected = app.config.mail_inbound_secret.as_deref().ok_or_else(Error::not_found)?;
    client::expect_secret(&req, &app, expected)?;
    let _place = app.uploads.email().await?;
    let too_large = || Error::new(Kind::TooLarge, format!("An email may have at most {}.", incoming::MAX));
    let mut raw = Vec::new();
    while let Some(chunk) = body.next().await {
        let chunk = chunk.map_err(|error| flow::body_error(&error))?;
        if (raw.len() + chunk.len()) as u64 > incoming::MAX.as_u64() {
            return Err(too_large());
        }
        raw.extend_from_slice(&chunk);
    }
    incoming::take(&app, raw).await?;
    Ok(HttpResponse::NoContent().finish())
}
