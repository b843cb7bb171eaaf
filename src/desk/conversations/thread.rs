//! A conversation on the page of its ticket or submission.

use crate::accounts::agent::Agent;
use crate::conversations::conversation::Conversation;
use crate::db::Connection;
use crate::desk::conversations::line::{Line, Loaded, lines};
use crate::desk::conversations::mailing::{Mailing, mailing};
use crate::error::Result;
use crate::web::layout::Layout;
use crate::web::when::When;
use chrono::NaiveDateTime;

/// How many messages are shown.
const LAST_MESSAGES: i64 = 5;

pub struct Thread {
    /// The id of the conversation.
    pub id: String,
    pub url: String,
    pub lines: Vec<Line>,
    /// All messages.
    pub count: i64,
    pub is_open: bool,
    pub waiting: Option<When>,
    pub mailing: Option<Mailing>,
}

/// The end of a conversation.
pub fn thread(
    conn: &mut Connection,
    agent: &Agent,
    layout: &Layout,
    of: &Conversation,
    now: NaiveDateTime,
) -> Result<Thread> {
    let loaded = Loaded::before(conn, of, None, LAST_MESSAGES)?;
    Ok(Thread {
        url: layout.href(&format!("/conversations/{}", of.id)),
        lines: lines(of, loaded, layout, agent.zone, now),
        count: of.message_count,
        is_open: of.is_open(),
        waiting: of.waiting_since.map(|since| When::new(since, agent.zone)),
        mailing: mailing(conn, layout.sends_mail, of)?,
        id: of.id.clone(),
    })
}
