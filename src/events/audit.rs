//! The audit log: what happened to people, keys and settings.

use crate::db::fixed::Fixed;
use crate::db::schema::events;
use crate::db::{Connection, MultiBackend};
use crate::error::Result;
use crate::events::event::{Event, Kind};
use crate::keyset;
use crate::values::page::{Cursor, Page, Window};
use diesel::prelude::*;

/// Which events the log shows.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Events that this user caused.
    pub actor: Option<i64>,
    pub kind: Option<Kind>,
}

/// The newest event of a kind about one subject.
pub fn about(conn: &mut Connection, account_id: i64, kind: Kind, subject: &str) -> Result<Option<Event>> {
    Ok(events::table
        .filter(events::account_id.eq(account_id))
        .filter(Fixed("for_audit"))
        .filter(events::kind.eq(kind))
        .filter(events::subject.eq(subject))
        .order((events::at.desc(), events::id.desc()))
        .first(conn)
        .optional()?)
}

/// One page of the log, newest first.
pub fn page(conn: &mut Connection, account_id: i64, filter: &Filter, window: Window) -> Result<Page<Event>> {
    let mut query = events::table
        .filter(events::account_id.eq(account_id))
        // A literal, because the partial index is not used with a bound parameter.
        .filter(Fixed("for_audit"))
        .into_boxed::<MultiBackend>();
    if let Some(user) = filter.actor {
        query = query.filter(events::actor_kind.eq("user")).filter(events::actor_id.eq(user));
    }
    if let Some(kind) = filter.kind {
        query = query.filter(events::kind.eq(kind));
    }
    let rows = keyset!(query, window, events::at, events::id).load(conn)?;
    Ok(Page::new(rows, window, |event: &Event| Cursor { at: event.at, id: event.id }))
}
