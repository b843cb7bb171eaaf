//! Answers by email. Only a mail of ours begins what they belong to: without a token that works, a
//! message is dropped.

use crate::conversations::conversation::Conversation;
use crate::conversations::messages::{Channel, MAX_MESSAGE, Message, NewMessage, Posted, known, names, post};
use crate::conversations::reply_mails::Delivery;
use crate::conversations::{reply_mails, thread_links, visitor};
use crate::db::Connection;
use crate::db::schema::messages;
use crate::error::{Error, Result};
use crate::events::actor::Actor;
use crate::mail::incoming::{CUT, Incoming, Kind};
use crate::source_files::keep::Stored;
use crate::values::text;
use chrono::{NaiveDateTime, TimeDelta};
use diesel::prelude::*;

/// Most emails to one conversation in an hour. More are taken later.
const MOST_IN_HOUR: i64 = 60;
/// Most automatic replies to one conversation in a day. More are dropped.
const MOST_AUTOMATIC_IN_DAY: i64 = 5;
/// Most that is kept of the quotes and the signature of an email, in characters.
const MAX_FOLDED: usize = 200_000;

/// What became of an email.
#[derive(Debug)]
pub enum Taken {
    /// It is a message of its conversation now, or was before.
    Stored(Box<Posted>),
    /// It told that a mail of ours was not delivered.
    Noted,
    /// It belongs nowhere: the reason.
    Dropped(&'static str),
}

/// The files of an email, after they were looked at.
#[derive(Debug, Default)]
pub struct Files {
    pub stored: Vec<Stored>,
    /// A line for each that is not kept: its name, and why.
    pub refused: Vec<String>,
}

/// What is known of an email before its files are stored.
enum Look {
    /// It belongs to this conversation, as an answer to the mail of a job.
    Belongs(Box<Conversation>, i64),
    Dropped(&'static str),
}

fn look(conn: &mut Connection, mail: &Incoming, now: NaiveDateTime) -> Result<Look> {
    let Some((of, job_id)) = answered(conn, &mail.tokens, now)? else {
        return Ok(Look::Dropped("no token that works"));
    };
    match &mail.kind {
        Kind::Report => return Ok(Look::Dropped("a report that is no failure")),
        Kind::Automatic if count(conn, &of, true, now - TimeDelta::days(1))? >= MOST_AUTOMATIC_IN_DAY => {
            return Ok(Look::Dropped("too many automatic replies"));
        }
        Kind::Written if known(conn, of.seq, Channel::Mail, &mail.id)?.is_some() => {}
        Kind::Written if count(conn, &of, false, now - TimeDelta::hours(1))? >= MOST_IN_HOUR => {
            return Err(Error::too_many("This conversation gets too many emails.", 3600));
        }
        Kind::Written | Kind::Automatic | Kind::NotDelivered(_) => {}
    }
    Ok(Look::Belongs(Box::new(of), job_id))
}

/// The account for which the files of an email are to be stored; `None` if none are.
///
/// # Errors
/// *Too many* when it is to be sent again later.
pub fn account_for_files(conn: &mut Connection, mail: &Incoming, now: NaiveDateTime) -> Result<Option<i64>> {
    let Look::Belongs(of, _) = look(conn, mail, now)? else { return Ok(None) };
    let is_message = matches!(mail.kind, Kind::Written | Kind::Automatic);
    let is_new = is_message && known(conn, of.seq, Channel::Mail, &mail.id)?.is_none();
    Ok(is_new.then_some(of.account_id))
}

/// Whether a token of a message still works.
pub fn is_expected(conn: &mut Connection, tokens: &[String], now: NaiveDateTime) -> Result<bool> {
    Ok(answered(conn, tokens, now)?.is_some())
}

/// Takes an email that has arrived, with its stored files. One that arrives twice is stored once.
///
/// # Errors
/// *Too many* when it is to be sent again later; those of [`post`].
pub fn take(conn: &mut Connection, mail: &Incoming, files: &Files, now: NaiveDateTime) -> Result<Taken> {
    let (of, job_id) = match look(conn, mail, now)? {
        Look::Belongs(of, job_id) => (of, job_id),
        Look::Dropped(reason) => return Ok(Taken::Dropped(reason)),
    };
    if let Kind::NotDelivered(reason) = &mail.kind {
        reply_mails::settle(conn, &of, job_id, Delivery::Refused(reason), now)?;
        return Ok(Taken::Noted);
    }
    let is_automatic = mail.kind == Kind::Automatic;
    let is_visitor = mail.from == of.visitor_email.to_lowercase();
    let actor = Actor::visitor(of.account_id, if is_visitor { of.visitor() } else { &mail.from });
    let posted = post(conn, &actor, &of.id, &message(mail, files, is_visitor, now))?;
    if is_visitor && !is_automatic {
        // They have read what they answer, but perhaps no later reply.
        visitor::confirm_email(conn, &posted.conversation)?;
        if let Some(last) = reply_mails::last_position(conn, job_id)? {
            visitor::note_seen(conn, &posted.conversation, last)?;
        }
    }
    Ok(Taken::Stored(Box::new(posted)))
}

fn answered(conn: &mut Connection, tokens: &[String], now: NaiveDateTime) -> Result<Option<(Conversation, i64)>> {
    for token in tokens.iter().take(10) {
        if let Some(found) = thread_links::answered(conn, token, now)? {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

/// How many emails of one sort a conversation got since then.
fn count(conn: &mut Connection, of: &Conversation, is_automatic: bool, since: NaiveDateTime) -> Result<i64> {
    // Only the latest messages, so that the work stays the same.
    let latest: Vec<Message> = messages::table
        .filter(messages::conversation_seq.eq(of.seq))
        .filter(messages::position.gt(of.message_count - 2 * MOST_IN_HOUR))
        .filter(messages::channel.eq(Channel::Mail))
        .filter(messages::is_automatic.eq(is_automatic))
        .filter(messages::created_at.gt(since))
        .load(conn)?;
    Ok(i64::try_from(latest.len()).unwrap_or(i64::MAX))
}

fn message(mail: &Incoming, files: &Files, is_visitor: bool, now: NaiveDateTime) -> NewMessage {
    let is_automatic = mail.kind == Kind::Automatic;
    let text = text::normalise(mail.text.written.trim());
    let names = names(files.stored.iter().map(|file| file.filename.as_str()));
    let text = text::first_filled(&[&text, &names, &mail.subject, "(no text)"]);
    let (body, rest) = match text.char_indices().nth(MAX_MESSAGE - 1) {
        Some((at, last)) if text.len() > at + last.len_utf8() => (format!("{}…", &text[..at]), &text[at..]),
        _ => (text.to_owned(), ""),
    };
    let refused: Vec<String> = files.refused.iter().map(|line| format!("Attached, not kept: {line}")).collect();
    let parts = [refused.join("\n"), rest.to_owned(), text::normalise(&mail.text.folded)];
    let folded: Vec<String> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    let folded = folded.join("\n\n");
    let folded = match folded.char_indices().nth(MAX_FOLDED) {
        Some((at, _)) => format!("{}{CUT}", &folded[..at]),
        None => folded,
    };
    NewMessage {
        channel: Channel::Mail,
        reopens: !is_automatic,
        from_address: if is_visitor { String::new() } else { mail.from.clone() },
        is_automatic,
        folded,
        files: files.stored.clone(),
        ..NewMessage::of_visitor(body, Some(mail.id.clone()), now)
    }
}
