//! Rights are checked in the transaction that uses them: between the gate and the
//! change a body may take minutes to arrive.

use crate::accounts::agent::Agent;
use crate::accounts::role::Action;
use crate::accounts::user::User;
use crate::accounts::{keys, user};
use crate::app::App;
use crate::db::Connection;
use crate::error::{Error, Kind, Result};

impl App {
    /// [`crate::db::Db::write`] for somebody who still may do that. `job` gets them
    /// as well.
    ///
    /// # Errors
    /// *Forbidden* when they no longer may; those of `job`.
    pub async fn write_as<T, F>(&self, agent: &Agent, action: Action, mut job: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnMut(&mut Connection, &Agent) -> Result<T> + Send + 'static,
    {
        let agent = agent.clone();
        self.db
            .write(move |conn| {
                confirm(conn, &agent, action)?;
                job(conn, &agent)
            })
            .await
    }
}

fn confirm(conn: &mut Connection, agent: &Agent, action: Action) -> Result<()> {
    match agent.key {
        Some(key) => keys::confirm(conn, agent.account_id, key),
        None => acting(conn, agent, action).map(drop),
    }
}

/// The agent's row as it is now.
///
/// # Errors
/// *Forbidden* when they no longer may do that.
pub fn acting(conn: &mut Connection, agent: &Agent, action: Action) -> Result<User> {
    let user = user::find(conn, agent.account_id, agent.id)?;
    if user.disabled_at.is_some() {
        return Err(Error::new(Kind::Forbidden, "Your access has ended."));
    }
    if user.role.may(action) { Ok(user) } else { Err(not_allowed()) }
}

/// The refusal of a role.
pub fn not_allowed() -> Error {
    Error::new(Kind::Forbidden, "Your role does not allow that. An admin of your team can change it.")
}
