//! Asks a signed-in user for their password again before a sensitive action.

use crate::accounts::agent::Agent;
use crate::accounts::failed_sign_ins::Attempt;
use crate::accounts::password_check::Checked;
use crate::accounts::{devices, password_check, user};
use crate::desk::cookies;
use crate::error::{Error, OfField, Result};
use crate::web::{AppData, client};
use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use std::future::{Ready, ready};

/// Checks the password. Handlers extract it like the agent.
pub struct Confirm {
    req: HttpRequest,
}

impl FromRequest for Confirm {
    type Error = actix_web::Error;
    type Future = Ready<Result<Self, Self::Error>>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Ok(Self { req: req.clone() }))
    }
}

impl Confirm {
    /// Checks that `current` is the agent's password. Guesses are slowed down as at sign-in.
    ///
    /// # Errors
    /// *Invalid* when it is not, *too many* after repeated failures.
    pub async fn password(&self, app: &AppData, agent: &Agent, current: String) -> Result<()> {
        let (account_id, id, now) = (agent.account_id, agent.id, app.clock.now());
        let device = cookies::token(&self.req, app, cookies::Kind::Device);
        let wanted = device.clone().unwrap_or_default();
        let (user, is_known) = app
            .db
            .read(move |conn| Ok((user::find(conn, account_id, id)?, devices::is_known(conn, id, &wanted, now)?)))
            .await?;
        let network = client::network(&self.req, &app.config);
        let attempt = Attempt { network, user: user.email.clone(), device: device.filter(|_| is_known) };
        match password_check::check(app, Some(&user), attempt, current).await? {
            Checked::Right => Ok(()),
            Checked::Wrong => {
                tracing::info!("wrong password of a signed-in user");
                Err(Error::invalid("The current password is wrong.")).of_field("current")
            }
            Checked::TooOften(seconds) => {
                tracing::warn!("too many wrong passwords of a signed-in user");
                Err(Error::too_many(
                    &format!("Too many wrong passwords. Wait {seconds} seconds and try again."),
                    seconds,
                ))
            }
        }
    }
}
