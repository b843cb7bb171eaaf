//! Rights are checked in the transaction that uses them: between the gate and the
//! change a body may take minutes to arrive.

use crate::accounts::actor::{Actor, ActorKind};
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
}

fn confirm(conn: &mut Connection, actor: &Actor, action: Action) -> Result<()> {
    match actor.kind {
        ActorKind::Key(key) => keys::confirm(conn, actor.account_id, key),
        ActorKind::User(id) => acting(conn, actor.account_id, id, action).map(drop),
        // A visitor writes through the chat, whose secret is their right.
        ActorKind::Visitor => Err(not_allowed()),
    }
}

/// A user's row as it is now.
///
/// # Errors
/// *Forbidden* when they no longer may do that.
pub fn acting(conn: &mut Connection, account_id: i64, user_id: i64, action: Action) -> Result<User> {
    let user = user::find(conn, account_id, user_id)?;
    if user.disabled_at.is_some() {
        return Err(Error::new(Kind::Forbidden, "Your access has ended."));
    }
    if user.role.may(action) { Ok(user) } else { Err(not_allowed()) }
}

/// The refusal of a role.
pub fn not_allowed() -> Error {
    Error::new(Kind::Forbidden, "Your role does not allow that. An admin of your team can change it.")
}
