//! Status of a ticket, and the times that it sets.

use crate::db::schema::tickets;
use crate::error::{Error, Result};
use crate::words;
use chrono::NaiveDateTime;
use diesel::AsChangeset;
use diesel::deserialize::FromSqlRow;
use diesel::expression::AsExpression;
use utoipa::ToSchema;

/// The status of a ticket. Not case-sensitive.
#[derive(AsExpression, Clone, Copy, Debug, Eq, FromSqlRow, Hash, PartialEq, ToSchema)]
#[diesel(sql_type = diesel::sql_types::Text)]
#[schema(as = TicketStatus, rename_all = "snake_case")]
pub enum Status {
    /// Nobody has started work.
    New,
    /// Somebody is working on it.
    InProgress,
    /// Done and archived; still found by search.
    Closed,
}

words!(Status);

impl Status {
    /// All statuses, in the order in which a ticket passes through them.
    pub const ALL: [Self; 3] = [Self::New, Self::InProgress, Self::Closed];

    /// The word used in the database and in requests.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::InProgress => "in_progress",
            Self::Closed => "closed",
        }
    }

    pub fn label(self) -> &'static str {
        match self {
            Self::New => "New",
            Self::InProgress => "In progress",
            Self::Closed => "Closed",
        }
    }
}

impl std::str::FromStr for Status {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let found = Self::ALL.into_iter().find(|status| status.as_str().eq_ignore_ascii_case(text));
        found.ok_or_else(|| Error::invalid("status must be new, in_progress or closed."))
    }
}

/// The fields of a ticket that a change of status updates.
#[derive(AsChangeset, Clone, Copy, Debug, Eq, PartialEq)]
#[diesel(table_name = tickets, treat_none_as_null = true)]
pub struct Times {
    /// The latest close; empty while open.
    pub closed_at: Option<NaiveDateTime>,
    /// The first close; never changes.
    pub first_closed_at: Option<NaiveDateTime>,
    pub reopen_count: i64,
    /// The latest reopening.
    pub reopened_at: Option<NaiveDateTime>,
    /// How long the ticket was open up to the latest close, in seconds.
    pub open_seconds: i64,
}

/// What an undo needs to know of the times before a change.
#[derive(Clone, Copy, Debug, Default)]
pub struct Earlier {
    /// When the ticket was closed, if it was.
    pub closed_at: Option<NaiveDateTime>,
    /// When it was reopened last, if it was.
    pub reopened_at: Option<NaiveDateTime>,
}

impl Times {
    /// The fields after the status of a ticket changes at `now`.
    pub fn after(self, created_at: NaiveDateTime, from: Status, to: Status, now: NaiveDateTime) -> Self {
        match (from, to) {
            (Status::Closed, Status::Closed) => self,
            (_, Status::Closed) => Self {
                closed_at: Some(now),
                first_closed_at: self.first_closed_at.or(Some(now)),
                open_seconds: self.open_seconds + self.seconds_open(created_at, now),
                ..self
            },
            (Status::Closed, _) => {
                Self { closed_at: None, reopen_count: self.reopen_count + 1, reopened_at: Some(now), ..self }
            }
            _ => self,
        }
    }

    /// The fields before the status changed to the present one.
    pub fn before(self, created_at: NaiveDateTime, from: Status, to: Status, earlier: Earlier) -> Self {
        match (from, to) {
            (Status::Closed, Status::Closed) => self,
            // Whether that was the first close.
            (_, Status::Closed) => Self {
                closed_at: None,
                first_closed_at: self.first_closed_at.filter(|first| Some(*first) != self.closed_at),
                open_seconds: self
                    .closed_at
                    .map_or(0, |closed| (self.open_seconds - self.seconds_open(created_at, closed)).max(0)),
                ..self
            },
            (Status::Closed, _) => Self {
                closed_at: earlier.closed_at.or(self.first_closed_at),
                reopen_count: (self.reopen_count - 1).max(0),
                reopened_at: earlier.reopened_at,
                ..self
            },
            _ => self,
        }
    }

    /// Seconds from when the ticket was created or reopened to a close.
    fn seconds_open(self, created_at: NaiveDateTime, closed: NaiveDateTime) -> i64 {
        (closed - self.reopened_at.unwrap_or(created_at)).num_seconds().max(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::DateTime;

    #[test]
    fn closing_and_reopening_keep_their_times() {
        let at = |seconds| DateTime::from_timestamp(seconds, 0).unwrap().naive_utc();
        let (created, none) = (at(0), Earlier::default());
        let start =
            Times { closed_at: None, first_closed_at: None, reopen_count: 0, reopened_at: None, open_seconds: 0 };
        let closed = start.after(created, Status::New, Status::Closed, at(10));
        assert_eq!((closed.closed_at, closed.first_closed_at, closed.open_seconds), (Some(at(10)), Some(at(10)), 10));
        let open = closed.after(created, Status::Closed, Status::InProgress, at(20));
        assert_eq!((open.closed_at, open.first_closed_at, open.reopen_count), (None, Some(at(10)), 1));
        let again = open.after(created, Status::InProgress, Status::Closed, at(35));
        assert_eq!((again.closed_at, again.first_closed_at, again.reopen_count), (Some(at(35)), Some(at(10)), 1));
        assert_eq!(again.open_seconds, 25, "not while it was closed");
        let earlier = Earlier { closed_at: Some(at(10)), reopened_at: None };
        assert_eq!(closed.before(created, Status::New, Status::Closed, none), start);
        assert_eq!(open.before(created, Status::Closed, Status::InProgress, earlier), closed);
        assert_eq!(again.before(created, Status::InProgress, Status::Closed, none), open);
    }
}
