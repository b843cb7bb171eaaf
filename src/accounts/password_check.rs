//! Checks passwords at sign-in and before sensitive actions. Slows down guessing, and
//! does not reveal whether a user exists.

use crate::accounts::passwords;
use crate::accounts::user::User;
use crate::app::App;
use crate::error::Result;
use crate::limits::failures::Try;
use crate::limits::passwords::{Turn, Verdict};
use std::time::Instant;

/// The result of a password check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Checked {
    Right,
    /// Wrong password, or no such user.
    Wrong,
    /// Not checked; try again in this many seconds.
    TooOften(u32),
}

/// Checks a password. For an unknown user (`None`), the check takes as long and fails.
pub async fn check(app: &App, user: Option<&User>, attempt: &Try<'_>, password: String) -> Result<Checked> {
    if let Err(seconds) = app.limits.passwords.begin(attempt, Instant::now()) {
        return Ok(Checked::TooOften(seconds));
    }
    let turn = Turn { user: attempt.user.trim().to_lowercase(), is_known: attempt.device.is_some() };
    let verdict = app.passwords.verify(turn, password, user.map(|user| user.password_hash.clone())).await?;
    let Some(user) = user.filter(|_| verdict != Verdict::Wrong) else { return Ok(Checked::Wrong) };
    app.limits.passwords.succeeded(attempt);
    if let Verdict::Renew(hash) = verdict {
        let id = user.id;
        app.db.write(move |conn| passwords::renew_hash(conn, id, &hash)).await?;
    }
    Ok(Checked::Right)
}
