//! Roles and what they may do. All decisions about permissions are in this file.

use crate::error::{Error, Kind, Result};
use crate::words;
use diesel::deserialize::FromSqlRow;
use diesel::expression::AsExpression;
use utoipa::ToSchema;

/// The role of a user in their account.
#[derive(AsExpression, Clone, Copy, Debug, Eq, FromSqlRow, Hash, PartialEq, ToSchema)]
#[diesel(sql_type = diesel::sql_types::Text)]
#[schema(rename_all = "lowercase")]
pub enum Role {
    /// May do everything, including managing owners and keys.
    Owner,
    /// May also change settings and team.
    Admin,
    /// May change tickets, conversations and submissions.
    Editor,
    /// May read everything and change only their own profile.
    Viewer,
}

/// The permission that a route requires.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// Read all data of the account, and change one's own profile.
    Read,
    /// Change tickets, conversations and submissions.
    Work,
    /// Change settings and team.
    Configure,
    /// Create and revoke API keys.
    Own,
}

words!(Role, "role must be owner, admin, editor or viewer.");

impl Role {
    /// All roles, the most powerful first.
    pub const ALL: [Self; 4] = [Self::Owner, Self::Admin, Self::Editor, Self::Viewer];

    /// The word used in the database and in requests.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Admin => "admin",
            Self::Editor => "editor",
            Self::Viewer => "viewer",
        }
    }

    pub fn may(self, action: Action) -> bool {
        match action {
            Action::Read => true,
            Action::Work => self != Self::Viewer,
            Action::Configure => matches!(self, Self::Owner | Self::Admin),
            Action::Own => self == Self::Owner,
        }
    }

    /// Whether a user with this role may invite, change or disable users with role `other`.
    pub fn may_manage(self, other: Self) -> bool {
        match other {
            Self::Owner => self == Self::Owner,
            _ => self.may(Action::Configure),
        }
    }

    /// Like [`Role::may_manage`], but returns an error.
    pub fn must_manage(self, other: Self) -> Result<()> {
        if self.may_manage(other) {
            return Ok(());
        }
        Err(Error::new(Kind::Forbidden, "Only an owner can invite or change owners."))
    }
}

#[cfg(test)]
mod tests {
    use super::{Action, Role};

    #[test]
    fn the_table_of_roles_and_actions() {
        let table = [
            (Role::Owner, [true, true, true, true]),
            (Role::Admin, [true, true, true, false]),
            (Role::Editor, [true, true, false, false]),
            (Role::Viewer, [true, false, false, false]),
        ];
        for (role, expected) in table {
            let found = [Action::Read, Action::Work, Action::Configure, Action::Own].map(|action| role.may(action));
            assert_eq!(found, expected, "{role:?}");
        }
    }

    #[test]
    fn only_owners_manage_owners_and_only_admins_manage_others() {
        for manager in Role::ALL {
            assert_eq!(manager.may_manage(Role::Owner), manager == Role::Owner);
            assert_eq!(manager.may_manage(Role::Viewer), matches!(manager, Role::Owner | Role::Admin));
        }
    }
}
