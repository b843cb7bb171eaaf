//! Queries on messages: reading them, and posting one at the next position of its
//! conversation.

use crate::conversations::conversation::{Conversation, Status};
use crate::conversations::{conversation, figures};
use crate::db::index::Index;
use crate::db::schema::{conversations, messages, submissions};
use crate::db::ticket_index::Source;
use crate::db::{Connection, index, ticket_index};
use crate::error::{Error, Result};
use crate::events::actor::Actor;
use crate::events::event::Kind as EventKind;
use crate::events::record::record;
use crate::search::Part;
use crate::source_files::file::SourceFile;
use crate::source_files::keep::{Owner, Stored};
use crate::source_files::{file, keep};
use crate::values::text;
use crate::{search, words};
use chrono::NaiveDateTime;
use diesel::deserialize::FromSqlRow;
use diesel::expression::AsExpression;
use diesel::prelude::*;
use serde_json::json;
use std::collections::HashMap;

/// How many messages one page of a conversation shows.
pub const MESSAGES: i64 = 50;

/// The latest messages before a position, or of the whole conversation when `None`,
/// oldest first.
pub fn before(conn: &mut Connection, seq: i64, before: Option<i64>, limit: i64) -> Result<Vec<Message>> {
    let mut rows: Vec<Message> = messages::table
        .filter(messages::conversation_seq.eq(seq))
        .filter(messages::position.lt(before.unwrap_or(i64::MAX)))
        .order(messages::position.desc())
        .limit(limit)
        .load(conn)?;
    rows.reverse();
    Ok(rows)
}

/// The message at a position.
pub fn at(conn: &mut Connection, seq: i64, position: i64) -> Result<Option<Message>> {
    Ok(messages::table.find((seq, position)).first(conn).optional()?)
}

/// The visitor's first message.
pub fn first_words(conn: &mut Connection, seq: i64) -> Result<String> {
    let body: Option<String> = messages::table
        .filter(messages::conversation_seq.eq(seq))
        .filter(messages::sender.eq(Sender::Visitor))
        .order(messages::position)
        .select(messages::body)
        .first(conn)
        .optional()?;
    Ok(body.unwrap_or_default())
}

/// The messages after a position, oldest first.
pub fn after(conn: &mut Connection, seq: i64, after: i64, limit: i64) -> Result<Vec<Message>> {
    Ok(messages::table
        .filter(messages::conversation_seq.eq(seq))
        .filter(messages::position.gt(after))
        .order(messages::position)
        .limit(limit)
        .load(conn)?)
}

/// The result of posting a message.
#[derive(Clone, Debug)]
pub struct Posted {
    /// The updated conversation.
    pub conversation: Conversation,
    /// The stored message.
    pub message: Message,
    /// False when an earlier call stored the message with the same client id.
    pub is_new: bool,
    /// Whether the message reopened a closed conversation.
    pub reopened: bool,
}

/// The columns of a conversation that change with its latest message.
#[derive(AsChangeset)]
#[diesel(table_name = conversations, treat_none_as_null = true)]
struct Latest {
    status: Status,
    message_count: i64,
    last_message: String,
    last_message_at: NaiveDateTime,
    answered_position: i64,
    waiting_since: Option<NaiveDateTime>,
    first_reply_seconds: Option<i64>,
    first_reply_at: Option<NaiveDateTime>,
}

