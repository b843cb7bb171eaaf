//! Who causes a change.

use crate::limits::slots::Holder;

/// Who causes a change in an account: a user, an API key, a visitor, or Docket itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    /// The account whose data the actor can access.
    pub account_id: i64,
    /// The actor's name at the time of the change, for the history.
    pub name: String,
    pub kind: ActorKind,
    /// The bulk action that the changes are part of.
    pub bulk: Option<i64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ActorKind {
    /// A member of the team, by user id.
    User(i64),
    /// An API client, by the id of its key.
    Key(i64),
    /// The visitor of a conversation, or the sender of a form.
    Visitor,
    /// Docket itself, or a command of the operator.
    System,
}

impl Actor {
    pub fn new(account_id: i64, name: &str, kind: ActorKind) -> Self {
        Self { account_id, name: name.to_owned(), kind, bulk: None }
    }

    pub fn system(account_id: i64) -> Self {
        Self::new(account_id, "Docket", ActorKind::System)
    }

    pub fn visitor(account_id: i64, name: &str) -> Self {
        Self::new(account_id, name, ActorKind::Visitor)
    }

    pub fn user_id(&self) -> Option<i64> {
        match self.kind {
            ActorKind::User(id) => Some(id),
            _ => None,
        }
    }

    pub fn key_id(&self) -> Option<i64> {
        match self.kind {
            ActorKind::Key(id) => Some(id),
            _ => None,
        }
    }

    /// The identity under which the actor counts towards limits per account and per user.
    pub fn holder(&self) -> Holder {
        let user = match self.kind {
            ActorKind::User(id) => id,
            ActorKind::Key(id) => -id,
            ActorKind::Visitor | ActorKind::System => 0,
        };
        Holder { account: self.account_id, user }
    }
}

impl From<&Self> for Actor {
    fn from(actor: &Self) -> Self {
        actor.clone()
    }
}
