//! Checks rights in the transaction that uses them, because a request body may take
//! minutes to arrive after the gate checked them.

use crate::accounts::agent::Agent;
use crate::accounts::role::Action;
use crate::accounts::user::User;
use crate::accounts::{keys, user};
use crate::app::App;
use crate::db::Connection;
use crate::error::{Error, Kind, Result};
use crate::events::actor::{Actor, ActorKind};

impl App {
    /// [`crate::db::Db::write`] for an actor who may still perform the action. `job`
    /// receives the actor.
    ///
    /// # Errors
    /// *Forbidden* when the actor no longer may; errors of `job`.
    pub async fn write_as<T, F>(&self, by: impl Into<Actor>, action: Action, mut job: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnMut(&mut Connection, &Actor) -> Result<T> + Send + 'static,
    {
        let actor = by.into();
        self.db
            .write(move |conn| {
                confirm(conn, &actor, action)?;
                job(conn, &actor)
            })
            .await
    }

    /// [`App::write_as`] for a signed-in user. `job` receives the user's current row.
    ///
    /// # Errors
    /// *Forbidden* when the user no longer may; errors of `job`.
    pub async fn write_as_user<T, F>(&self, by: &Agent, action: Action, mut job: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnMut(&mut Connection, &User) -> Result<T> + Send + 'static,
    {
        let (account_id, id) = (by.account_id, by.id);
        self.db
            .write(move |conn| {
                let user = acting(conn, account_id, id, action)?;
                job(conn, &user)
            })
            .await
    }
}

fn confirm(conn: &mut Connection, actor: &Actor, action: Action) -> Result<()> {
    match actor.kind {
        ActorKind::Key(key) => keys::confirm(conn, actor.account_id, key),
        ActorKind::User(id) => acting(conn, actor.account_id, id, action).map(drop),
        // Visitors write through chat and forms, which authorise them in their own way.
        ActorKind::Visitor | ActorKind::System => Err(not_allowed()),
    }
}

/// Loads a user's current row and checks that the user may perform the action.
///
/// # Errors
/// *Forbidden* when the user no longer may.
pub fn acting(conn: &mut Connection, account_id: i64, user_id: i64, action: Action) -> Result<User> {
    let user = user::find(conn, account_id, user_id)?;
    if user.disabled_at.is_some() {
        return Err(Error::new(Kind::Forbidden, "Your access has ended."));
    }
    if user.role.may(action) { Ok(user) } else { Err(not_allowed()) }
}

/// The error when a role does not allow an action.
pub fn not_allowed() -> Error {
    Error::new(Kind::Forbidden, "Your role does not allow this. An admin of your team can change your role.")
}
