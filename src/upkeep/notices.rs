//! Mails that tell the team what waits for them: new submissions, visitors who
//! wait for an answer, tickets that they were given. Each chooses for themselves.

use crate::app::App;
use crate::conversations::model::Conversation;
use crate::db::Connection;
use crate::db::schema::{conversations, mail_marks, submissions, tickets, users};
use crate::error::{Kind, Result};
use crate::mail::{Mail, Mailer};
use crate::people::model::User;
use crate::submissions::model::Submission;
use crate::web::text;
use actix_web::web::Data;
use chrono::{NaiveDateTime, TimeDelta};
use diesel::prelude::*;
use std::fmt::Write;
use std::time::Duration;

const EVERY: Duration = Duration::from_secs(60);
/// A visitor waits this long before it is worth a mail: who is at the desk has
/// answered by then.
const PATIENCE: TimeDelta = TimeDelta::minutes(5);
/// For this long one instance alone writes to a user.
const CLAIM: TimeDelta = TimeDelta::minutes(2);
/// So many are told one by one; of the rest, the number.
const TOLD: usize = 10;
/// Beyond this nobody counts.
const COUNTED: i64 = 100;

/// Up to where a user has been told.
#[derive(Clone, Debug, PartialEq, Eq, Queryable)]
struct Mark {
    user_id: i64,
    submission_seq: i64,
    waiting_since: NaiveDateTime,
    assigned_at: NaiveDateTime,
    busy_until: NaiveDateTime,
}

/// What a user has not been told of.
struct News {
    submissions: Vec<Submission>,
    waiting: Vec<Conversation>,
    /// Number, title and who gave it.
    assigned: Vec<(i64, String, Option<String>)>,
}

impl News {
    fn is_empty(&self) -> bool {
        self.submissions.is_empty() && self.waiting.is_empty() && self.assigned.is_empty()
    }
}

/// Begins its rounds, if mails can be sent; they end with the program.
pub fn start(app: Data<App>) {
    if app.mail.is_none() {
        return;
    }
    actix_web::rt::spawn(async move {
        loop {
            if let Err(error) = round(&app).await {
                tracing::error!(%error, "the team was not told by mail; it is tried again in a minute");
            }
            actix_web::rt::time::sleep(EVERY).await;
        }
    });
}

/// Tells everybody what is new. A mail that could not be sent is sent in a later
/// round; one that was sent just before a crash may come twice, but never not.
///
/// # Errors
/// When the database fails.
pub async fn round(app: &App) -> Result<()> {
    let Some(mailer) = &app.mail else { return Ok(()) };
    for user in app.db.read(readers).await? {
        let now = app.clock.now();
        let id = user.id;
        let Some(mark) = app.db.write(move |conn| claim(conn, id, now)).await? else { continue };
        let (reader, from) = (user.clone(), mark.clone());
        let (news, mut told) = app.db.read(move |conn| news(conn, &reader, &from, now)).await?;
        told.busy_until = now;
        if !news.is_empty() {
            for mail in mails(mailer, &user, &news) {
                match mailer.send(&mail).await {
                    Ok(()) => {}
                    // It would be refused for ever.
                    Err(error) if error.kind == Kind::Invalid => {
                        tracing::warn!(%error, user = id, "a mail was given up")
                    }
                    Err(error) => {
                        tracing::warn!(%error, user = id, "a mail was not sent; it is tried again");
                        told = Mark { busy_until: now, ..mark.clone() };
                        break;
                    }
                }
            }
        }
        app.db.write(move |conn| keep(conn, &told)).await?;
    }
    Ok(())
}

/// Those who want any mail at all.
fn readers(conn: &mut Connection) -> Result<Vec<User>> {
    let wants = users::mail_submissions.eq(true).or(users::mail_waiting.eq(true)).or(users::mail_assignments.eq(true));
    Ok(users::table.filter(users::disabled_at.is_null()).filter(wants).order(users::id).load(conn)?)
}

/// Takes a user for this round, unless another instance has. Who is new here is
/// told of what comes from now on.
fn claim(conn: &mut Connection, user_id: i64, now: NaiveDateTime) -> Result<Option<Mark>> {
    let free = mail_marks::table.find(user_id).filter(mail_marks::busy_until.le(now));
    let claimed: Option<Mark> = diesel::update(free)
        .set(mail_marks::busy_until.eq(now + CLAIM))
        .returning(mail_marks::all_columns)
        .get_result(conn)
        .optional()?;
    let known: Option<i64> = mail_marks::table.find(user_id).select(mail_marks::user_id).first(conn).optional()?;
    if claimed.is_some() || known.is_some() {
        return Ok(claimed);
    }
    let newest: Option<i64> = submissions::table.select(diesel::dsl::max(submissions::seq)).first(conn)?;
    diesel::insert_into(mail_marks::table)
        .values((
            mail_marks::user_id.eq(user_id),
            mail_marks::submission_seq.eq(newest.unwrap_or(0)),
            mail_marks::waiting_since.eq(now),
            mail_marks::assigned_at.eq(now),
            mail_marks::busy_until.eq(now),
        ))
        .execute(conn)?;
    Ok(None)
}

