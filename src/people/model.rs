//! Rules about people, without a database.

use crate::error::{Error, Result};
use crate::people::access::Role;
use crate::slots::Holder;
use crate::web::{text, when};
use chrono::NaiveDateTime;
use chrono_tz::Tz;

/// How long a name of a person or account may be, in characters.
pub const MAX_NAME: usize = 100;

/// A user's row.
#[derive(Clone, Debug, diesel::Queryable)]
#[allow(missing_docs)]
pub struct User {
    pub id: i64,
    pub account_id: i64,
    pub email: String,
    pub name: String,
    pub role: String,
    pub password_hash: String,
    pub time_zone: String,
    pub created_at: NaiveDateTime,
    pub disabled_at: Option<NaiveDateTime>,
    pub mail_submissions: bool,
    pub mail_waiting: bool,
    pub mail_assignments: bool,
}

impl User {
    /// The role. A word that we do not know gives the least rights.
    #[must_use]
    pub fn role(&self) -> Role {
        self.role.parse().unwrap_or(Role::Viewer)
    }
}

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
    /// The API key of a program, which works under the id of whoever opened the account.
    pub key: Option<i64>,
}

impl Agent {
    /// Whether it is a program with an API key.
    #[must_use]
    pub fn is_program(&self) -> bool {
        self.key.is_some()
    }

    /// As whom they hold places of which there are few.
    #[must_use]
    pub fn holder(&self) -> Holder {
        Holder { account: self.account_id, user: self.key.map_or(self.id, |key| -key) }
    }
}

impl From<User> for Agent {
    fn from(user: User) -> Self {
        let (role, zone) = (user.role(), when::zone(&user.time_zone));
        Self { id: user.id, account_id: user.account_id, name: user.name, email: user.email, role, zone, key: None }
    }
}

/// An email address by which a user signs in: trimmed and in lower case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Email(String);

impl Email {
    /// Reads an address.
    ///
    /// # Errors
    /// *Invalid* when it cannot be one.
    pub fn parse(text: &str) -> Result<Self> {
        let text = text.trim().to_lowercase();
        if !text::looks_like_email(&text) {
            return Err(Error::invalid("That is not an email address."));
        }
        Ok(Self(text))
    }

    /// The address.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The IANA name of a browser's time zone; `None` where we do not know it.
#[must_use]
pub fn known_zone(name: &str) -> Option<String> {
    parse_zone(name).ok()
}

/// A time zone that somebody chose.
///
/// # Errors
/// *Invalid* when there is none of that name.
pub fn parse_zone(name: &str) -> Result<String> {
    let zone = Tz::from_str_insensitive(name.trim());
    zone.map(|zone| zone.name().to_owned()).map_err(|_| Error::invalid("There is no time zone of that name."))
}
