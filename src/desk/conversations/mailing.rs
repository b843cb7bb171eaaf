//! What agents see of the mails to a visitor.

use crate::accounts::account;
use crate::conversations::conversation::Conversation;
use crate::conversations::messages::Message;
use crate::conversations::reply_mails::ReplyMail;
use crate::conversations::stopped::Reason;
use crate::conversations::{reply_mails, stopped};
use crate::db::Connection;
use crate::error::Result;
use crate::submissions::submission::Submission;
use crate::values::text;

/// How a reply reaches a visitor who does not see it.
pub struct Mailing {
    pub address: String,
    /// Whether the visitor has shown to read mails there.
    pub is_confirmed: bool,
    /// How long they have to see it in the chat; `None` if only the mail reaches them.
    pub minutes: Option<i64>,
    /// Why they get no mails; empty if they do.
    pub stopped: &'static str,
    /// Whether an agent may try again.
    pub is_refused: bool,
}

impl Mailing {
    /// Whether mails reach the visitor.
    pub fn is_on(&self) -> bool {
        self.stopped.is_empty()
    }
}

/// How replies of a conversation are mailed; `None` if they never are.
pub fn mailing(conn: &mut Connection, sends_mail: bool, of: &Conversation) -> Result<Option<Mailing>> {
    if !of.can_be_mailed() || reply_mails::answers_spam(conn, of)? {
        return Ok(None);
    }
    let mailing = to(conn, sends_mail, of.account_id, &of.visitor_email)?;
    Ok(mailing.map(|mailing| Mailing {
        is_confirmed: of.has_confirmed_email(),
        minutes: mailing.minutes.filter(|_| of.widget_id.is_some()),
        ..mailing
    }))
}

/// How a first reply to a submission would be mailed; `None` if it can’t be.
pub fn mailing_of_submission(conn: &mut Connection, sends_mail: bool, of: &Submission) -> Result<Option<Mailing>> {
    if of.spam {
        return Ok(None);
    }
    let mailing = to(conn, sends_mail, of.account_id, &of.visitor_email)?;
    Ok(mailing.map(|mailing| Mailing { minutes: None, ..mailing }))
}

fn to(conn: &mut Connection, sends_mail: bool, account_id: i64, address: &str) -> Result<Option<Mailing>> {
    let account = account::find(conn, account_id)?;
    if !sends_mail || !account.mails_replies || address.is_empty() {
        return Ok(None);
    }
    let reason = stopped::reason(conn, account.id, address)?;
    let stopped = match reason {
        None => "",
        Some(Reason::Unsubscribed) => "they want none",
        Some(Reason::Refused) => "a mail server refused the address",
    };
    let (address, minutes) = (address.to_owned(), Some(account.reply_minutes));
    let is_refused = reason == Some(Reason::Refused);
    Ok(Some(Mailing { address, is_confirmed: false, minutes, stopped, is_refused }))
}

/// What became of a reply, for the agents; empty if there is nothing to tell.
pub fn delivery(of: &Conversation, mails: &[ReplyMail], reply: &Message, last_seen: i64) -> String {
    let position = reply.position;
    if position <= of.seen_position {
        return if position == last_seen { "Seen".into() } else { String::new() };
    }
    let holds = |mail: &&ReplyMail| (mail.first_position..=mail.last_position).contains(&position);
    match mails.iter().rev().filter(|_| reply.by_mail).find(holds) {
        Some(mail) if !mail.error.is_empty() => format!("Not delivered: {}", text::shorten(&mail.error, 200)),
        Some(mail) if mail.sent_at.is_some() => "Emailed".into(),
        Some(_) => "Email is being sent".into(),
        None => String::new(),
    }
}
