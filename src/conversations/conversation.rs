//! A conversation: its row, and how it is created, found, locked and closed.

use crate::clock::EXPIRED;
use crate::contacts::contact;
use crate::db::fixed::{WithoutIndex, one_of};
use crate::db::schema::conversations;
use crate::db::{Connection, unless_taken};
use crate::error::{Error, Kind, Result};
use crate::events::actor::Actor;
use crate::events::event::Kind as EventKind;
use crate::events::record::{NewEvent, record};
use crate::values::text;
use crate::words;
use chrono::NaiveDateTime;
use diesel::deserialize::FromSqlRow;
use diesel::expression::AsExpression;
use diesel::prelude::*;
use serde_json::json;
use utoipa::ToSchema;

/// The status of a conversation. Not case-sensitive.
#[derive(AsExpression, Clone, Copy, Debug, Eq, FromSqlRow, PartialEq, ToSchema)]
#[diesel(sql_type = diesel::sql_types::Text)]
#[schema(as = ConversationStatus, rename_all = "lowercase")]
pub enum Status {
    /// May need a reply.
    Open,
    Closed,
}

words!(Status);

impl Status {
    /// The value as stored and submitted.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Closed => "closed",
        }
    }
}

impl std::str::FromStr for Status {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text.to_ascii_lowercase().as_str() {
            "open" => Ok(Self::Open),
            "closed" => Ok(Self::Closed),
            _ => Err(Error::invalid("status must be open or closed.")),
        }
    }
}

/// A conversation's row.
#[derive(Clone, Debug, diesel::Queryable)]
pub struct Conversation {
    pub seq: i64,
    pub account_id: i64,
    pub id: String,
    pub status: Status,
    pub visitor_name: String,
    pub visitor_email: String,
    pub page_url: Option<String>,
    pub country: Option<String>,
    pub message_count: i64,
    pub last_message: String,
    pub last_message_at: NaiveDateTime,
    pub created_at: NaiveDateTime,
    pub deleted_at: Option<NaiveDateTime>,
    pub widget_id: Option<i64>,
    pub visitor_hash: Option<String>,
    /// Position of the team's latest message; all later messages are the visitor's.
    pub answered_position: i64,
    pub waiting_since: Option<NaiveDateTime>,
    /// How long the visitor waited for the first reply, and when it came.
    pub first_reply_seconds: Option<i64>,
    pub first_reply_at: Option<NaiveDateTime>,
    /// The visitor, by address.
    pub contact_id: Option<i64>,
    /// The position of the newest message that the visitor has seen.
    pub seen_position: i64,
    /// The address at which the visitor has shown to read mails; empty if none.
    pub confirmed_email: String,
    /// The submission that it answers.
    pub submission_id: Option<String>,
}

impl Conversation {
    /// Display name: the name, else the email address, else "Visitor".
    pub fn visitor(&self) -> &str {
        text::first_filled(&[&self.visitor_name, &self.visitor_email, "Visitor"])
    }

    /// Counts the visitor's messages after the team's latest one and after `mark`, the
    /// position that a user has read.
    pub fn unread(&self, mark: i64) -> i64 {
        (self.message_count - self.answered_position.max(mark)).max(0)
    }

    /// An event of this conversation.
    pub fn event(&self, kind: EventKind) -> NewEvent<'_> {
        NewEvent::new(kind, &self.id).data(json!({ "row": self.seq })).about(self.visitor())
    }

    /// Whether the visitor can see replies: in a bubble, or because they sent a form and get mails.
    pub fn is_answerable(&self) -> bool {
        self.widget_id.is_some() || self.submission_id.is_some()
    }

    /// Whether replies can be mailed to the visitor. Nobody stands behind sample data: its
    /// conversations have their id in the place of a hash.
    pub fn can_be_mailed(&self) -> bool {
        let is_sample = self.visitor_hash.as_ref() == Some(&self.id);
        self.is_answerable() && !self.visitor_email.is_empty() && !is_sample
    }

    /// Whether the visitor has shown to read mails at their address.
    pub fn has_confirmed_email(&self) -> bool {
        !self.visitor_email.is_empty() && self.confirmed_email == self.visitor_email
    }

    pub fn is_open(&self) -> bool {
        self.status == Status::Open
    }
}

