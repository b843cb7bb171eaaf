//! The names of tickets' tags and files, as lists and search see them.

use crate::db::Connection;
use crate::db::fixed::one_of;
use crate::db::schema::{attachments, tags, ticket_tags};
use crate::error::Result;
use diesel::dsl::auto_type;
use diesel::prelude::*;
use std::collections::HashMap;

/// Names by the id of a ticket.
pub type Names = HashMap<i64, Vec<String>>;

/// Files that are stored and not deleted.
#[auto_type(no_type_alias)]
pub(super) fn are_shown() -> _ {
    attachments::state.eq("ready").and(attachments::deleted_at.is_null())
}

/// The tags of these tickets, in alphabetical order.
pub fn of_tags(conn: &mut Connection, ticket_ids: &[i64]) -> Result<Names> {
    let rows = ticket_tags::table
        .inner_join(tags::table)
        .filter(one_of(ticket_tags::ticket_id, ticket_ids))
        .order(tags::name)
        .select((ticket_tags::ticket_id, tags::name));
    if ticket_ids.is_empty() { Ok(Names::new()) } else { Ok(by_ticket(rows.load(conn)?)) }
}

/// The names of the files of these tickets, oldest first.
pub(super) fn of_files(conn: &mut Connection, ticket_ids: &[i64]) -> Result<Names> {
    let rows = attachments::table
        .filter(one_of(attachments::ticket_id, ticket_ids))
        .filter(are_shown())
        .order(attachments::stamp)
        .select((attachments::ticket_id, attachments::filename));
    if ticket_ids.is_empty() { Ok(Names::new()) } else { Ok(by_ticket(rows.load(conn)?)) }
}

fn by_ticket(rows: Vec<(i64, String)>) -> Names {
    let mut names = Names::new();
    for (ticket, name) in rows {
        names.entry(ticket).or_default().push(name);
    }
    names
}
