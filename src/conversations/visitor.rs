//! What a visitor does through the bubble.

use crate::contacts::contact;
use crate::conversations::conversation::{Chat, Conversation, NewConversation, Status};
use crate::conversations::messages::{NewMessage, Posted};
use crate::conversations::widgets::Widget;
use crate::conversations::{conversation, messages, widgets};
use crate::db::Connection;
use crate::db::schema::conversations;
use crate::error::Result;
use crate::events::actor::Actor;
use crate::events::event::Kind as EventKind;
use crate::events::record::record;
use chrono::NaiveDateTime;
use diesel::prelude::*;

/// A visitor, as far as they identify themselves.
#[derive(Clone, Debug)]
pub struct Visitor {
    /// The SHA-256 of the secret in their browser.
    pub hash: String,
    /// May be empty.
    pub name: String,
    /// May be empty.
    pub email: String,
    /// The page they are on.
    pub page_url: Option<String>,
    /// Their country (ISO 3166-1 alpha-2).
    pub country: Option<String>,
}

/// Stores a visitor's message. Their first message starts a conversation with this `id`.
pub fn send(
    conn: &mut Connection,
    widget: &Widget,
    visitor: &Visitor,
    message: &NewMessage,
    id: &str,
) -> Result<Posted> {
    let conversation = conversation(conn, widget, visitor, message, id)?;
    let actor = Actor::visitor(widget.account_id, conversation.visitor());
    messages::post(conn, &actor, &conversation.id, message)
}

fn conversation(
    conn: &mut Connection,
    widget: &Widget,
    visitor: &Visitor,
    message: &NewMessage,
    id: &str,
) -> Result<Conversation> {
    let actor = Actor::visitor(widget.account_id, &visitor.name);
    let mut found = conversation::of_visitor(conn, widget.id, &visitor.hash)?;
    if found.is_none() {
        // Two first messages at once must not start two conversations.
        widgets::lock(conn, widget.id)?;
        found = conversation::of_visitor(conn, widget.id, &visitor.hash)?;
    }
    let Some(found) = found else {
        let new = NewConversation {
            id: id.to_owned(),
            status: Status::Open,
            visitor_name: visitor.name.clone(),
            visitor_email: visitor.email.clone(),
            page_url: visitor.page_url.clone(),
            country: visitor.country.clone(),
            chat: Some(Chat { widget_id: widget.id, visitor_hash: visitor.hash.clone() }),
            submission_id: None,
        };
        return conversation::create(conn, &actor, &new, message.at);
    };
    // Later details fill in missing ones but never replace any.
    let fill = |old: &str, new: &'_ str| (old.is_empty() && !new.is_empty()).then(|| new.to_owned());
    let (name, email) = (fill(&found.visitor_name, &visitor.name), fill(&found.visitor_email, &visitor.email));
    if name.is_some() || email.is_some() {
        return change_visitor(conn, &actor, &found.id, name.as_deref(), email.as_deref(), message.at);
    }
    Ok(found)
}

/// Records that the visitor has seen the messages up to a position, and returns whether that is
/// news.
pub fn note_seen(conn: &mut Connection, of: &Conversation, position: i64) -> Result<bool> {
    let position = position.min(of.message_count);
    let row = conversations::table.find(of.seq).filter(conversations::seen_position.lt(position));
    Ok(diesel::update(row).set(conversations::seen_position.eq(position)).execute(conn)? == 1)
}

/// Records that the visitor reads mails at their address: they have used a link in one.
pub fn confirm_email(conn: &mut Connection, of: &Conversation) -> Result<()> {
    if !of.has_confirmed_email() {
        let row = diesel::update(conversations::table.find(of.seq));
        row.set(conversations::confirmed_email.eq(&of.visitor_email)).execute(conn)?;
    }
    Ok(())
}

/// Changes the visitor's name and address where given, and returns the updated
/// conversation.
pub fn change_visitor(
    conn: &mut Connection,
    actor: &Actor,
    id: &str,
    name: Option<&str>,
    email: Option<&str>,
    now: NaiveDateTime,
) -> Result<Conversation> {
    let found = conversation::lock(conn, actor.account_id, id)?;
    let (name, email) = (name.unwrap_or(&found.visitor_name), email.unwrap_or(&found.visitor_email));
    if (name, email) == (&found.visitor_name, &found.visitor_email) {
        return Ok(found);
    }
    let contact_id = contact::id_of(conn, actor.account_id, email, name, now)?;
    let changed: Conversation = diesel::update(conversations::table.find(found.seq))
        .set((
            conversations::visitor_name.eq(name),
            conversations::visitor_email.eq(email),
            conversations::contact_id.eq(contact_id),
        ))
        .returning(conversations::all_columns)
        .get_result(conn)?;
    messages::index_visitor(conn, &changed)?;
    let event = changed.event(EventKind::ConversationVisitorChanged);
    record(conn, actor, event.text(&found.visitor_email, &changed.visitor_email), now)?;
    Ok(changed)
}