/// A conversation about to be stored.
#[derive(Clone, Debug)]
pub struct NewConversation {
    pub id: String,
    pub status: Status,
    pub visitor_name: String,
    pub visitor_email: String,
    pub page_url: Option<String>,
    pub country: Option<String>,
    /// The bubble it came through, if any.
    pub chat: Option<Chat>,
    /// The submission that it answers, if any.
    pub submission_id: Option<String>,
}

/// Identifies a visitor's conversation in a bubble.
#[derive(Clone, Debug)]
pub struct Chat {
    pub widget_id: i64,
    /// SHA-256 of the secret in the visitor's browser.
    pub visitor_hash: String,
}

#[derive(Insertable)]
#[diesel(table_name = conversations)]
struct NewRow<'a> {
    account_id: i64,
    id: &'a str,
    status: Status,
    visitor_name: &'a str,
    visitor_email: &'a str,
    page_url: Option<&'a str>,
    country: Option<&'a str>,
    message_count: i64,
    last_message: &'a str,
    last_message_at: NaiveDateTime,
    created_at: NaiveDateTime,
    widget_id: Option<i64>,
    visitor_hash: Option<&'a str>,
    answered_position: i64,
    contact_id: Option<i64>,
    submission_id: Option<&'a str>,
}

/// Stores a conversation without messages and returns its row.
///
/// # Errors
/// *Conflict* when the account has a conversation with this id, or had one deleted
/// recently.
pub fn create(conn: &mut Connection, actor: &Actor, new: &NewConversation, now: NaiveDateTime) -> Result<Conversation> {
    let row = NewRow {
        account_id: actor.account_id,
        id: &new.id,
        status: new.status,
        visitor_name: &new.visitor_name,
        visitor_email: &new.visitor_email,
        page_url: new.page_url.as_deref(),
        country: new.country.as_deref(),
        message_count: 0,
        last_message: "",
        last_message_at: now,
        created_at: now,
        widget_id: new.chat.as_ref().map(|chat| chat.widget_id),
        visitor_hash: new.chat.as_ref().map(|chat| chat.visitor_hash.as_str()),
        answered_position: 0,
        contact_id: contact::id_of(conn, actor.account_id, &new.visitor_email, &new.visitor_name, now)?,
        submission_id: new.submission_id.as_deref(),
    };
    let created = unless_taken(conn, |conn| {
        diesel::insert_into(conversations::table).values(row).returning(conversations::all_columns).get_result(conn)
    })?;
    let created: Conversation = created.ok_or_else(|| {
        Error::new(Kind::Conflict, "A conversation with this id already exists, or was deleted recently.")
    })?;
    record(conn, actor, created.event(EventKind::ConversationCreated), now)?;
    Ok(created)
}

/// Whether the account has a conversation with this id that is not deleted.
pub fn exists(conn: &mut Connection, account_id: i64, id: &str) -> Result<bool> {
    Ok(find(conn, account_id, id)?.is_some())
}

/// Finds a conversation of the account that is not deleted.
pub fn find(conn: &mut Connection, account_id: i64, id: &str) -> Result<Option<Conversation>> {
    Ok(conversations::table
        .filter(conversations::account_id.eq(account_id))
        .filter(conversations::id.eq(id))
        .filter(conversations::deleted_at.is_null())
        .first(conn)
        .optional()?)
}

/// Like [`find`], but a missing conversation is a *not found* error.
pub fn get(conn: &mut Connection, account_id: i64, id: &str) -> Result<Conversation> {
    Ok(find(conn, account_id, id)?.ok_or(diesel::result::Error::NotFound)?)
}

