//! A conversation on the page of its ticket or submission.

use crate::accounts::agent::Agent;
use crate::conversations::conversation::Conversation;
use crate::conversations::{messages, reply_mails};
use crate::db::Connection;
use crate::desk::conversations::line::{Line, lines};
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
    let messages = messages::before(conn, of.seq, None, LAST_MESSAGES)?;
    let mails = reply_mails::of(conn, of.seq, messages.first().map_or(0, |first| first.position))?;
    Ok(Thread {
        url: layout.href(&format!("/conversations/{}", of.id)),
        lines: lines(of, messages, &mails, agent.zone, now),
        count: of.message_count,
        is_open: of.is_open(),
        waiting: of.waiting_since.map(|since| When::new(since, agent.zone)),
        mailing: mailing(conn, layout.sends_mail, of)?,
        id: of.id.clone(),
    })
}
