//! The files of tickets, as lists and search see them.

use crate::db::Connection;
use crate::db::schema::attachments;
use crate::error::Result;
use diesel::dsl::auto_type;
use diesel::prelude::*;

/// Files that are stored and not deleted.
#[auto_type(no_type_alias)]
pub(super) fn are_shown() -> _ {
    attachments::state.eq("ready").and(attachments::deleted_at.is_null())
}

/// The names of the files of these tickets, each with its ticket's id, oldest first.
pub(super) fn names(conn: &mut Connection, ticket_ids: &[i64]) -> Result<Vec<(i64, String)>> {
    if ticket_ids.is_empty() {
        return Ok(Vec::new());
    }
    Ok(attachments::table
        .filter(attachments::ticket_id.eq_any(ticket_ids))
        .filter(are_shown())
        .order(attachments::stamp)
        .select((attachments::ticket_id, attachments::filename))
        .load(conn)?)
}