fn keep(conn: &mut Connection, mark: &Mark) -> Result<()> {
    diesel::update(mail_marks::table.find(mark.user_id))
        .set((
            mail_marks::submission_seq.eq(mark.submission_seq),
            mail_marks::waiting_since.eq(mark.waiting_since),
            mail_marks::assigned_at.eq(mark.assigned_at),
            mail_marks::busy_until.eq(mark.busy_until),
        ))
        .execute(conn)?;
    Ok(())
}

/// What is new since a mark, and the mark after it.
fn news(conn: &mut Connection, user: &User, mark: &Mark, now: NaiveDateTime) -> Result<(News, Mark)> {
    let mut next = mark.clone();
    let mut found = News { submissions: Vec::new(), waiting: Vec::new(), assigned: Vec::new() };
    if user.mail_submissions {
        found.submissions = submissions::table
            .filter(submissions::account_id.eq(user.account_id))
            .filter(submissions::seq.gt(mark.submission_seq))
            .filter(submissions::spam.eq(false))
            .filter(submissions::deleted_at.is_null())
            .order(submissions::seq)
            .limit(COUNTED)
            .load(conn)?;
    }
    next.submission_seq = found.submissions.last().map_or(mark.submission_seq, |last| last.seq);
    if user.mail_waiting {
        found.waiting = conversations::table
            .filter(conversations::account_id.eq(user.account_id))
            .filter(conversations::waiting_since.gt(mark.waiting_since))
            .filter(conversations::waiting_since.le(now - PATIENCE))
            .filter(conversations::deleted_at.is_null())
            .order(conversations::waiting_since)
            .limit(COUNTED)
            .load(conn)?;
    }
    next.waiting_since = found.waiting.last().and_then(|last| last.waiting_since).unwrap_or(mark.waiting_since);
    if user.mail_assignments {
        let assigned: Vec<(i64, String, Option<String>, Option<NaiveDateTime>)> = tickets::table
            .filter(tickets::account_id.eq(user.account_id))
            .filter(tickets::assignee_id.eq(user.id))
            .filter(tickets::assigned_at.gt(mark.assigned_at))
            .filter(tickets::assigned_by.ne(&user.name))
            .filter(tickets::deleted_at.is_null())
            .order(tickets::assigned_at)
            .limit(COUNTED)
            .select((tickets::number, tickets::title, tickets::assigned_by, tickets::assigned_at))
            .load(conn)?;
        next.assigned_at = assigned.last().and_then(|last| last.3).unwrap_or(mark.assigned_at);
        found.assigned = assigned.into_iter().map(|(number, title, by, _)| (number, title, by)).collect();
    }
    Ok((found, next))
}

/// One mail for each kind of news.
fn mails(mailer: &Mailer, user: &User, news: &News) -> Vec<Mail> {
    let submission = |one: &Submission| {
        (format!("{} sent a form", one.visitor()), one.summary(), format!("/submissions/{}", one.id))
    };
    let waiting = |one: &Conversation| {
        (
            format!("{} waits for an answer", one.visitor()),
            one.last_message.clone(),
            format!("/conversations/{}", one.id),
        )
    };
    let assigned = |(number, title, by): &(i64, String, Option<String>)| {
        let by = by.as_deref().unwrap_or("Somebody");
        (format!("{by} gave you ticket #{number}"), title.clone(), format!("/tickets/{number}"))
    };
    let groups: [(&str, Vec<(String, String, String)>); 3] = [
        ("new submissions", news.submissions.iter().map(submission).collect()),
        ("visitors wait for an answer", news.waiting.iter().map(waiting).collect()),
        ("tickets were given to you", news.assigned.iter().map(assigned).collect()),
    ];
    let groups = groups.into_iter().filter(|(_, entries)| !entries.is_empty());
    groups.map(|(many, entries)| mail(mailer, user, many, &entries)).collect()
}

fn mail(mailer: &Mailer, user: &User, many: &str, entries: &[(String, String, String)]) -> Mail {
    let subject = match entries {
        [(what, ..)] => text::shorten(what, 150),
        all => format!("{} {many}", all.len()),
    };
    let mut body = String::new();
    for (what, more, path) in entries.iter().take(TOLD) {
        // Writing to a string cannot fail.
        let _ = write!(body, "{what}\n{more}\n{}\n\n", mailer.link(path));
    }
    if entries.len() > TOLD {
        let _ = write!(body, "… and {} more.\n\n", entries.len() - TOLD);
    }
    let _ = write!(body, "-- \nWhat you get by mail you choose in your profile: {}\n", mailer.link("/profile"));
    Mail { name: user.name.clone(), address: user.email.clone(), subject, text: body }
}
