//! A ticket as lists show it: without its notes, which can be long.

use crate::db::Connection;
use crate::db::fixed::one_of;
use crate::db::schema::tickets;
use crate::error::Result;
use crate::tickets::source::SourceKind;
use crate::tickets::status::Status;
use chrono::NaiveDateTime;
use diesel::prelude::*;
use std::collections::HashMap;

#[derive(Clone, Debug, Queryable)]
pub struct Line {
    pub id: i64,
    pub number: i64,
    pub title: String,
    pub status: Status,
    pub requester_name: String,
    pub requester_email: String,
    pub source_kind: Option<SourceKind>,
    pub source_id: Option<String>,
    pub assignee_id: Option<i64>,
    pub created_at: NaiveDateTime,
    pub updated_at: NaiveDateTime,
    pub closed_at: Option<NaiveDateTime>,
    pub deleted_at: Option<NaiveDateTime>,
}

/// The columns of a [`Line`].
#[allow(clippy::type_complexity)]
pub(super) const COLUMNS: (
    tickets::id,
    tickets::number,
    tickets::title,
    tickets::status,
    tickets::requester_name,
    tickets::requester_email,
    tickets::source_kind,
    tickets::source_id,
    tickets::assignee_id,
    tickets::created_at,
    tickets::updated_at,
    tickets::closed_at,
    tickets::deleted_at,
) = (
    tickets::id,
    tickets::number,
    tickets::title,
    tickets::status,
    tickets::requester_name,
    tickets::requester_email,
    tickets::source_kind,
    tickets::source_id,
    tickets::assignee_id,
    tickets::created_at,
    tickets::updated_at,
    tickets::closed_at,
    tickets::deleted_at,
);

impl Line {
    /// The id of the conversation that the ticket was created from, if any.
    pub fn conversation_id(&self) -> Option<&str> {
        self.source_id.as_deref().filter(|_| self.source_kind == Some(SourceKind::Chat))
    }
}

/// The tickets with these ids, in this order, as far as they exist.
pub(super) fn in_this_order(conn: &mut Connection, ids: &[i64]) -> Result<Vec<Line>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let rows: Vec<Line> = tickets::table.filter(one_of(tickets::id, ids)).select(COLUMNS).load(conn)?;
    let mut lines: HashMap<i64, Line> = rows.into_iter().map(|line| (line.id, line)).collect();
    Ok(ids.iter().filter_map(|id| lines.remove(id)).collect())
}
