//! Mails to visitors with replies that they have not seen.

use crate::accounts::account;
use crate::accounts::account::Account;
use crate::conversations::conversation::Conversation;
use crate::conversations::messages::{Message, NewMessage, Posted, Sender, post};
use crate::conversations::stopped::Reason;
use crate::conversations::{conversation, stopped};
use crate::db::Connection;
use crate::db::schema::{jobs, messages, reply_mails, submissions};
use crate::error::{Error, Kind, Result};
use crate::events::actor::Actor;
use crate::events::event::Kind as EventKind;
use crate::events::record::record;
use crate::source_files::file;
use crate::source_files::file::SourceFile;
use chrono::{NaiveDateTime, TimeDelta};
use diesel::dsl;
use diesel::prelude::*;
use std::collections::HashMap;

/// The shortest time between two mails of a conversation.
const PAUSE: TimeDelta = TimeDelta::minutes(15);
/// Most mails to one address, and of one account, in a day.
const MOST_TO_ADDRESS: i64 = 10;
const MOST_OF_ACCOUNT: i64 = 2_000;
/// When to look again whether the bound of a day allows another mail.
const LATER: TimeDelta = TimeDelta::hours(1);
/// Most messages in one mail; the visitor reads all of them at the link.
const MOST_MESSAGES: i64 = 20;

/// A mail to a visitor, as its row says.
#[derive(Clone, Debug, Insertable, Queryable)]
#[diesel(table_name = reply_mails)]
pub struct ReplyMail {
    /// The job that sends it.
    pub job_id: i64,
    pub account_id: i64,
    pub conversation_seq: i64,
    /// In lower case.
    pub address: String,
    /// It holds the replies from this position to the last one.
    pub first_position: i64,
    pub last_position: i64,
    pub created_at: NaiveDateTime,
    /// When the mail server accepted it.
    pub sent_at: Option<NaiveDateTime>,
    /// Why no mail server will ever accept it; empty if one may, or has.
    pub error: String,
}

/// What becomes of the mail for a reply.
pub enum Plan {
    /// There is nothing to send, or no way to.
    Nothing,
    /// It may be sent at that time, or later.
    Later(NaiveDateTime),
    /// It is to be sent. However often that is tried, it holds the same replies.
    Send(Box<Planned>),
}

/// A mail to be sent.
pub struct Planned {
    pub account: Account,
    pub conversation: Conversation,
    pub replies: Vec<Message>,
    /// The files of these, by position.
    pub files: HashMap<i64, Vec<SourceFile>>,
    /// The latest message of the visitor before these.
    pub question: Option<Message>,
    /// The jobs of earlier mails of the conversation, oldest first.
    pub earlier: Vec<i64>,
}

/// Whether unseen replies of this conversation are mailed. Those of other systems reach their
/// visitors there.
pub fn is_mailed(conn: &mut Connection, account: &Account, conversation: &Conversation) -> Result<bool> {
    Ok(account.mails_replies
        && conversation.can_be_mailed()
        && !answers_spam(conn, conversation)?
        && stopped::reason(conn, account.id, &conversation.visitor_email)?.is_none())
}

/// Whether the submission that a conversation answers has been marked as spam since.
pub fn answers_spam(conn: &mut Connection, of: &Conversation) -> Result<bool> {
    let Some(id) = &of.submission_id else { return Ok(false) };
    let spam: Option<bool> = submissions::table
        .filter(submissions::account_id.eq(of.account_id))
        .filter(submissions::id.eq(id))
        .select(submissions::spam)
        .first(conn)
        .optional()?;
    Ok(spam.unwrap_or(false))
}

/// Stores a reply, unless it would reach nobody: the sender of a form gets it by mail or not at all.
///
/// # Errors
/// *Conflict* when it would; those of [`post`].
pub fn reply(conn: &mut Connection, actor: &Actor, id: &str, reply: &NewMessage) -> Result<Posted> {
    let posted = post(conn, actor, id, reply)?;
    let of = &posted.conversation;
    if of.submission_id.is_none() || of.widget_id.is_some() {
        return Ok(posted);
    }
    let account = account::find(conn, of.account_id)?;
    if is_mailed(conn, &account, of)? {
        return Ok(posted);
    }
    // The error takes the message back with the transaction.
    let message = "This reply would reach nobody: emails to visitors are off, or this person gets none.";
    Err(Error::new(Kind::Conflict, message))
}

