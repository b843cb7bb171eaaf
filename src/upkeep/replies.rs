//! Mails to visitors with replies that they have not seen.

use crate::accounts::account;
use crate::app::App;
use crate::conversations::messages::{Message, Sender, names};
use crate::conversations::reply_mails::{Delivery, Plan, Planned};
use crate::conversations::thread_links::Secrets;
use crate::conversations::{conversation, reply_mails, thread_links, widgets};
use crate::db::Connection;
use crate::error::{Error, Kind as ErrorKind, Result};
use crate::events::event::{Event, Kind as EventKind};
use crate::jobs::job::{Job, Kind, NewJob};
use crate::jobs::queue::Outcome;
use crate::live::event::Topic;
use crate::mail::mailer::{ForVisitor, Mail, Mailer};
use crate::source_files::file::SourceFile;
use crate::values::{text, token};
use askama::Template;
use chrono::TimeDelta;
use std::collections::BTreeMap;
use std::fmt::Write;

/// What a mail quotes of the visitor's message, in characters. Anybody can type any address in a
/// bubble, and must not be able to send texts to it.
const QUOTE: usize = 1_000;
const QUOTE_TO_UNCONFIRMED: usize = 140;

/// The job for the mail that an event may call for.
pub fn job(conn: &mut Connection, event: &Event) -> Result<Option<NewJob>> {
    let from: Option<Sender> = event.data.word("from");
    let (Some(seq), Some(position)) = (event.data.number("row"), event.data.number("position")) else {
        return Ok(None);
    };
    if event.kind != EventKind::ConversationMessageAdded || from != Some(Sender::Agent) {
        return Ok(None);
    }
    let account = account::find(conn, event.account_id)?;
    let conversation = conversation::of_row(conn, seq)?;
    let Some(conversation) = conversation.filter(|found| found.account_id == account.id) else { return Ok(None) };
    if !reply_mails::is_mailed(conn, &account, &conversation)? {
        return Ok(None);
    }
    Ok(Some(NewJob {
        account_id: Some(account.id),
        kind: Kind::ReplyMail,
        key: format!("{seq}:{position}"),
        group_key: seq.to_string(),
        data: seq.to_string(),
        // The sender of a form has nowhere else to see it.
        due_at: event.at + TimeDelta::minutes(conversation.widget_id.map_or(0, |_| account.reply_minutes)),
    }))
}

/// Sends the mail of a job. After a crash it may be sent again, always with the same `Message-ID`
/// and the same replies; its link is another one then, and both work.
///
/// # Errors
/// *Unavailable* when the mail server may accept it later.
pub async fn send(app: &App, mailer: &Mailer, job: &Job) -> Result<Outcome> {
    let seq: i64 = job.data.parse().map_err(|source| Error::internal("the job of a reply", source))?;
    let is_here = app.live.subscribers(Topic::Conversation(seq)) > 0;
    let (job_id, now) = (job.id, app.clock.now());
    let reply = mailer.reply_address().map(|_| token::for_address()).transpose()?;
    let secrets = Secrets { link: token::secret()?, reply };
    let stored = secrets.clone();
    let write = move |conn: &mut Connection| {
        let plan = reply_mails::plan(conn, job_id, seq, is_here, now)?;
        if let Plan::Send(planned) = &plan {
            thread_links::create(conn, &planned.conversation, &stored, job_id, now)?;
        }
        Ok(plan)
    };
    let planned = match app.db.write(write).await? {
        Plan::Nothing => return Ok(Outcome::Done),
        Plan::Later(at) => return Ok(Outcome::Later(at)),
        Plan::Send(planned) => planned,
    };
    let of = planned.conversation.clone();
    let (texts, language) = app.db.read(move |conn| widgets::texts_of(conn, &of)).await?;
    let id = |job: i64| format!("docket-{}-reply-{job}", app.installation.id);
    let thread = mailer.link(&format!("/thread/{}", secrets.link));
    let reply_to = mailer.reply_address().zip(secrets.reply).map(|(address, token)| address.with(&token));
    let links = Links { stop: format!("{thread}/stop"), thread, reply_to };
    let mut mail = mail(&planned, &texts.all(), &language, &links)?;
    mail.id = id(job.id);
    if let Some(extra) = &mut mail.for_visitor {
        extra.earlier = planned.earlier.iter().map(|job| id(*job)).collect();
    }
    let sent = mailer.send(&mail).await;
    let refusal = match sent {
        Ok(()) => None,
        Err(error) if error.kind == ErrorKind::Invalid => Some(error.cause()),
        Err(error) => return Err(error),
    };
    let now = app.clock.now();
    let settle = move |conn: &mut Connection| {
        let said = refusal.as_deref().map_or(Delivery::Accepted, Delivery::Refused);
        reply_mails::settle(conn, &planned.conversation, job_id, said, now)
    };
    app.db.write(settle).await?;
    Ok(Outcome::Done)
}

