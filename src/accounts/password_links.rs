//! One-time links with which a user sets a new password.

use crate::accounts::agent::Agent;
use crate::accounts::user::User;
use crate::accounts::{members, passwords};
use crate::db::Connection;
use crate::db::schema::{password_links, users};
use crate::error::{Error, Kind, Result};
use crate::events::actor::Actor;
use crate::events::event::Kind as EventKind;
use crate::events::record::record;
use crate::values::token;
use chrono::{NaiveDateTime, TimeDelta};
use diesel::prelude::*;

/// How long a link in a mail works. Users ask for it when they want to sign in.
pub const MAILED_HOURS: i64 = 1;
/// How long a link from a manager works, who hands it over some other way.
pub const HANDED_OVER_HOURS: i64 = 24;

#[derive(Insertable)]
#[diesel(table_name = password_links)]
struct PasswordLink {
    token_hash: String,
    user_id: i64,
    created_by: Option<i64>,
    expires_at: NaiveDateTime,
}

/// Creates the link that is mailed to a user. Earlier ones that were mailed end.
pub fn create_for_mail(conn: &mut Connection, user_id: i64, secret: &str, now: NaiveDateTime) -> Result<()> {
    replace(conn, user_id, None, secret, now + TimeDelta::hours(MAILED_HOURS))
}

/// Creates a link for a member, which their manager hands over, and returns the member. Earlier
/// ones from managers end.
///
/// # Errors
/// Those of [`members::manageable`]; *conflict* when the member is disabled.
pub fn create_for_member(
    conn: &mut Connection,
    agent: &Agent,
    id: i64,
    secret: &str,
    now: NaiveDateTime,
) -> Result<User> {
    let (manager, user) = members::manageable(conn, agent, id)?;
    if user.disabled_at.is_some() {
        return Err(Error::new(Kind::Conflict, format!("{} is disabled. Enable them first.", user.name)));
    }
    replace(conn, user.id, Some(manager.id), secret, now + TimeDelta::hours(HANDED_OVER_HOURS))?;
    record(conn, &Actor::from(&manager), user.event(EventKind::UserPasswordLinkCreated), now)?;
    Ok(user)
}

fn replace(
    conn: &mut Connection,
    user_id: i64,
    created_by: Option<i64>,
    secret: &str,
    expires_at: NaiveDateTime,
) -> Result<()> {
    // Anybody can ask for a mail, and must not end a manager's link by it.
    let earlier = password_links::table.filter(password_links::user_id.eq(user_id));
    diesel::delete(earlier.filter(password_links::created_by.is_null().eq(created_by.is_none()))).execute(conn)?;
    let link = PasswordLink { token_hash: token::sha256(secret.as_bytes()), user_id, created_by, expires_at };
    diesel::insert_into(password_links::table).values(link).execute(conn)?;
    Ok(())
}

/// The user whose password the link with this secret sets.
///
/// # Errors
/// *Not found* when the link was used or replaced, or has expired, when the user is disabled, and
/// when the manager who created it may no longer manage the user.
pub fn find(conn: &mut Connection, secret: &str, now: NaiveDateTime) -> Result<User> {
    let found: Option<(Option<i64>, User)> = password_links::table
        .inner_join(users::table.on(users::id.eq(password_links::user_id)))
        .filter(password_links::token_hash.eq(token::sha256(secret.as_bytes())))
        .filter(password_links::expires_at.gt(now))
        .filter(users::disabled_at.is_null())
        .select((password_links::created_by, users::all_columns))
        .first(conn)
        .optional()?;
    if let Some((created_by, user)) = found
        && may_manage(conn, created_by, &user)?
    {
        return Ok(user);
    }
    Err(Error::new(Kind::NotFound, "This link was used or has expired. Ask for a new one."))
}

fn may_manage(conn: &mut Connection, created_by: Option<i64>, user: &User) -> Result<bool> {
    let Some(manager) = created_by else { return Ok(true) };
    let manager: User = users::table.find(manager).first(conn)?;
    Ok(manager.disabled_at.is_none() && manager.role.may_manage(user.role))
}

/// Uses up the link and stores the hash of the new password, or does neither. Ends all sessions of
/// the user, and returns the user.
///
/// # Errors
/// Those of [`find`].
pub fn set_password(conn: &mut Connection, secret: &str, hash: &str, now: NaiveDateTime) -> Result<User> {
    let user = find(conn, secret, now)?;
    // A concurrent request may have used it.
    if passwords::forget_links(conn, user.id)? == 0 {
        return Err(Error::not_found());
    }
    passwords::replace_password(conn, &Actor::from(&user), &user, hash, now)?;
    Ok(user)
}

/// Removes expired links.
pub fn forget_expired(conn: &mut Connection, now: NaiveDateTime) -> Result<()> {
    diesel::delete(password_links::table.filter(password_links::expires_at.le(now))).execute(conn)?;
    Ok(())
}