/// Decides about the mail of a job. `is_here` tells whether the visitor has the conversation open.
pub fn plan(conn: &mut Connection, job_id: i64, seq: i64, is_here: bool, now: NaiveDateTime) -> Result<Plan> {
    let Some(conversation) = conversation::of_row(conn, seq)? else { return Ok(Plan::Nothing) };
    let account = account::find(conn, conversation.account_id)?;
    let known: Option<ReplyMail> = reply_mails::table.find(job_id).first(conn).optional()?;
    let is_seen = known.as_ref().is_some_and(|mail| mail.last_position <= conversation.seen_position);
    if is_seen || !is_mailed(conn, &account, &conversation)? {
        diesel::delete(reply_mails::table.find(job_id).filter(reply_mails::sent_at.is_null())).execute(conn)?;
        return Ok(Plan::Nothing);
    }
    let mail = match known {
        Some(mail) => mail,
        None => {
            // Another job of the conversation may do the same now.
            let conversation = conversation::lock(conn, account.id, &conversation.id)?;
            let unseen = unseen(conn, &conversation)?;
            let (Some(first), Some(last)) = (unseen.first(), unseen.last()) else { return Ok(Plan::Nothing) };
            if is_here {
                return Ok(Plan::Later(now + TimeDelta::minutes(1)));
            }
            if let Some(at) = earliest(conn, &conversation, now)? {
                return Ok(Plan::Later(at));
            }
            let mail = ReplyMail {
                job_id,
                account_id: account.id,
                conversation_seq: seq,
                address: conversation.visitor_email.to_lowercase(),
                first_position: first.position,
                last_position: last.position,
                created_at: now,
                sent_at: None,
                error: String::new(),
            };
            diesel::insert_into(reply_mails::table).values(&mail).execute(conn)?;
            mail
        }
    };
    let replies = replies(conn, seq, mail.first_position, mail.last_position)?;
    let files = file::of_messages(conn, seq, mail.first_position, mail.last_position)?;
    let question = messages::table
        .filter(messages::conversation_seq.eq(seq))
        .filter(messages::sender.eq(Sender::Visitor))
        .filter(messages::position.lt(mail.first_position))
        .order(messages::position.desc())
        .first(conn)
        .optional()?;
    let earlier = reply_mails::table
        .filter(reply_mails::conversation_seq.eq(seq))
        .filter(reply_mails::last_position.lt(mail.first_position))
        .order(reply_mails::last_position)
        .select(reply_mails::job_id)
        .load(conn)?;
    Ok(Plan::Send(Box::new(Planned { account, conversation, replies, files, question, earlier })))
}

/// The newest replies that the visitor has not seen and no mail holds.
fn unseen(conn: &mut Connection, of: &Conversation) -> Result<Vec<Message>> {
    let mailed: Option<i64> = reply_mails::table
        .filter(reply_mails::conversation_seq.eq(of.seq))
        .filter(reply_mails::error.eq(""))
        .filter(reply_mails::sent_at.is_not_null().or(is_under_way()))
        .select(dsl::max(reply_mails::last_position))
        .first(conn)?;
    replies(conn, of.seq, of.seen_position.max(mailed.unwrap_or(0)) + 1, of.message_count)
}

/// Whether the job of a mail that was not sent still tries.
#[diesel::dsl::auto_type]
fn is_under_way() -> _ {
    let job = jobs::table.filter(jobs::id.eq(reply_mails::job_id)).filter(jobs::ended_at.is_null());
    reply_mails::sent_at.is_null().and(reply_mails::error.eq("")).and(dsl::exists(job))
}

fn replies(conn: &mut Connection, seq: i64, from: i64, to: i64) -> Result<Vec<Message>> {
    let mut replies: Vec<Message> = messages::table
        .filter(messages::conversation_seq.eq(seq))
        .filter(messages::position.between(from, to))
        .filter(messages::sender.eq(Sender::Agent))
        .filter(messages::by_mail.eq(true))
        .order(messages::position.desc())
        .limit(MOST_MESSAGES)
        .load(conn)?;
    replies.reverse();
    Ok(replies)
}

