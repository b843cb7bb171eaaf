//! Recording an event: the only way to say that something happened.

use crate::db::Connection;
use crate::db::schema::events;
use crate::error::{Error, Result};
use crate::events::actor::{Actor, ActorKind};
use crate::events::event::{Kind, Text};
use chrono::NaiveDateTime;
use diesel::prelude::*;
use serde_json::{Value, json};

/// An event to record.
pub struct NewEvent<'a> {
    kind: Kind,
    subject: String,
    ticket_id: Option<i64>,
    data: Value,
    about: &'a str,
    old: &'a str,
    new: &'a str,
}

impl<'a> NewEvent<'a> {
    pub fn new(kind: Kind, subject: impl ToString) -> Self {
        Self { kind, subject: subject.to_string(), ticket_id: None, data: json!({}), about: "", old: "", new: "" }
    }

    /// Adds the event to the history of a ticket.
    pub fn in_history_of(self, ticket_id: i64) -> Self {
        Self { ticket_id: Some(ticket_id), ..self }
    }

    /// Ids, versions and words of fixed sets, as a JSON object. Never personal text.
    pub fn data(self, data: Value) -> Self {
        Self { data, ..self }
    }

    /// Marks the event as the undoing of another one.
    pub fn undoing(mut self, event: Option<i64>) -> Self {
        if let Some(event) = event {
            self.data["undoes"] = event.into();
        }
        self
    }

    /// The visitor whom the event is about, or the title of the ticket.
    pub fn about(self, about: &'a str) -> Self {
        Self { about, ..self }
    }

    /// Values before and after the change that a person wrote; empty if there is none.
    pub fn text(self, old: &'a str, new: &'a str) -> Self {
        Self { old, new, ..self }
    }
}

#[derive(Insertable)]
#[diesel(table_name = events)]
struct Row {
    account_id: i64,
    at: NaiveDateTime,
    actor_kind: &'static str,
    actor_id: Option<i64>,
    kind: Kind,
    subject: String,
    ticket_id: Option<i64>,
    data: String,
    text: String,
    for_audit: bool,
}

/// Records an event, in the transaction of the change itself, and returns its id.
pub fn record(conn: &mut Connection, actor: &Actor, mut event: NewEvent<'_>, at: NaiveDateTime) -> Result<i64> {
    if let Some(bulk) = actor.bulk {
        event.data["bulk"] = bulk.into();
    }
    let (actor_kind, actor_id) = match actor.kind {
        ActorKind::User(id) => ("user", Some(id)),
        ActorKind::Key(id) => ("key", Some(id)),
        ActorKind::Visitor => ("visitor", None),
        ActorKind::System => ("system", None),
    };
    let text = Text {
        actor: actor.name.clone(),
        about: event.about.to_owned(),
        old: event.old.to_owned(),
        new: event.new.to_owned(),
    };
    let row = Row {
        account_id: actor.account_id,
        at,
        actor_kind,
        actor_id,
        for_audit: event.kind.is_for_audit(),
        kind: event.kind,
        subject: event.subject,
        ticket_id: event.ticket_id,
        data: event.data.to_string(),
        text: serde_json::to_string(&text).map_err(|source| Error::internal("text of an event", source))?,
    };
    Ok(diesel::insert_into(events::table).values(row).returning(events::id).get_result(conn)?)
}