/// Adds a message at the next position of its conversation. If a message with the same
/// client id exists, returns that one instead.
///
/// # Errors
/// *Not found* when the account has no such conversation; *invalid* when it is full.
pub fn post(conn: &mut Connection, actor: &Actor, id: &str, new: &NewMessage) -> Result<Posted> {
    let conversation = conversation::lock(conn, actor.account_id, id)?;
    if let Some(client_id) = &new.client_id
        && let Some(message) = known(conn, conversation.seq, new.channel, client_id)?
    {
        return Ok(Posted { conversation, message, is_new: false, reopened: false });
    }
    let position = conversation.message_count + 1;
    if position >= index::MAX_MESSAGES {
        return Err(Error::invalid("This conversation has reached the maximum number of messages."));
    }
    let reopened = new.reopens && !conversation.is_open();
    let is_open = reopened || conversation.is_open();
    let (answered_position, waiting_since) = match new.sender {
        Sender::Agent => (position, None),
        Sender::Visitor if new.is_automatic => (conversation.answered_position, conversation.waiting_since),
        Sender::Visitor => {
            (conversation.answered_position, conversation.waiting_since.or(Some(new.at)).filter(|_| is_open))
        }
    };
    let is_first = new.sender == Sender::Agent && conversation.answered_position == 0;
    let waited = conversation.waiting_since.filter(|_| is_first).map(|since| (new.at - since).num_seconds().max(0));
    let before = conversation;
    let conversation: Conversation = diesel::update(conversations::table.find(before.seq))
        .set(Latest {
            status: if is_open { Status::Open } else { Status::Closed },
            message_count: position,
            last_message: text::shorten(&new.body, 140),
            last_message_at: new.at.max(before.last_message_at),
            answered_position,
            waiting_since,
            first_reply_seconds: waited.or(before.first_reply_seconds),
            first_reply_at: waited.map(|_| new.at).or(before.first_reply_at),
        })
        .returning(conversations::all_columns)
        .get_result(conn)?;
    if waited.is_some() {
        figures::changed(conn, &before, &conversation)?;
    }
    let message: Message = diesel::insert_into(messages::table)
        .values(Message {
            account_id: actor.account_id,
            conversation_seq: conversation.seq,
            position,
            sender: new.sender,
            author_name: new.author_name.clone(),
            body: new.body.clone(),
            created_at: new.at,
            client_id: new.client_id.clone(),
            channel: new.channel,
            by_mail: new.by_mail,
            from_address: new.from_address.clone(),
            is_automatic: new.is_automatic,
            folded: new.folded.clone(),
        })
        .returning(messages::all_columns)
        .get_result(conn)?;
    keep::claim(conn, actor.account_id, &new.files, Owner::Message(conversation.seq, position))?;
    let id = index::message_id(conversation.seq, position);
    index::index_terms(conn, Index::Messages, conversation.account_id, id, terms(&conversation, &message))?;
    let text = text(&message);
    ticket_index::add_message(conn, conversation.account_id, ("chat", &conversation.id), &text)?;
    if let Some(submission) = answered(conn, &conversation)? {
        ticket_index::add_message(conn, conversation.account_id, ("form", &submission), &text)?;
    }
    if reopened {
        record(conn, actor, conversation.event(EventKind::ConversationReopened), new.at)?;
    }
    let data = json!({ "row": conversation.seq, "position": position, "from": message.sender });
    let added = conversation.event(EventKind::ConversationMessageAdded).data(data);
    record(conn, actor, added.text("", &conversation.last_message), new.at)?;
    Ok(Posted { conversation, message, is_new: true, reopened })
}

/// The words of a message, for the tickets that were created from its conversation.
fn text(message: &Message) -> Source {
    (message.position, search::parts([message.body.as_str()]))
}

/// The text of a message.
pub fn body(conn: &mut Connection, seq: i64, position: i64) -> Result<Option<String>> {
    Ok(messages::table.find((seq, position)).select(messages::body).first(conn).optional()?)
}

/// The texts of its first messages.
pub fn first_bodies(conn: &mut Connection, seq: i64, limit: i64) -> Result<Vec<String>> {
    let of_conversation = messages::table.filter(messages::conversation_seq.eq(seq));
    Ok(of_conversation.order(messages::position).limit(limit).select(messages::body).load(conn)?)
}

/// The words of all messages of a conversation, for the tickets that were created from it.
pub fn texts(conn: &mut Connection, conversation: &Conversation) -> Result<Vec<Source>> {
    let rows: Vec<Message> =
        messages::table.filter(messages::conversation_seq.eq(conversation.seq)).order(messages::position).load(conn)?;
    Ok(rows.iter().map(text).collect())
}

/// Sets the words of its messages for the tickets that show the conversation.
pub fn index_on_tickets(conn: &mut Connection, of: &Conversation, texts: &[Source]) -> Result<()> {
    ticket_index::set_source(conn, of.account_id, ("chat", &of.id), texts)?;
    if let Some(submission) = answered(conn, of)? {
        ticket_index::set_messages(conn, of.account_id, ("form", &submission), texts)?;
    }
    Ok(())
}

