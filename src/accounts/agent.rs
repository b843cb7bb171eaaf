//! Who acts: a signed-in user, or a program with an API key.

use crate::accounts::role::Role;
use crate::accounts::user::User;
use crate::limits::slots::Holder;
use crate::values::time;
use chrono_tz::Tz;

/// The signed-in user, as handlers get them: whatever they load, they load
/// within [`Agent::account_id`].
#[derive(Clone, Debug)]
pub struct Agent {
    /// The user's id.
    pub id: i64,
    /// The account whose rows they reach.
    pub account_id: i64,
    /// Their name, which is copied into what they do.
    pub name: String,
    /// Their address.
    pub email: String,
    /// What they may do.
    pub role: Role,
    /// The zone in which they read times.
    pub zone: Tz,
    /// The API key, if a program acts. It acts under the id of the user who opened the account.
    pub key: Option<i64>,
}

impl Agent {
    /// Whether it is a program with an API key.
    pub fn is_program(&self) -> bool {
        self.key.is_some()
    }

    /// As whom they hold places of which there are few.
    pub fn holder(&self) -> Holder {
        Holder { account: self.account_id, user: self.key.map_or(self.id, |key| -key) }
    }
}

impl From<User> for Agent {
    fn from(user: User) -> Self {
        let (role, zone) = (user.role, time::zone(&user.time_zone));
        Self { id: user.id, account_id: user.account_id, name: user.name, email: user.email, role, zone, key: None }
    }
}
