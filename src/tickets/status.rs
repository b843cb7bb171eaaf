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
}

impl Times {
    /// The fields after the status changes at `now`.
    pub fn after(self, from: Status, to: Status, now: NaiveDateTime) -> Self {
        match (from, to) {
            (Status::Closed, Status::Closed) => self,
            (_, Status::Closed) => {
                Self { closed_at: Some(now), first_closed_at: self.first_closed_at.or(Some(now)), ..self }
            }
            (Status::Closed, _) => Self { closed_at: None, reopen_count: self.reopen_count + 1, ..self },
            _ => self,
        }
    }

    /// The fields before the status changed to the present one. `closed_before` is when the
    /// ticket was closed before that, if it was.
    pub fn before(self, from: Status, to: Status, closed_before: Option<NaiveDateTime>) -> Self {
        match (from, to) {
            (Status::Closed, Status::Closed) => self,
            // Whether that was the first close.
            (_, Status::Closed) => Self {
                closed_at: None,
                first_closed_at: self.first_closed_at.filter(|first| Some(*first) != self.closed_at),
                ..self
            },
            (Status::Closed, _) => Self {
                closed_at: closed_before.or(self.first_closed_at),
                reopen_count: (self.reopen_count - 1).max(0),
                ..self
            },
            _ => self,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::DateTime;

    #[test]
    fn closing_and_reopening_keep_their_times() {
        let at = |seconds| DateTime::from_timestamp(seconds, 0).unwrap().naive_utc();
        let start = Times { closed_at: None, first_closed_at: None, reopen_count: 0 };
        let closed = start.after(Status::New, Status::Closed, at(10));
        assert_eq!((closed.closed_at, closed.first_closed_at), (Some(at(10)), Some(at(10))));
        let open = closed.after(Status::Closed, Status::InProgress, at(20));
        assert_eq!((open.closed_at, open.first_closed_at, open.reopen_count), (None, Some(at(10)), 1));
        let again = open.after(Status::InProgress, Status::Closed, at(30));
        assert_eq!((again.closed_at, again.first_closed_at, again.reopen_count), (Some(at(30)), Some(at(10)), 1));
        assert_eq!(closed.before(Status::New, Status::Closed, None), start);
        assert_eq!(open.before(Status::Closed, Status::InProgress, Some(at(10))), closed);
        assert_eq!(again.before(Status::InProgress, Status::Closed, Some(at(10))), open);
    }
}