/// Locks a conversation until the transaction ends, so that its messages get consecutive
/// positions.
pub fn lock(conn: &mut Connection, account_id: i64, id: &str) -> Result<Conversation> {
    // Writing a row takes its lock on both engines.
    let row = conversations::table
        .filter(conversations::account_id.eq(account_id))
        .filter(conversations::id.eq(id))
        .filter(conversations::deleted_at.is_null());
    Ok(diesel::update(row)
        .set(conversations::message_count.eq(conversations::message_count))
        .returning(conversations::all_columns)
        .get_result(conn)?)
}

/// Locks the conversations that answer a submission, also in the trash, until the transaction ends.
pub fn lock_answers(conn: &mut Connection, account_id: i64, submission_id: &str) -> Result<()> {
    let rows = conversations::table
        .filter(conversations::account_id.eq(account_id))
        .filter(conversations::submission_id.eq(submission_id));
    diesel::update(rows).set(conversations::message_count.eq(conversations::message_count)).execute(conn)?;
    Ok(())
}

/// Locks conversations, also in the trash, until the transaction ends. Returns those that exist, in order.
pub fn lock_all(conn: &mut Connection, seqs: &[i64]) -> Result<Vec<Conversation>> {
    let rows = conversations::table.filter(conversations::seq.eq_any(seqs));
    let held = diesel::update(rows).set(conversations::message_count.eq(conversations::message_count));
    let mut locked: Vec<Conversation> = held.returning(conversations::all_columns).get_results(conn)?;
    locked.sort_unstable_by_key(|row| row.seq);
    Ok(locked)
}

/// The latest conversation of a visitor in a bubble.
pub fn of_visitor(conn: &mut Connection, widget_id: i64, visitor_hash: &str) -> Result<Option<Conversation>> {
    Ok(conversations::table
        .filter(conversations::widget_id.eq(widget_id))
        .filter(conversations::visitor_hash.eq(visitor_hash))
        .filter(conversations::deleted_at.is_null())
        .order(conversations::seq.desc())
        .first(conn)
        .optional()?)
}

/// Returns which of these conversations need a reply.
pub fn waiting_among(conn: &mut Connection, account_id: i64, ids: &[&str]) -> Result<Vec<String>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    // The other conditions are checked here: SQLite would take the index of all that wait.
    let rows: Vec<(String, Option<NaiveDateTime>, Option<NaiveDateTime>)> = conversations::table
        .filter(conversations::account_id.eq(account_id))
        .filter(one_of(conversations::id, ids))
        .select((conversations::id, conversations::waiting_since, conversations::deleted_at))
        .load(conn)?;
    let waits =
        |(id, since, deleted): (String, Option<_>, Option<_>)| (since.is_some() && deleted.is_none()).then_some(id);
    Ok(rows.into_iter().filter_map(waits).collect())
}

/// The conversation that answers a submission.
pub fn of_submission(conn: &mut Connection, account_id: i64, submission_id: &str) -> Result<Option<Conversation>> {
    Ok(conversations::table
        .filter(conversations::account_id.eq(account_id))
        .filter(conversations::submission_id.eq(submission_id))
        .filter(conversations::deleted_at.is_null())
        .order(conversations::seq.desc())
        .first(conn)
        .optional()?)
}

/// The conversation of a row, unless it is deleted.
pub fn of_row(conn: &mut Connection, seq: i64) -> Result<Option<Conversation>> {
    Ok(conversations::table.find(seq).filter(conversations::deleted_at.is_null()).first(conn).optional()?)
}

/// The conversations that have been waiting for a reply for longest.
pub fn waiting_longest(conn: &mut Connection, account_id: i64, limit: i64) -> Result<Vec<Conversation>> {
    Ok(conversations::table
        .filter(conversations::account_id.eq(account_id))
        .filter(conversations::waiting_since.is_not_null())
        .filter(conversations::deleted_at.is_null())
        .order((conversations::waiting_since, conversations::seq))
        .limit(limit)
        .load(conn)?)
}

