//! The signed-in user.

use crate::accounts::role::Role;
use crate::accounts::user::User;
use crate::events::actor::{Actor, ActorKind};
use crate::limits::slots::Holder;
use crate::values::time;
use chrono_tz::Tz;

/// The signed-in user, as page handlers receive it. Handlers only load data of
/// [`Agent::account_id`].
#[derive(Clone, Debug)]
pub struct Agent {
    pub id: i64,
    /// The account whose data the user can access.
    pub account_id: i64,
    pub name: String,
    pub email: String,
    pub role: Role,
    /// The time zone in which the user sees times.
    pub zone: Tz,
    /// Whether pages react to keyboard shortcuts.
    pub has_keys: bool,
}

impl Agent {
    /// See [`Actor::holder`].
    pub fn holder(&self) -> Holder {
        Actor::from(self).holder()
    }
}

impl From<User> for Agent {
    fn from(user: User) -> Self {
        let (role, zone, has_keys) = (user.role, time::zone(&user.time_zone), !user.keys_off);
        Self { id: user.id, account_id: user.account_id, name: user.name, email: user.email, role, zone, has_keys }
    }
}

impl From<&Agent> for Actor {
    fn from(agent: &Agent) -> Self {
        Self::new(agent.account_id, &agent.name, ActorKind::User(agent.id))
    }
}
