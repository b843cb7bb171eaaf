//! What agents see of the mails to a visitor.

use crate::accounts::account;
use crate::conversations::conversation::Conversation;
use crate::conversations::reply_mails::ReplyMail;
use crate::conversations::stopped;
use crate::conversations::stopped::Reason;
use crate::db::Connection;
use crate::error::Result;
use crate::values::text;

/// How a reply reaches a visitor who does not see it.
pub struct Mailing {
    pub address: String,
    /// Whether the visitor has shown to read mails there.
    pub is_confirmed: bool,
    /// How long they have to see it.
    pub minutes: i64,
    /// Why they get no mails; empty if they do.
    pub stopped: &'static str,
}

/// `None` if replies of this conversation are never mailed.
pub fn mailing(conn: &mut Connection, sends_mail: bool, of: &Conversation) -> Result<Option<Mailing>> {
    let account = account::find(conn, of.account_id)?;
    if !sends_mail || !account.mails_replies || of.widget_id.is_none() || of.visitor_email.is_empty() {
        return Ok(None);
    }
    let stopped = match stopped::reason(conn, account.id, &of.visitor_email)? {
        None => "",
        Some(Reason::Unsubscribed) => "they want none",
        Some(Reason::Refused) => "a mail server refused the address",
    };
    let (address, is_confirmed) = (of.visitor_email.clone(), of.has_confirmed_email());
    Ok(Some(Mailing { address, is_confirmed, minutes: account.reply_minutes, stopped }))
}

/// What became of a reply, for the agents; empty if there is nothing to tell.
pub fn delivery(of: &Conversation, mails: &[ReplyMail], position: i64, last_seen: i64) -> String {
    if position <= of.seen_position {
        return if position == last_seen { "Seen".into() } else { String::new() };
    }
    let holds = |mail: &&ReplyMail| (mail.first_position..=mail.last_position).contains(&position);
    match mails.iter().find(holds) {
        Some(mail) if !mail.error.is_empty() => format!("Not delivered: {}", text::shorten(&mail.error, 200)),
        Some(mail) if mail.sent_at.is_some() => "Emailed".into(),
        Some(_) => "Email is being sent".into(),
        None => String::new(),
    }
}