/// The submission that a conversation answers, unless it is deleted.
fn answered(conn: &mut Connection, of: &Conversation) -> Result<Option<String>> {
    let Some(id) = &of.submission_id else { return Ok(None) };
    Ok(submissions::table
        .filter(submissions::account_id.eq(of.account_id))
        .filter(submissions::id.eq(id))
        .filter(submissions::deleted_at.is_null())
        .select(submissions::id)
        .first(conn)
        .optional()?)
}

/// Indexes a visitor's name and address, which belong to the terms of the first message.
pub fn index_visitor(conn: &mut Connection, conversation: &Conversation) -> Result<()> {
    let first: Option<Message> = messages::table.find((conversation.seq, 1)).first(conn).optional()?;
    if let Some(first) = first {
        let id = index::message_id(conversation.seq, first.position);
        index::index_terms(conn, Index::Messages, conversation.account_id, id, terms(conversation, &first))?;
    }
    Ok(())
}

/// The search terms of a message. Those of the first message include the visitor's name
/// and address and the conversation's id.
pub fn terms(conversation: &Conversation, message: &Message) -> Part {
    let mut texts = vec![message.body.as_str()];
    if message.position == 1 {
        texts.extend([conversation.visitor_name.as_str(), &conversation.visitor_email, &conversation.id]);
    }
    search::whole(texts)
}

/// The message of a conversation that came with this id through a channel.
pub fn known(conn: &mut Connection, seq: i64, channel: Channel, client_id: &str) -> Result<Option<Message>> {
    Ok(messages::table
        .filter(messages::conversation_seq.eq(seq))
        .filter(messages::channel.eq(channel))
        .filter(messages::client_id.eq(client_id))
        .first(conn)
        .optional()?)
}

/// The status of a conversation and its messages after a position, oldest first; `None`
/// when it is deleted.
pub fn news_of(conn: &mut Connection, seq: i64, after: i64, limit: i64) -> Result<Option<(Status, Vec<Message>)>> {
    let status: Option<Status> = conversations::table
        .find(seq)
        .filter(conversations::deleted_at.is_null())
        .select(conversations::status)
        .first(conn)
        .optional()?;
    status.map(|status| Ok((status, self::after(conn, seq, after, limit)?))).transpose()
}

/// Longest message, in characters.
pub const MAX_MESSAGE: usize = 10_000;

/// Who wrote a message.
#[derive(AsExpression, Clone, Copy, Debug, Eq, FromSqlRow, PartialEq)]
#[diesel(sql_type = diesel::sql_types::Text)]
pub enum Sender {
    /// The person on the website.
    Visitor,
    /// A member of the team.
    Agent,
}

words!(Sender);

impl Sender {
    /// The value as stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Visitor => "visitor",
            Self::Agent => "agent",
        }
    }
}

impl std::str::FromStr for Sender {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "visitor" => Ok(Self::Visitor),
            "agent" => Ok(Self::Agent),
            _ => Err(Error::invalid("from must be visitor or agent.")),
        }
    }
}

/// How a message arrives. Each channel has ids of its own, so that no sender can take the
/// id of another's message.
#[derive(AsExpression, Clone, Copy, Debug, Eq, FromSqlRow, PartialEq)]
#[diesel(sql_type = diesel::sql_types::Text)]
pub enum Channel {
    /// The bubble on a website.
    Bubble,
    /// The page that mails to the visitor link to.
    Thread,
    /// An email from the visitor.
    Mail,
    /// The desk, or a program with an API key.
    Team,
}

words!(Channel);

impl Channel {
    /// The value as stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Bubble => "bubble",
            Self::Thread => "thread",
            Self::Mail => "mail",
            Self::Team => "team",
        }
    }
}

impl std::str::FromStr for Channel {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "bubble" => Ok(Self::Bubble),
            "thread" => Ok(Self::Thread),
            "mail" => Ok(Self::Mail),
            "team" => Ok(Self::Team),
            _ => Err(Error::invalid("channel must be bubble, thread, mail or team.")),
        }
    }
}

/// A message about to be stored.
#[derive(Clone, Debug)]
pub struct NewMessage {
    pub sender: Sender,
    /// The agent's name; a visitor's name is stored with the conversation.
    pub author_name: String,
    /// As returned by [`parse_message`].
    pub body: String,
    pub channel: Channel,
    /// The sender's own id. The same id in the same channel is the same message.
    pub client_id: Option<String>,
    /// When it was written, in UTC.
    pub at: NaiveDateTime,
    /// Whether it reopens a closed conversation.
    pub reopens: bool,
    /// Whether a reply may be mailed to the visitor.
    pub by_mail: bool,
    /// The address that it came from, if it came by email and the visitor has another one.
    pub from_address: String,
    /// Whether a program has sent it, such as a note about a vacation. It asks for no reply.
    pub is_automatic: bool,
    /// The quotes and the signature around the text of an email.
    pub folded: String,
    /// At most [`MAX_FILES`](crate::source_files::file::MAX_FILES).
    pub files: Vec<Stored>,
}

