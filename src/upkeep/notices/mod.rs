//! Mails to the team: new submissions, visitors who are waiting for a reply, assigned
//! tickets. Each user chooses which.

pub mod plan;
pub mod send;

use crate::accounts::user::User;
use crate::error::{Error, Result};
use crate::words;
use serde::{Deserialize, Serialize};

/// What a mail is about.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Topic {
    /// A submission was sent.
    Submission,
    /// A visitor is waiting for a reply.
    Waiting,
    /// A ticket was assigned to the recipient.
    Assigned,
}

words!(Topic, "unknown topic of a mail");

impl Topic {
    const ALL: [Self; 3] = [Self::Submission, Self::Waiting, Self::Assigned];

    fn as_str(self) -> &'static str {
        match self {
            Self::Submission => "submission",
            Self::Waiting => "waiting",
            Self::Assigned => "assigned",
        }
    }

    /// Whether a user wants mails about it.
    fn is_wanted_by(self, user: &User) -> bool {
        user.disabled_at.is_none()
            && match self {
                Self::Submission => user.mail_submissions,
                Self::Waiting => user.mail_waiting,
                Self::Assigned => user.mail_assignments,
            }
    }

    /// The subject for several entries, after their number.
    pub fn several(self) -> &'static str {
        match self {
            Self::Submission => "new submissions",
            Self::Waiting => "visitors are waiting for a reply",
            Self::Assigned => "tickets were assigned to you",
        }
    }
}

/// One entry of a mail, as its job holds it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Notice {
    /// The id of the recipient.
    pub user: i64,
    pub topic: Topic,
    /// The submission or conversation by id, the ticket by number, or `bulk:` and the id of
    /// a bulk action.
    pub subject: String,
}

impl Notice {
    /// Reads the notice that a job of the kind `Mail` holds.
    pub fn of(data: &str) -> Result<Self> {
        serde_json::from_str(data).map_err(|source| Error::internal("a notice", source))
    }

    pub fn to_json(&self) -> Result<String> {
        serde_json::to_string(self).map_err(|source| Error::internal("a notice", source))
    }
}
