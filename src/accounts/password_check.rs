//! Checking a password, at sign-in and before what only its user may do: guesses are
//! slowed down, and whether the user exists makes no difference.

use crate::accounts::passwords;
use crate::accounts::user::User;
use crate::app::App;
use crate::error::Result;
use crate::limits::failures::Try;
use crate::limits::passwords::{Turn, Verdict};
use std::time::Instant;

/// What came of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Checked {
    /// It is the user's password.
    Right,
    /// It is not, or there is no such user.
    Wrong,
    /// It was not looked at; try again in so many seconds.
    TooOften(u32),
}

/// Checks the password of a user, or of nobody.
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