/// The addresses in a mail.
struct Links {
    thread: String,
    stop: String,
    /// The email address that takes answers, if any.
    reply_to: Option<String>,
}

impl Links {
    /// The key of the text about answers by email.
    fn answering(&self) -> &'static str {
        if self.reply_to.is_some() { "mailReply" } else { "mailNoReply" }
    }
}

struct Reply<'a> {
    author: &'a str,
    /// With the names of its files, which are at the link.
    body: String,
}

impl<'a> Reply<'a> {
    fn new(message: &'a Message, files: &[SourceFile], team: &'a str) -> Self {
        let author = text::first_filled(&[&message.author_name, team]);
        let names = names(files.iter().map(|file| file.filename.as_str()));
        let body = match names.is_empty() || names == message.body {
            true => message.body.clone(),
            false => format!("{}\n\n{names}", message.body),
        };
        Self { author, body }
    }
}

#[derive(Template)]
#[template(path = "mail/reply.html")]
struct Html<'a> {
    subject: &'a str,
    language: &'a str,
    texts: &'a BTreeMap<&'static str, &'a str>,
    replies: &'a [Reply<'a>],
    question: &'a str,
    link: &'a str,
    /// Whether an answer by email reaches the team.
    answering: &'a str,
    stop: &'a str,
}

/// The mail without its id and those of earlier ones.
fn mail(planned: &Planned, texts: &BTreeMap<&'static str, &str>, language: &str, links: &Links) -> Result<Mail> {
    let team = planned.account.name.as_str();
    let subject = text::shorten(&texts["mailSubject"].replace("{team}", team), 150);
    let length = if planned.conversation.has_confirmed_email() { QUOTE } else { QUOTE_TO_UNCONFIRMED };
    let question = planned.question.as_ref().map_or_else(String::new, |message| quote(message, length));
    let files = |message: &Message| planned.files.get(&message.position).map_or(&[][..], Vec::as_slice);
    let reply = |message| Reply::new(message, files(message), team);
    let replies: Vec<Reply> = planned.replies.iter().map(reply).collect();
    let mut plain = String::new();
    // Writing to a string cannot fail.
    for Reply { author, body } in &replies {
        let _ = write!(plain, "{author}:\n{body}\n\n");
    }
    let _ = write!(plain, "{}:\n{}\n{}\n", texts["mailAnswer"], links.thread, texts[links.answering()]);
    if !question.is_empty() {
        let quoted: String = question.lines().map(|line| format!("> {line}\n")).collect();
        let _ = write!(plain, "\n{}\n{quoted}", texts["mailWrote"]);
    }
    let _ = write!(plain, "\n-- \n{}: {}\n", texts["mailStop"], links.stop);
    let (link, stop) = (links.thread.as_str(), links.stop.as_str());
    let answering = texts[links.answering()];
    let html =
        Html { subject: &subject, language, texts, replies: &replies, question: &question, link, answering, stop };
    let html = html.render().map_err(|source| Error::internal("template", source))?;
    let for_visitor = ForVisitor {
        sender: team.to_owned(),
        html,
        earlier: Vec::new(),
        stop_url: links.stop.clone(),
        reply_to: links.reply_to.clone(),
    };
    Ok(Mail {
        id: String::new(),
        name: planned.conversation.visitor_name.clone(),
        address: planned.conversation.visitor_email.clone(),
        subject,
        text: plain,
        for_visitor: Some(for_visitor),
    })
}

/// The first characters of a message, with its line breaks.
fn quote(message: &Message, length: usize) -> String {
    let cut: String = message.body.chars().take(length).collect();
    if cut.len() < message.body.len() { format!("{}…", cut.trim_end()) } else { cut }
}