impl NewMessage {
    /// A reply by a member of the team.
    pub fn reply(author_name: &str, body: String, at: NaiveDateTime) -> Self {
        let author_name = author_name.to_owned();
        let (sender, channel) = (Sender::Agent, Channel::Team);
        Self { sender, author_name, channel, reopens: false, by_mail: true, ..Self::of_visitor(body, None, at) }
    }

    /// A visitor's message from the bubble.
    pub fn of_visitor(body: String, client_id: Option<String>, at: NaiveDateTime) -> Self {
        Self {
            sender: Sender::Visitor,
            author_name: String::new(),
            body,
            channel: Channel::Bubble,
            client_id,
            at,
            reopens: true,
            by_mail: false,
            from_address: String::new(),
            is_automatic: false,
            folded: String::new(),
            files: Vec::new(),
        }
    }
}

/// Checks a sender's id for a message: 8 to 64 letters, digits, `_` and `-`.
pub fn parse_client_id(id: &str) -> Result<String> {
    let is_fine =
        (8..=64).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte));
    if is_fine {
        Ok(id.to_owned())
    } else {
        Err(Error::invalid("The id of a message must have 8 to 64 letters, digits, _ and -."))
    }
}

/// The same for the hidden field of a form; `None` if it is empty.
pub fn parse_request_id(id: &str) -> Result<Option<String>> {
    if id.is_empty() { Ok(None) } else { parse_client_id(id).map(Some) }
}

/// Normalises the text of a message: 1 to 10,000 characters after trimming.
pub fn parse_message(body: &str) -> Result<String> {
    let body = text::block("Messages", body.trim(), MAX_MESSAGE)?;
    if body.is_empty() { Err(Error::invalid("Enter a message.")) } else { Ok(body) }
}

/// The same for a message with files: if it has no text, their names are the text, so that lists
/// and searches show something.
pub fn parse_message_with(body: &str, files: &[Stored]) -> Result<String> {
    let names = names(files.iter().map(|file| file.filename.as_str()));
    parse_message(text::first_filled(&[body, &names]))
}

/// The text of a message that has only files.
pub fn names<'a>(files: impl Iterator<Item = &'a str>) -> String {
    files.collect::<Vec<_>>().join("\n")
}

/// The text of a message, unless it only repeats the names of its files.
pub fn text_beside<'a>(body: String, filenames: impl Iterator<Item = &'a str>) -> String {
    let names = names(filenames);
    if !names.is_empty() && body == names { String::new() } else { body }
}

/// The files of consecutive messages of a conversation, by position.
pub fn files_of(conn: &mut Connection, seq: i64, rows: &[Message]) -> Result<HashMap<i64, Vec<SourceFile>>> {
    let (Some(first), Some(last)) = (rows.first(), rows.last()) else { return Ok(HashMap::new()) };
    file::of_messages(conn, seq, first.position, last.position)
}

/// A message's row.
#[derive(Clone, Debug, Insertable, Queryable)]
#[diesel(table_name = messages)]
pub struct Message {
    pub account_id: i64,
    pub conversation_seq: i64,
    pub position: i64,
    pub sender: Sender,
    pub author_name: String,
    pub body: String,
    pub created_at: NaiveDateTime,
    pub client_id: Option<String>,
    pub channel: Channel,
    pub by_mail: bool,
    /// The sender's address, if it came by email and is not the visitor's; else empty.
    pub from_address: String,
    /// Whether a program has sent it.
    pub is_automatic: bool,
    /// The quotes and the signature of an email.
    pub folded: String,
}

impl Message {
    /// The id assigned by the visitor's bubble.
    pub fn bubble_id(&self) -> Option<&str> {
        self.client_id.as_deref().filter(|_| self.channel == Channel::Bubble)
    }

    pub fn is_from_agent(&self) -> bool {
        self.sender == Sender::Agent
    }
}