/// The newest conversations of these contacts.
pub fn of_contacts(conn: &mut Connection, account_id: i64, contacts: &[i64], limit: i64) -> Result<Vec<Conversation>> {
    Ok(conversations::table
        .filter(conversations::contact_id.eq_any(contacts))
        .filter(WithoutIndex(conversations::account_id).eq(account_id))
        .filter(conversations::deleted_at.is_null())
        .order((conversations::created_at.desc(), conversations::seq.desc()))
        .limit(limit)
        .load(conn)?)
}

/// The conversations with these numbers, in the order of their creation.
pub fn by_seqs(conn: &mut Connection, seqs: &[i64]) -> Result<Vec<Conversation>> {
    let rows = conversations::table.filter(conversations::seq.eq_any(seqs));
    Ok(rows.order(conversations::seq).load(conn)?)
}

/// Numbers and ids of all conversations of these contacts, in the order of their creation. Those
/// that can be restored from the trash are among them.
pub fn all_of_contacts(conn: &mut Connection, account_id: i64, contacts: &[i64]) -> Result<Vec<(i64, String)>> {
    let there = conversations::table
        .filter(conversations::contact_id.eq_any(contacts))
        .filter(WithoutIndex(conversations::account_id).eq(account_id))
        .filter(conversations::deleted_at.is_null());
    let deleted = conversations::table
        .filter(conversations::account_id.eq(account_id))
        .filter(conversations::deleted_at.gt(EXPIRED))
        .filter(conversations::contact_id.eq_any(contacts));
    let columns = (conversations::seq, conversations::id);
    let mut all: Vec<(i64, String)> = there.select(columns).load(conn)?;
    all.extend(deleted.select(columns).load::<(i64, String)>(conn)?);
    all.sort_unstable();
    Ok(all)
}

/// Numbers and ids of the conversations that answer these submissions.
pub fn all_answering(conn: &mut Connection, account_id: i64, submissions: &[String]) -> Result<Vec<(i64, String)>> {
    Ok(conversations::table
        .filter(conversations::account_id.eq(account_id))
        .filter(conversations::submission_id.eq_any(submissions))
        .filter(conversations::deleted_at.is_null().or(conversations::deleted_at.gt(EXPIRED)))
        .select((conversations::seq, conversations::id))
        .load(conn)?)
}

/// Those of the conversations with these ids whose visitor's address is not known.
pub fn anonymous(conn: &mut Connection, account_id: i64, ids: &[String]) -> Result<Vec<(i64, String)>> {
    Ok(conversations::table
        .filter(conversations::account_id.eq(account_id))
        .filter(conversations::id.eq_any(ids))
        .filter(conversations::contact_id.is_null())
        .filter(conversations::deleted_at.is_null().or(conversations::deleted_at.gt(EXPIRED)))
        .select((conversations::seq, conversations::id))
        .load(conn)?)
}

/// Closes or reopens a conversation and returns the updated row. A closed conversation no
/// longer needs a reply.
pub fn set_status(
    conn: &mut Connection,
    actor: &Actor,
    id: &str,
    status: Status,
    now: NaiveDateTime,
) -> Result<Conversation> {
    let conversation = lock(conn, actor.account_id, id)?;
    if status == conversation.status {
        return Ok(conversation);
    }
    let kind = match status {
        Status::Open => EventKind::ConversationReopened,
        Status::Closed => EventKind::ConversationClosed,
    };
    record(conn, actor, conversation.event(kind), now)?;
    let waits = status == Status::Open && conversation.message_count > conversation.answered_position;
    let since = conversation.waiting_since.or(Some(conversation.last_message_at)).filter(|_| waits);
    Ok(diesel::update(conversations::table.find(conversation.seq))
        .set((conversations::status.eq(status), conversations::waiting_since.eq(since)))
        .returning(conversations::all_columns)
        .get_result(conn)?)
}
