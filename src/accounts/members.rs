//! What somebody may change about other members of their team.

use crate::accounts::agent::Agent;
use crate::accounts::role::{Action, Role};
use crate::accounts::user::User;
use crate::accounts::{account, invitations, keys, rights, sessions, user};
use crate::db::Connection;
use crate::db::schema::users;
use crate::error::{Error, Kind, Result};
use chrono::NaiveDateTime;
use diesel::prelude::*;

/// A member after a change.
pub struct Changed {
    /// The member as they were before it.
    pub user: User,
    /// How many API keys were revoked, because the member may no longer create keys.
    pub revoked_keys: usize,
}

/// Gives a member another role.
///
/// # Errors
/// As [`manageable`]; *forbidden* where the agent may not grant that role.
pub fn change_role(conn: &mut Connection, agent: &Agent, id: i64, role: Role, now: NaiveDateTime) -> Result<Changed> {
    let (manager, user) = manageable(conn, agent, id)?;
    manager.role.must_manage(role)?;
    diesel::update(users::table.find(user.id)).set(users::role.eq(role.as_str())).execute(conn)?;
    let revoked_keys = withdraw(conn, user.id, Some(role), now)?;
    Ok(Changed { user, revoked_keys })
}

/// Disables a member: their sessions, keys and invitations end at once.
pub fn disable(conn: &mut Connection, agent: &Agent, id: i64, now: NaiveDateTime) -> Result<Changed> {
    let user = set_disabled(conn, agent, id, Some(now))?;
    let revoked_keys = withdraw(conn, user.id, None, now)?;
    Ok(Changed { user, revoked_keys })
}

/// Lets a disabled member sign in again.
pub fn enable(conn: &mut Connection, agent: &Agent, id: i64) -> Result<User> {
    set_disabled(conn, agent, id, None)
}

/// Takes back what somebody may no longer grant, and says how many API keys that were.
fn withdraw(conn: &mut Connection, user_id: i64, role: Option<Role>, now: NaiveDateTime) -> Result<usize> {
    invitations::withdraw_of(conn, user_id, role)?;
    if role.is_some_and(|role| role.may(Action::Own)) { Ok(0) } else { keys::revoke_of(conn, user_id, now) }
}

fn set_disabled(conn: &mut Connection, agent: &Agent, id: i64, at: Option<NaiveDateTime>) -> Result<User> {
    let (_, user) = manageable(conn, agent, id)?;
    diesel::update(users::table.find(user.id)).set(users::disabled_at.eq(at)).execute(conn)?;
    user::reset_mail_marks(conn, user.id)?;
    sessions::sign_out(conn, user.id)?;
    Ok(user)
}

/// The agent's row as it is now, and that of a colleague whom they may manage.
/// Nobody manages themselves, so an account cannot lose its last owner.
///
/// # Errors
/// *Not found* for users of other accounts; *forbidden* where the agent may not.
pub fn manageable(conn: &mut Connection, agent: &Agent, id: i64) -> Result<(User, User)> {
    account::lock(conn, agent.account_id)?;
    let manager = rights::acting(conn, agent.account_id, agent.id, Action::Configure)?;
    let user = user::find(conn, agent.account_id, id)?;
    if user.id == agent.id {
        return Err(Error::new(Kind::Forbidden, "You cannot change your own role or access; ask a colleague."));
    }
    manager.role.must_manage(user.role)?;
    Ok((manager, user))
}
