//! The files of tickets, as lists and search see them.

use crate::db::Connection;
use crate::db::fixed::one_of;
use crate::db::schema::attachments;
use crate::error::Result;
use diesel::dsl::auto_type;
use diesel::prelude::*;
use std::collections::HashMap;

/// Files that are stored and not deleted.
#[auto_type(no_type_alias)]
pub(super) fn are_shown() -> _ {
    attachments::state.eq("ready").and(attachments::deleted_at.is_null())
}

/// The names of the files of these tickets, by ticket, oldest first.
pub(super) fn of_many(conn: &mut Connection, ticket_ids: &[i64]) -> Result<HashMap<i64, Vec<String>>> {
    let mut by_ticket: HashMap<i64, Vec<String>> = HashMap::new();
    if ticket_ids.is_empty() {
        return Ok(by_ticket);
    }
    let rows: Vec<(i64, String)> = attachments::table
        .filter(one_of(attachments::ticket_id, ticket_ids))
        .filter(are_shown())
        .order(attachments::stamp)
        .select((attachments::ticket_id, attachments::filename))
        .load(conn)?;
    for (ticket, name) in rows {
        by_ticket.entry(ticket).or_default().push(name);
    }
    Ok(by_ticket)
}
