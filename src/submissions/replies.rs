//! Replies to submissions. The first one opens a conversation with the sender, which goes on by
//! mail: a form has no place to show it.

use crate::conversations::conversation::{Conversation, NewConversation, Status};
use crate::conversations::messages::{MAX_MESSAGE, NewMessage, Posted, parse_message};
use crate::conversations::{conversation, messages, reply_mails};
use crate::db::Connection;
use crate::db::ticket_index::Source;
use crate::error::{Error, Kind, Result};
use crate::events::actor::Actor;
use crate::submissions::submission;
use crate::submissions::submission::Submission;

/// Stores a reply, and first, if there is none yet, the conversation with this `id`. It begins
/// with what was sent.
///
/// # Errors
/// *Conflict* for spam, for submissions without an email address, and when no mail goes there.
pub fn reply(
    conn: &mut Connection,
    actor: &Actor,
    submission_id: &str,
    reply: &NewMessage,
    id: &str,
) -> Result<Posted> {
    // Two first replies at once must not open two conversations.
    let submission = submission::lock(conn, actor.account_id, submission_id)?;
    if submission.spam {
        return Err(Error::new(Kind::Conflict, "Spam is not answered. Mark the submission as not spam first."));
    }
    if submission.visitor_email.is_empty() {
        return Err(Error::new(Kind::Conflict, "The sender left no email address."));
    }
    let found = conversation::of_submission(conn, actor.account_id, submission_id)?;
    let conversation = match found {
        Some(found) => found,
        None => open(conn, &submission, reply, id)?,
    };
    reply_mails::reply(conn, actor, &conversation.id, reply)
}

/// The words of a submission and of the conversation that answers it, for its tickets.
pub fn texts(conn: &mut Connection, of: &Submission) -> Result<Vec<Source>> {
    let mut texts = of.texts();
    if let Some(answer) = conversation::of_submission(conn, of.account_id, &of.id)? {
        texts.extend(messages::texts(conn, &answer)?);
    }
    Ok(texts)
}

fn open(conn: &mut Connection, of: &Submission, reply: &NewMessage, id: &str) -> Result<Conversation> {
    let sender = Actor::visitor(of.account_id, of.visitor());
    let new = NewConversation {
        id: id.to_owned(),
        status: Status::Open,
        visitor_name: of.visitor_name.clone(),
        visitor_email: of.visitor_email.clone(),
        page_url: of.page_url.clone(),
        country: of.country.clone(),
        chat: None,
        submission_id: Some(of.id.clone()),
    };
    let opened = conversation::create(conn, &sender, &new, reply.at)?;
    if let Ok(body) = parse_message(&said(of)) {
        let sent = NewMessage { reopens: false, ..NewMessage::of_visitor(body, None, of.created_at) };
        messages::post(conn, &sender, &opened.id, &sent)?;
    }
    Ok(opened)
}

/// What the sender wrote, as a message: the text alone if they wrote only one.
fn said(submission: &Submission) -> String {
    let text = match submission.told().as_slice() {
        [(_, value)] => value.clone(),
        all => all.iter().map(|(name, value)| format!("{name}: {value}")).collect::<Vec<_>>().join("\n"),
    };
    text.chars().take(MAX_MESSAGE).collect()
}
