//! Who causes a change.

use crate::limits::slots::Holder;

/// Somebody or something that causes a change in an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    /// The account whose rows they reach.
    pub account_id: i64,
    /// Their name at the time, which history keeps.
    pub name: String,
    pub kind: ActorKind,
}

/// What an actor is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ActorKind {
    /// A member of the team, by their id.
    User(i64),
    /// A program, by the id of its API key.
    Key(i64),
    /// The visitor of a conversation.
    Visitor,
}

impl Actor {
    /// A visitor of that name.
    pub fn visitor(account_id: i64, name: &str) -> Self {
        Self { account_id, name: name.to_owned(), kind: ActorKind::Visitor }
    }

    /// The id of the user, if it is one.
    pub fn user_id(&self) -> Option<i64> {
        match self.kind {
            ActorKind::User(id) => Some(id),
            ActorKind::Key(_) | ActorKind::Visitor => None,
        }
    }

    /// The id of the API key, if it is a program.
    pub fn key_id(&self) -> Option<i64> {
        match self.kind {
            ActorKind::Key(id) => Some(id),
            ActorKind::User(_) | ActorKind::Visitor => None,
        }
    }

    /// Under which name they take places of which there are few.
    pub fn holder(&self) -> Holder {
        let user = match self.kind {
            ActorKind::User(id) => id,
            ActorKind::Key(id) => -id,
            ActorKind::Visitor => 0,
        };
        Holder { account: self.account_id, user }
    }
}

impl From<&Self> for Actor {
    fn from(actor: &Self) -> Self {
        actor.clone()
    }
}
