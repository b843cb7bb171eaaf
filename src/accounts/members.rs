//! Changes to other members of the team: role and access.

use crate::accounts::agent::Agent;
use crate::accounts::role::{Action, Role};
use crate::accounts::user::User;
use crate::accounts::{account, invitations, keys, rights, sessions, user};
use crate::db::Connection;
use crate::db::schema::users;
use crate::error::{Error, Kind, Result};
use chrono::NaiveDateTime;
use diesel::prelude::*;

/// The result of changing a member.
pub struct Changed {
    /// The member before the change.
    pub user: User,
    /// Number of API keys revoked because the member may no longer create keys.
    pub revoked_keys: usize,
}

/// Gives a member another role.
///
/// # Errors
/// Those of [`manageable`]; *forbidden* when the agent may not grant that role.
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

/// Revokes the invitations and API keys that a user may no longer grant. Returns the
/// number of revoked keys.
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
