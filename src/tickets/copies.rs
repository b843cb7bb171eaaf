//! Copies of tickets, found and counted like others: the past of sample data.

use crate::db::Connection;
use crate::db::copies::{self, Copies};
use crate::db::schema::{accounts, tickets};
use crate::error::Result;
use crate::tickets::ticket::Ticket;
use crate::tickets::{counts, figures, search};
use diesel::prelude::*;
use std::ops::RangeInclusive;

/// Copies tickets of an account, with the conversations and submissions from which they were
/// created, to times that are `seconds` later. The search indexes of those are left to the
/// caller. `suffix` ends the ids of rows, and must be a new one each time.
pub fn add(
    conn: &mut Connection,
    account_id: i64,
    numbers: RangeInclusive<i64>,
    seconds: i64,
    suffix: u32,
) -> Result<()> {
    let count = numbers.end() - numbers.start() + 1;
    // As for other new tickets, this locks the account's row.
    let last: i64 = diesel::update(accounts::table.find(account_id))
        .set(accounts::last_ticket_number.eq(accounts::last_ticket_number + count))
        .returning(accounts::last_ticket_number)
        .get_result(conn)?;
    let shift = last - numbers.end();
    copies::add(conn, &Copies { account_id, numbers, shift, seconds, suffix })?;
    let new: Vec<Ticket> = tickets::table
        .filter(tickets::account_id.eq(account_id))
        .filter(tickets::number.gt(last - count))
        .order(tickets::number)
        .load(conn)?;
    counts::count_new(conn, account_id, &new)?;
    figures::count_new(conn, &new)?;
    search::index_new(conn, &new)
}
