//! The choices of a list of tickets, and their words in URLs.

use crate::tickets::line::Line;
use crate::tickets::source::SourceKind;
use crate::tickets::status::Status;
use chrono::NaiveDateTime;

/// Which statuses a list shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Statuses {
    /// New and in progress.
    Open,
    Only(Status),
    All,
}

impl Statuses {
    /// The word used in URLs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Only(status) => status.as_str(),
            Self::All => "all",
        }
    }
}

/// Whose tickets a list shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Assignee {
    Any,
    /// Unassigned tickets.
    Nobody,
    User(i64),
}

/// Which source the tickets of a list come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum From {
    Any,
    /// Tickets without a source.
    Nothing,
    Kind(SourceKind),
}

impl From {
    /// The word used in URLs; empty for any source.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Any => "",
            Self::Nothing => "none",
            Self::Kind(SourceKind::Chat) => "chat",
            Self::Kind(SourceKind::Form) => "form",
        }
    }
}

/// The sort order of a list, always newest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sort {
    /// By the last change.
    Updated,
    /// By creation.
    Created,
    /// By the latest close; open tickets are not listed.
    Closed,
}

impl Sort {
    /// The word used in URLs; empty for the usual order.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Updated => "",
            Self::Created => "created",
            Self::Closed => "closed",
        }
    }

    /// The time of a ticket by which the list is sorted.
    pub fn time(self, ticket: &Line) -> NaiveDateTime {
        match self {
            Self::Updated => ticket.updated_at,
            Self::Created => ticket.created_at,
            Self::Closed => ticket.closed_at.unwrap_or(ticket.updated_at),
        }
    }
}
