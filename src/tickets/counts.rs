//! The number of tickets that an account has in each status.

use crate::db::Connection;
use crate::db::schema::{accounts, ticket_counts, tickets};
use crate::error::Result;
use crate::tickets::filter::Statuses;
use crate::tickets::status::Status;
use crate::tickets::ticket::Ticket;
use diesel::prelude::*;

/// The number of tickets in each status, excluding the trash.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub new: i64,
    pub in_progress: i64,
    pub closed: i64,
}

impl Counts {
    /// The number of tickets in a list of these statuses.
    pub fn in_statuses(self, statuses: Statuses) -> i64 {
        match statuses {
            Statuses::Open => self.new + self.in_progress,
            Statuses::Only(Status::New) => self.new,
            Statuses::Only(Status::InProgress) => self.in_progress,
            Statuses::Only(Status::Closed) => self.closed,
            Statuses::All => self.new + self.in_progress + self.closed,
        }
    }
}

/// Reads the stored counts.
pub fn of(conn: &mut Connection, account_id: i64) -> Result<Counts> {
    let rows: Vec<(String, i64)> = ticket_counts::table
        .filter(ticket_counts::account_id.eq(account_id))
        .select((ticket_counts::status, ticket_counts::count))
        .load(conn)?;
    let of = |status: Status| rows.iter().find(|(word, _)| word == status.as_str()).map_or(0, |(_, count)| *count);
    Ok(Counts { new: of(Status::New), in_progress: of(Status::InProgress), closed: of(Status::Closed) })
}

/// Updates the counts by status, always in the same order, so that two transactions
/// cannot deadlock.
pub(crate) fn count(conn: &mut Connection, account_id: i64, from: Option<Status>, to: Option<Status>) -> Result<()> {
    let mut changes: Vec<(&str, i64)> =
        from.map(|status| (status.as_str(), -1)).into_iter().chain(to.map(|status| (status.as_str(), 1))).collect();
    changes.sort_unstable();
    for (status, change) in changes {
        diesel::update(ticket_counts::table.find((account_id, status)))
            .set(ticket_counts::count.eq(ticket_counts::count + change))
            .execute(conn)?;
    }
    Ok(())
}

/// Counts new tickets.
pub(super) fn count_new(conn: &mut Connection, account_id: i64, tickets: &[Ticket]) -> Result<()> {
    let mut statuses = Status::ALL;
    statuses.sort_unstable_by_key(|status| status.as_str());
    for status in statuses {
        let of_status = tickets.iter().filter(|ticket| ticket.status == status && ticket.deleted_at.is_none()).count();
        let more = i64::try_from(of_status).unwrap_or(i64::MAX);
        diesel::update(ticket_counts::table.find((account_id, status.as_str())))
            .set(ticket_counts::count.eq(ticket_counts::count + more))
            .execute(conn)?;
    }
    Ok(())
}

/// Compares an account's counters with its tickets, reports each difference and, with
/// `repair`, repairs it. The account must be locked.
pub fn recount(conn: &mut Connection, account_id: i64, repair: bool) -> Result<Vec<String>> {
    let mut wrong = Vec::new();
    // The same lock order as in `count`.
    let mut statuses = Status::ALL;
    statuses.sort_unstable_by_key(|status| status.as_str());
    for status in statuses {
        let counter = ticket_counts::table.find((account_id, status.as_str()));
        // Writing the counter locks it against concurrent changes.
        diesel::update(counter).set(ticket_counts::count.eq(ticket_counts::count)).execute(conn)?;
        let there: i64 = tickets::table
            .filter(tickets::account_id.eq(account_id))
            .filter(tickets::status.eq(status))
            .filter(tickets::deleted_at.is_null())
            .count()
            .get_result(conn)?;
        let counted: i64 = counter.select(ticket_counts::count).first(conn)?;
        if counted != there {
            wrong.push(format!("{there} tickets are {}, but the counter says {counted}", status.as_str()));
            if repair {
                diesel::update(counter).set(ticket_counts::count.eq(there)).execute(conn)?;
            }
        }
    }
    let account = accounts::table.find(account_id);
    let last: i64 = account.select(accounts::last_ticket_number).first(conn)?;
    let highest: Option<i64> = tickets::table
        .filter(tickets::account_id.eq(account_id))
        .select(diesel::dsl::max(tickets::number))
        .first(conn)?;
    if let Some(highest) = highest.filter(|highest| *highest > last) {
        wrong.push(format!("ticket #{highest} exists, but the counter says that {last} is the last one"));
        if repair {
            diesel::update(account).set(accounts::last_ticket_number.eq(highest)).execute(conn)?;
        }
    }
    Ok(wrong)
}
