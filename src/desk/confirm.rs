//! Asking a signed-in user for their password again, before what only they may do.

use crate::accounts::agent::Agent;
use crate::accounts::passwords::{Passwords, Turn, Verdict};
use crate::accounts::throttle::{Throttle, Try};
use crate::accounts::{devices, passwords, user};
use crate::desk::cookies;
use crate::error::{Error, Result};
use crate::web::{AppData, client};
use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest, web};
use std::future::{Ready, ready};
use std::time::Instant;

/// What it takes to ask. Handlers take it as they take the agent.
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
    /// Whether `current` is the agent's password. Guesses are slowed down as they
    /// are at sign-in.
    ///
    /// # Errors
    /// *Invalid* when it is not, *too many* after repeated failures.
    pub async fn password(&self, app: &AppData, agent: &Agent, current: String) -> Result<()> {
        let part = |missing| Error::internal("wiring", missing);
        let throttle = self.req.app_data::<web::Data<Throttle>>().ok_or_else(|| part("no throttle"))?;
        let passwords = self.req.app_data::<web::Data<Passwords>>().ok_or_else(|| part("no passwords"))?;
        let (account_id, id, now) = (agent.account_id, agent.id, app.clock.now());
        let device = cookies::token(&self.req, app, cookies::Kind::Device);
        let wanted = device.clone().unwrap_or_default();
        let (user, is_known) = app
            .db
            .read(move |conn| Ok((user::find(conn, account_id, id)?, devices::is_known(conn, id, &wanted, now)?)))
            .await?;
        let network = client::network(&self.req, &app.config);
        let attempt = Try { network, user: &user.email, device: device.as_deref().filter(|_| is_known) };
        throttle.begin(&attempt, Instant::now()).map_err(|seconds| {
            tracing::warn!("the password of a signed-in user was wrong too often");
            Error::too_many(&format!("Too many wrong passwords. Wait {seconds} seconds and try again."), seconds)
        })?;
        let turn = Turn { user: user.email.clone(), is_known };
        match passwords.verify(turn, current, Some(user.password_hash)).await? {
            Verdict::Wrong => {
                tracing::info!("the password of a signed-in user was wrong");
                return Err(Error::invalid("The current password is wrong."));
            }
            Verdict::Right => {}
            Verdict::Renew(hash) => app.db.write(move |conn| passwords::renew_hash(conn, id, &hash)).await?,
        }
        throttle.succeeded(&attempt);
        Ok(())
    }
}
