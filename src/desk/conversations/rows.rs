//! Conversations as lists show them.

use crate::accounts::agent::Agent;
use crate::conversations::conversation::Conversation;
use crate::conversations::marks;
use crate::db::Connection;
use crate::error::Result;
use crate::web::when::When;
use chrono::NaiveDateTime;

pub struct Row {
    pub id: String,
    pub visitor: String,
    pub last_message: String,
    pub at: When,
    pub is_open: bool,
    /// Messages that this user hasn't read and nobody has replied to.
    pub unread: i64,
    pub waiting: Option<When>,
    /// Whether the page shows this conversation.
    pub is_current: bool,
}

/// The rows of these conversations for a reader; `current` is the id of the one on the page.
pub fn rows(
    conn: &mut Connection,
    agent: &Agent,
    conversations: Vec<Conversation>,
    current: Option<&str>,
    now: NaiveDateTime,
) -> Result<Vec<Row>> {
    let seqs: Vec<i64> = conversations.iter().map(|row| row.seq).collect();
    let marks = marks::of(conn, agent.id, &seqs)?;
    let row = |row: Conversation| Row {
        visitor: row.visitor().to_owned(),
        at: When::new(row.last_message_at, agent.zone).since(now),
        is_open: row.is_open(),
        // Closed conversations need no attention.
        unread: if row.is_open() { row.unread(marks.get(&row.seq).copied().unwrap_or(0)) } else { 0 },
        waiting: row.waiting_since.map(|since| When::new(since, agent.zone)),
        is_current: current == Some(row.id.as_str()),
        id: row.id,
        last_message: row.last_message,
    };
    Ok(conversations.into_iter().map(row).collect())
}
