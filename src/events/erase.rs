//! Emptying the personal text of events. What happened, when and to which ids stays.

use crate::db::Connection;
use crate::db::fixed::WithoutIndex;
use crate::db::schema::events;
use crate::error::{Error, Result};
use crate::events::event::{Kind, Text};
use crate::values::email;
use diesel::prelude::*;
use std::collections::{HashMap, HashSet};

/// Whose texts are emptied.
#[derive(Clone, Debug, Default)]
pub struct Erased {
    /// What is gone: kind and id, as events name their subject.
    pub subjects: HashSet<(&'static str, String)>,
    /// Conversations that somebody else has now: their ids, and the last event about the person.
    pub handed_over: HashMap<String, i64>,
    /// In lower case. Whoever answers from one of them in a conversation of others is named by it.
    pub addresses: Vec<String>,
}

type Row = (i64, Kind, String, String, String);

impl Erased {
    /// What is left of the text of an event; `None` if it stays as it is. The name of a member of
    /// the team who caused the event stays.
    fn left(&self, (id, kind, subject, actor_kind, text): Row) -> Result<Option<String>> {
        let text: Text = text.try_into().map_err(|source| Error::internal("an event", source))?;
        let names_them = |text: &str| email::names_any(text, &self.addresses);
        let was_theirs =
            kind.subject() == "conversation" && self.handed_over.get(&subject).is_some_and(|last| id <= *last);
        let is_theirs = was_theirs || names_them(&text.actor) || self.subjects.contains(&(kind.subject(), subject));
        let kept = |text: &String| if is_theirs || names_them(text) { String::new() } else { text.clone() };
        let is_visitor = actor_kind == "visitor" && is_theirs;
        let actor = if is_visitor || names_them(&text.actor) { String::new() } else { text.actor.clone() };
        let left = Text { actor, about: kept(&text.about), old: kept(&text.old), new: kept(&text.new) };
        if left == text {
            return Ok(None);
        }
        let left = serde_json::to_string(&left).map_err(|source| Error::internal("text of an event", source))?;
        Ok(Some(left))
    }
}

/// The conversations of an account that were taken from one of these addresses, which are in lower
/// case: their ids, and the number of the event that says so.
pub fn handed_over(conn: &mut Connection, account_id: i64, addresses: &[String]) -> Result<HashMap<String, i64>> {
    let changes: Vec<(i64, String, String)> = events::table
        .filter(events::account_id.eq(account_id))
        .filter(events::kind.eq(Kind::ConversationVisitorChanged))
        .order(events::id)
        .select((events::id, events::subject, events::text))
        .load(conn)?;
    let mut found = HashMap::new();
    for (id, subject, text) in changes {
        let text: Text = text.try_into().map_err(|source| Error::internal("an event", source))?;
        if email::names_any(&text.old, addresses) {
            found.insert(subject, id);
        }
    }
    Ok(found)
}

/// What a scan of the events has found.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// Ids of events, and what is left of their texts.
    pub texts: Vec<(i64, String)>,
    /// Where it goes on; `None` at the end.
    pub next: Option<i64>,
}

/// Looks through up to `limit` events of an account after an id.
pub fn find(conn: &mut Connection, account_id: i64, after: i64, limit: i64, of: &Erased) -> Result<Found> {
    let rows: Vec<Row> = events::table
        .filter(WithoutIndex(events::account_id).eq(account_id))
        .filter(events::id.gt(after))
        .order(events::id)
        .limit(limit)
        .select((events::id, events::kind, events::subject, events::actor_kind, events::text))
        .load(conn)?;
    let mut found = Found { texts: Vec::new(), next: rows.last().map(|row| row.0) };
    for row in rows {
        let id = row.0;
        found.texts.extend(of.left(row)?.map(|left| (id, left)));
    }
    Ok(found)
}

/// Sets what is left of the texts of events, and returns of how many.
pub fn set(conn: &mut Connection, texts: &[(i64, String)]) -> Result<usize> {
    let mut changed = 0;
    for (id, text) in texts {
        changed += diesel::update(events::table.find(id)).set(events::text.eq(text)).execute(conn)?;
    }
    Ok(changed)
}
