//! Changes to other members of the team: role and access.

use crate::accounts::agent::Agent;
use crate::accounts::role::{Action, Role};
use crate::accounts::user::User;
use crate::accounts::{account, invitations, keys, passwords, rights, sessions, user};
use crate::db::Connection;
use crate::db::schema::users;
use crate::error::{Error, Kind, Result};
use crate::events::actor::Actor;
use crate::events::event::Kind as EventKind;
use crate::events::record::record;
use crate::values::email::Email;
use chrono::NaiveDateTime;
use diesel::prelude::*;
use serde_json::json;

/// The result of changing a member.
pub struct Changed {
    /// The member before the change.
    pub user: User,
    /// Number of API keys revoked because the member may no longer create keys.
    pub revoked_keys: usize,
    /// The id of the event.
    pub event: i64,
}

/// Gives a member another role.
///
/// # Errors
/// Those of [`manageable`]; *forbidden* when the agent may not grant that role.
pub fn change_role(conn: &mut Connection, agent: &Agent, id: i64, role: Role, now: NaiveDateTime) -> Result<Changed> {
    let (manager, user) = manageable(conn, agent, id)?;
    manager.role.must_manage(role)?;
    diesel::update(users::table.find(user.id)).set(users::role.eq(role.as_str())).execute(conn)?;
    let (by, data) = (Actor::from(&manager), json!({ "from": user.role, "to": role }));
    let event = record(conn, &by, user.event(EventKind::UserRoleChanged).data(data), now)?;
    let revoked_keys = withdraw(conn, &by, user.id, Some(role), now)?;
    Ok(Changed { user, revoked_keys, event })
}

/// Disables a member: their sessions, keys and invitations end at once.
pub fn disable(conn: &mut Connection, agent: &Agent, id: i64, now: NaiveDateTime) -> Result<Changed> {
    let (manager, user) = manageable(conn, agent, id)?;
    set_disabled(conn, &(&manager).into(), user, now)
}

fn set_disabled(conn: &mut Connection, by: &Actor, user: User, now: NaiveDateTime) -> Result<Changed> {
    let event = set_access(conn, by, &user, Some(now), now)?;
    let revoked_keys = withdraw(conn, by, user.id, None, now)?;
    Ok(Changed { user, revoked_keys, event })
}

/// Lets a disabled member sign in again.
pub fn enable(conn: &mut Connection, agent: &Agent, id: i64, now: NaiveDateTime) -> Result<User> {
    let (manager, user) = manageable(conn, agent, id)?;
    set_access(conn, &(&manager).into(), &user, None, now)?;
    Ok(user)
}

/// Disables a user, for the operator.
///
/// # Errors
/// *Invalid* when no user has that address; *conflict* for the only owner of an account who can
/// sign in.
pub fn disable_by_operator(conn: &mut Connection, email: &Email, now: NaiveDateTime) -> Result<()> {
    let user = locked(conn, email)?;
    let is_owner = |other: &User| other.role == Role::Owner && other.disabled_at.is_none();
    let owners = user::members(conn, user.account_id)?.into_iter().filter(is_owner).count();
    if is_owner(&user) && owners == 1 {
        let message = "This is the only owner of the account who can sign in. Add another owner first.";
        return Err(Error::new(Kind::Conflict, message));
    }
    if user.disabled_at.is_none() {
        set_disabled(conn, &Actor::system(user.account_id), user, now)?;
    }
    Ok(())
}

/// Lets a disabled user sign in again, for the operator.
///
/// # Errors
/// *Invalid* when no user has that address.
pub fn enable_by_operator(conn: &mut Connection, email: &Email, now: NaiveDateTime) -> Result<()> {
    let user = locked(conn, email)?;
    if user.disabled_at.is_some() {
        set_access(conn, &Actor::system(user.account_id), &user, None, now)?;
    }
    Ok(())
}

/// The user with this address. Their account is locked.
fn locked(conn: &mut Connection, email: &Email) -> Result<User> {
    let account_id = user::known(conn, email)?.account_id;
    account::lock(conn, account_id)?;
    user::known(conn, email)
}

/// Revokes the invitations and API keys that a user may no longer grant. Returns the
/// number of revoked keys.
fn withdraw(conn: &mut Connection, by: &Actor, user_id: i64, role: Option<Role>, now: NaiveDateTime) -> Result<usize> {
    invitations::withdraw_of(conn, by, user_id, role, now)?;
    if role.is_some_and(|role| role.may(Action::Own)) { Ok(0) } else { keys::revoke_of(conn, by, user_id, now) }
}

/// Sets since when a user cannot sign in, and ends their sessions. Returns the id of the event.
fn set_access(
    conn: &mut Connection,
    by: &Actor,
    user: &User,
    disabled_at: Option<NaiveDateTime>,
    now: NaiveDateTime,
) -> Result<i64> {
    diesel::update(users::table.find(user.id)).set(users::disabled_at.eq(disabled_at)).execute(conn)?;
    sessions::sign_out(conn, user.id)?;
    passwords::forget_links(conn, user.id)?;
    let kind = if disabled_at.is_some() { EventKind::UserDisabled } else { EventKind::UserEnabled };
    record(conn, by, user.event(kind), now)
}

/// Ends the sessions of a member, and returns the member.
///
/// # Errors
/// Those of [`manageable`].
pub fn end_sessions(conn: &mut Connection, agent: &Agent, id: i64, now: NaiveDateTime) -> Result<User> {
    let (manager, user) = manageable(conn, agent, id)?;
    sessions::sign_out(conn, user.id)?;
    record(conn, &(&manager).into(), user.event(EventKind::UserSessionsEnded), now)?;
    Ok(user)
}

/// Loads the agent's current row and that of a member whom the agent may manage. Nobody
/// can manage themselves, so an account cannot lose its last owner.
///
/// # Errors
/// *Not found* for users of other accounts; *forbidden* when the agent may not manage them.
pub fn manageable(conn: &mut Connection, agent: &Agent, id: i64) -> Result<(User, User)> {
    account::lock(conn, agent.account_id)?;
    let manager = rights::acting(conn, agent.account_id, agent.id, Action::Configure)?;
    let user = user::find(conn, agent.account_id, id)?;
    if user.id == agent.id {
        return Err(Error::new(Kind::Forbidden, "You can’t change your own role or access. Ask a colleague."));
    }
    manager.role.must_manage(user.role)?;
    Ok((manager, user))
}