/// When the next mail may be sent; `None` if now.
fn earliest(conn: &mut Connection, of: &Conversation, now: NaiveDateTime) -> Result<Option<NaiveDateTime>> {
    let of_conversation = reply_mails::table.filter(reply_mails::conversation_seq.eq(of.seq));
    if diesel::select(dsl::exists(of_conversation.filter(is_under_way()))).get_result(conn)? {
        return Ok(Some(now + TimeDelta::minutes(1)));
    }
    let last: Option<NaiveDateTime> =
        of_conversation.select(dsl::max(reply_mails::sent_at)).first::<Option<NaiveDateTime>>(conn)?;
    if let Some(at) = last.map(|last| last + PAUSE).filter(|at| *at > now) {
        return Ok(Some(at));
    }
    let today = reply_mails::table
        .filter(reply_mails::account_id.eq(of.account_id))
        .filter(reply_mails::created_at.gt(now - TimeDelta::days(1)));
    let to_address: i64 =
        today.filter(reply_mails::address.eq(of.visitor_email.to_lowercase())).count().get_result(conn)?;
    let of_account: i64 = today.count().get_result(conn)?;
    Ok((to_address >= MOST_TO_ADDRESS || of_account >= MOST_OF_ACCOUNT).then_some(now + LATER))
}

/// What a mail server said about a mail.
#[derive(Clone, Copy, Debug)]
pub enum Delivery<'a> {
    Accepted,
    /// It never accepts it: the reason. That may be known long after another server accepted it.
    Refused(&'a str),
}

/// Records what a mail server said about the mail of a job. No more mails go to an address that does
/// not exist.
pub fn settle(conn: &mut Connection, of: &Conversation, job_id: i64, said: Delivery, now: NaiveDateTime) -> Result<()> {
    let mail = reply_mails::table.find(job_id).filter(reply_mails::error.eq(""));
    let (updated, kind) = match said {
        Delivery::Accepted => {
            (diesel::update(mail).set(reply_mails::sent_at.eq(now)).execute(conn)?, EventKind::ConversationReplyMailed)
        }
        Delivery::Refused(reason) => {
            (diesel::update(mail).set(reply_mails::error.eq(reason)).execute(conn)?, EventKind::ConversationMailRefused)
        }
    };
    if updated == 0 {
        return Ok(());
    }
    if let Delivery::Refused(reason) = said
        && is_about_address(reason)
    {
        stopped::stop(conn, of.account_id, &of.visitor_email, Reason::Refused, now)?;
    }
    record(conn, &Actor::system(of.account_id), of.event(kind), now)?;
    Ok(())
}

/// Whether a refusal is about the recipient's address (RFC 3463, 3.2), and not about our server.
fn is_about_address(refusal: &str) -> bool {
    refusal.split_whitespace().any(|word| word.starts_with("5.1."))
}

/// The position of the last reply in the mail of a job.
pub fn last_position(conn: &mut Connection, job_id: i64) -> Result<Option<i64>> {
    Ok(reply_mails::table.find(job_id).select(reply_mails::last_position).first(conn).optional()?)
}

/// The mails that hold messages of a conversation from a position on, oldest first. Those that
/// nobody sends any more have an error.
pub fn of(conn: &mut Connection, seq: i64, from: i64) -> Result<Vec<ReplyMail>> {
    let of_conversation = reply_mails::table.filter(reply_mails::conversation_seq.eq(seq));
    let newer = of_conversation.filter(reply_mails::last_position.ge(from));
    let rows: Vec<(ReplyMail, bool)> = newer
        .order((reply_mails::last_position, reply_mails::created_at))
        .select((reply_mails::all_columns, is_under_way()))
        .load(conn)?;
    let told = |(mail, is_under_way): (ReplyMail, bool)| {
        let is_given_up = mail.sent_at.is_none() && mail.error.is_empty() && !is_under_way;
        if is_given_up { ReplyMail { error: "no mail server took it".into(), ..mail } } else { mail }
    };
    Ok(rows.into_iter().map(told).collect())
}

/// Removes what is kept of the mails of a conversation.
pub fn forget(conn: &mut Connection, seq: i64) -> Result<()> {
    diesel::delete(reply_mails::table.filter(reply_mails::conversation_seq.eq(seq))).execute(conn)?;
    Ok(())
}
