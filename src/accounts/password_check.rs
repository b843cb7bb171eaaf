//! Checks passwords at sign-in and before sensitive actions. Slows down guessing, and
//! does not reveal whether a user exists.

use crate::accounts::failed_sign_ins::Attempt;
use crate::accounts::user::User;
use crate::accounts::{failed_sign_ins, passwords};
use crate::app::App;
use crate::error::Result;
use crate::limits::passwords::{Turn, Verdict};

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
pub async fn check(app: &App, user: Option<&User>, attempt: Attempt, password: String) -> Result<Checked> {
    let (counted, now) = (attempt.clone(), app.clock.now());
    if let Some(seconds) = app.db.write(move |conn| failed_sign_ins::begin(conn, &counted, now)).await? {
        return Ok(Checked::TooOften(seconds));
    }
    let turn = Turn { user: attempt.user.trim().to_lowercase(), is_known: attempt.device.is_some() };
    let verdict = app.passwords.verify(turn, password, user.map(|user| user.password_hash.clone())).await?;
    let Some(user) = user.filter(|_| verdict != Verdict::Wrong) else { return Ok(Checked::Wrong) };
    let id = user.id;
    let succeed = move |conn: &mut _| {
        failed_sign_ins::succeeded(conn, &attempt)?;
        match &verdict {
            Verdict::Renew(hash) => passwords::renew_hash(conn, id, hash),
            Verdict::Right | Verdict::Wrong => Ok(()),
        }
    };
    app.db.write(succeed).await?;
    Ok(Checked::Right)
}
