//! Mails with a one-time link: for a new password, and for joining an account. The secret is made
//! when the mail is sent, so the database never holds it.

use crate::accounts::user::User;
use crate::accounts::{account, invitations, password_links, user};
use crate::app::App;
use crate::db::Connection;
use crate::db::schema::users;
use crate::error::{Error, Result};
use crate::jobs::job::{Job, Kind, NewJob};
use crate::jobs::queue;
use crate::mail::mailer::{Mail, Mailer};
use crate::values::email::Email;
use crate::values::{text, token};
use chrono::NaiveDateTime;
use diesel::prelude::*;
use serde::{Deserialize, Serialize};

/// What a link is for, as its job holds it.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkMail {
    /// A new password of the user with this id.
    Password(i64),
    /// The invitation with this id.
    Invitation(i64),
}

impl LinkMail {
    /// Reads what the job is for.
    pub fn of(job: &Job) -> Result<Self> {
        serde_json::from_str(&job.data).map_err(|source| Error::internal("a link to mail", source))
    }

    /// Adds the job, unless the same one waits already.
    pub fn request(self, conn: &mut Connection, account_id: i64, now: NaiveDateTime) -> Result<()> {
        let data = serde_json::to_string(&self).map_err(|source| Error::internal("a link to mail", source))?;
        let (account_id, key, group_key) = (Some(account_id), data.clone(), String::new());
        queue::request(conn, &NewJob { account_id, kind: Kind::LinkMail, key, group_key, data, due_at: now }, now)
    }
}

/// Lets a link for a new password be mailed to the user with this address, if there is one who
/// may sign in.
pub async fn request_password(app: &App, email: Email) -> Result<()> {
    let wanted = app.db.read(move |conn| user::find_by_email(conn, &email)).await?;
    let Some(user) = wanted.filter(|user| user.disabled_at.is_none()) else { return Ok(()) };
    let now = app.clock.now();
    app.db.write(move |conn| LinkMail::Password(user.id).request(conn, user.account_id, now)).await
}

/// Sends the mail of a job. A link that was mailed before ends.
///
/// # Errors
/// Those of [`Mailer::send`].
pub async fn send(app: &App, mailer: &Mailer, job: &Job) -> Result<()> {
    let (secret, now, what) = (token::secret()?, app.clock.now(), LinkMail::of(job)?);
    let link = |path: &str| mailer.link(&format!("{path}/{secret}"));
    let (password, invitation) = (link("/password"), link("/invitations"));
    let stored = secret.clone();
    let write = move |conn: &mut Connection| match what {
        LinkMail::Password(id) => password_mail(conn, id, &stored, &password, now),
        LinkMail::Invitation(id) => invitation_mail(conn, id, &stored, &invitation, now),
    };
    match app.db.write(write).await? {
        Some(mail) => mailer.send(&mail).await,
        None => Ok(()),
    }
}

/// `None` if the user may no longer sign in.
fn password_mail(
    conn: &mut Connection,
    user_id: i64,
    secret: &str,
    link: &str,
    now: NaiveDateTime,
) -> Result<Option<Mail>> {
    let user: Option<User> = users::table.find(user_id).filter(users::disabled_at.is_null()).first(conn).optional()?;
    let Some(user) = user else { return Ok(None) };
    password_links::create_for_mail(conn, user.id, secret, now)?;
    let text = format!(
        "Somebody asked for a new password for {}. If it was you, set it here within one hour:\n\n{link}\n\n\
         The link works once. If it was not you, there is nothing to do: your password stays as it is.\n",
        user.email
    );
    let subject = "Your new password".into();
    Ok(Some(Mail { id: token::id()?, name: user.name, address: user.email, subject, text, for_visitor: None }))
}

/// `None` if the invitation was revoked or accepted, or has expired.
fn invitation_mail(
    conn: &mut Connection,
    id: i64,
    secret: &str,
    link: &str,
    now: NaiveDateTime,
) -> Result<Option<Mail>> {
    let Some((invitation, inviter)) = invitations::renew(conn, id, secret, now)? else { return Ok(None) };
    let account = account::find(conn, invitation.account_id)?.name;
    let invites = format!("{} invites you to join {account} on Docket", inviter.name);
    // Only the invited person learns that the address has a user in another account.
    let is_taken = user::find_by_email(conn, &Email::parse(&invitation.email)?)?.is_some();
    let text = if is_taken {
        format!(
            "{invites}. But you already have a user with this address, in another account, and a user belongs to one \
             account. To join {account} as well, ask {} to invite another address of yours.\n",
            inviter.name
        )
    } else {
        format!(
            "{invites}, as {}. Choose your password here:\n\n{link}\n\nThe link works once, and for {} days.\n",
            invitation.role.as_str(),
            invitations::LINK_DAYS
        )
    };
    let (name, address, subject) = (String::new(), invitation.email, text::shorten(&invites, 150));
    Ok(Some(Mail { id: token::id()?, name, address, subject, text, for_visitor: None }))
}
