//! Emptying the personal text of events. What happened, when and to which ids stays.

use crate::db::Connection;
use crate::db::schema::events;
use crate::error::{Error, Result};
use crate::events::event::{Kind, Text};
use crate::values::email;
use diesel::prelude::*;
use std::collections::HashSet;

/// Whose texts are emptied.
#[derive(Clone, Debug, Default)]
pub struct Erased {
    /// What is gone: kind and id, as events name their subject.
    pub subjects: HashSet<(&'static str, String)>,
    /// In lower case. Whoever answers from one of them in a conversation of others is named by it.
    pub addresses: Vec<String>,
}

impl Erased {
    fn has(&self, kind: Kind, subject: String, text: &Text) -> bool {
        let names_them = |text: &String| email::names_any(text, &self.addresses);
        [&text.actor, &text.about, &text.old, &text.new].into_iter().any(names_them)
            || self.subjects.contains(&(kind.subject(), subject))
    }
}

/// Where a scan of the events goes on, and the ids of those with a text to empty.
#[derive(Clone, Debug, Default)]
pub struct Found {
    pub ids: Vec<i64>,
    /// `None` at the end.
    pub next: Option<i64>,
}

/// Looks through up to `limit` events of an account after an id.
pub fn find(conn: &mut Connection, account_id: i64, after: i64, limit: i64, of: &Erased) -> Result<Found> {
    let rows: Vec<(i64, Kind, String, String)> = events::table
        .filter(events::account_id.eq(account_id))
        .filter(events::id.gt(after))
        .order(events::id)
        .limit(limit)
        .select((events::id, events::kind, events::subject, events::text))
        .load(conn)?;
    let mut found = Found { ids: Vec::new(), next: rows.last().map(|row| row.0) };
    for (id, kind, subject, text) in rows {
        let text = text.try_into().map_err(|source| Error::internal("an event", source))?;
        if of.has(kind, subject, &text) {
            found.ids.push(id);
        }
    }
    Ok(found)
}

/// Empties the texts of events, and returns how many had one. The name of a member of the team who
/// caused an event stays.
pub fn empty(conn: &mut Connection, ids: &[i64], addresses: &[String]) -> Result<usize> {
    let mut emptied = 0;
    for id in ids {
        let row: Option<(String, String)> =
            events::table.find(id).select((events::actor_kind, events::text)).first(conn).optional()?;
        let Some((actor_kind, text)) = row else { continue };
        let text: Text = text.try_into().map_err(|source| Error::internal("an event", source))?;
        let stays = actor_kind != "visitor" && !email::names_any(&text.actor, addresses);
        let actor = if stays { text.actor.clone() } else { String::new() };
        let left = Text { actor, ..Text::default() };
        if left == text {
            continue;
        }
        let left = serde_json::to_string(&left).map_err(|source| Error::internal("text of an event", source))?;
        emptied += diesel::update(events::table.find(id)).set(events::text.eq(left)).execute(conn)?;
    }
    Ok(emptied)
}
