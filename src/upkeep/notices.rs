//! Mails to the team: new submissions, visitors who are waiting for a reply, assigned
//! tickets. Each user chooses which.

use crate::accounts::user::User;
use crate::app::App;
use crate::conversations::conversation::Conversation;
use crate::db::schema::{conversations, mail_marks, submissions, tickets, users};
use crate::db::{Connection, unless_taken};
use crate::error::{Kind, Result};
use crate::mail::{Mail, Mailer};
use crate::submissions::submission::Submission;
use crate::tickets::ticket::Ticket;
use crate::values::text;
use actix_web::web::Data;
use chrono::{NaiveDateTime, TimeDelta};
use diesel::prelude::*;
use std::fmt::Write;
use std::time::Duration;

const EVERY: Duration = Duration::from_secs(60);
/// How long a visitor waits before the team gets a mail: an agent at the desk replies
/// sooner.
const PATIENCE: TimeDelta = TimeDelta::minutes(5);
/// Rows newer than this are skipped: a row before them may not be committed yet.
const SETTLED: TimeDelta = TimeDelta::seconds(10);
/// How long one instance alone may notify a user.
const CLAIM: TimeDelta = TimeDelta::minutes(2);
/// Entries listed in a mail; the others are only counted.
const TOLD: usize = 10;
/// Entries are counted up to this number.
const COUNTED: i64 = 100;

/// Up to where a user has been notified.
#[derive(AsChangeset, Clone, Debug, Eq, Insertable, PartialEq, Queryable)]
#[diesel(table_name = mail_marks, primary_key(user_id))]
struct Mark {
    user_id: i64,
    submission_seq: i64,
    waiting_since: NaiveDateTime,
    assigned_at: NaiveDateTime,
    busy_until: NaiveDateTime,
}

/// News of one kind that a user has not been notified about.
struct News {
    /// The subject for several entries.
    many: &'static str,
    entries: Vec<Entry>,
    /// The mark after the user has been notified.
    told: Mark,
}

struct Entry {
    what: String,
    more: String,
    path: String,
}

/// Starts the rounds if mail is configured. They run until the program ends.
pub fn start(app: Data<App>) {
    if app.mail.is_none() {
        return;
    }
    actix_web::rt::spawn(async move {
        loop {
            if let Err(error) = round(&app).await {
                tracing::error!(cause = error.cause(), "sending notifications failed; retrying in a minute");
            }
            actix_web::rt::time::sleep(EVERY).await;
        }
    });
}

/// Notifies all users. A mail that could not be sent is sent in a later round. After a
/// crash a mail may be sent twice, but none is lost.
pub async fn round(app: &App) -> Result<()> {
    let Some(mailer) = &app.mail else { return Ok(()) };
    let now = app.clock.now();
    for user in app.db.scan(readers).await? {
        let reader = user.clone();
        if app.db.scan(move |conn| is_up_to_date(conn, &reader, now)).await? {
            continue;
        }
        let id = user.id;
        if let Some(mark) = app.db.write(move |conn| claim(conn, id, now)).await? {
            let mark = tell(app, mailer, &user, mark, now).await?;
            app.db.write(move |conn| keep(conn, &Mark { busy_until: now, ..mark.clone() })).await?;
        }
    }
    Ok(())
}

fn is_up_to_date(conn: &mut Connection, user: &User, now: NaiveDateTime) -> Result<bool> {
    let mark: Option<Mark> = mail_marks::table.find(user.id).first(conn).optional()?;
    let Some(mark) = mark else { return Ok(false) };
    for kind in KINDS {
        if kind(conn, user, &mark, now)?.is_some() {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Sends a mail for each kind of news, and returns the updated mark.
async fn tell(app: &App, mailer: &Mailer, user: &User, mut mark: Mark, now: NaiveDateTime) -> Result<Mark> {
    for kind in KINDS {
        let (reader, from) = (user.clone(), mark.clone());
        let Some(news) = app.db.scan(move |conn| kind(conn, &reader, &from, now)).await? else { continue };
        if news.entries.is_empty() {
            // Nothing but spam.
            mark = news.told;
            continue;
        }
        match mailer.send(&mail(mailer, user, &news)).await {
            Ok(()) => mark = news.told,
            Err(error) if error.kind == Kind::Invalid => {
                // The server would refuse it every time.
                tracing::warn!(
                    cause = error.cause(),
                    user = user.id,
                    "the mail server rejected a mail; it will not be sent"
                );
                mark = news.told;
            }
            Err(error) => {
                tracing::warn!(cause = error.cause(), user = user.id, "a mail was not sent; retrying later")
            }
        }
    }
    Ok(mark)
}

/// Users who want any mail.
fn readers(conn: &mut Connection) -> Result<Vec<User>> {
    let wants = users::mail_submissions.eq(true).or(users::mail_waiting.eq(true)).or(users::mail_assignments.eq(true));
    Ok(users::table.filter(users::disabled_at.is_null()).filter(wants).order(users::id).load(conn)?)
}

/// Claims a user for this round, unless another instance has. New users are only notified
/// about events from now on.
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
    // Another instance may insert the mark at the same time.
    let begin = |conn: &mut Connection| {
        diesel::insert_into(mail_marks::table)
            .values(Mark {
                user_id,
                submission_seq: newest.unwrap_or(0),
                waiting_since: now,
                assigned_at: now,
                busy_until: now,
            })
            .execute(conn)
    };
    unless_taken(conn, begin)?;
    Ok(None)
}

fn keep(conn: &mut Connection, mark: &Mark) -> Result<()> {
    diesel::update(mail_marks::table.find(mark.user_id)).set(mark).execute(conn)?;
    Ok(())
}

type KindOfNews = fn(&mut Connection, &User, &Mark, NaiveDateTime) -> Result<Option<News>>;

/// Each function looks for one kind of news.
const KINDS: [KindOfNews; 3] = [new_submissions, who_waits, new_tickets];

fn new_submissions(conn: &mut Connection, user: &User, mark: &Mark, now: NaiveDateTime) -> Result<Option<News>> {
    if !user.mail_submissions {
        return Ok(None);
    }
    let rows: Vec<Submission> = submissions::table
        .filter(submissions::account_id.eq(user.account_id))
        .filter(submissions::seq.gt(mark.submission_seq))
        .filter(submissions::created_at.le(now - SETTLED))
        .order(submissions::seq)
        .limit(COUNTED)
        .load(conn)?;
    let Some(last) = rows.last() else { return Ok(None) };
    let told = Mark { submission_seq: last.seq, ..mark.clone() };
    let entry = |row: &Submission| Entry {
        what: format!("{} sent a form", row.visitor()),
        more: row.summary(),
        path: format!("/submissions/{}", row.id),
    };
    let entries = rows.iter().filter(|row| !row.spam && row.deleted_at.is_none()).map(entry).collect();
    Ok(Some(News { many: "new submissions", entries, told }))
}

fn who_waits(conn: &mut Connection, user: &User, mark: &Mark, now: NaiveDateTime) -> Result<Option<News>> {
    if !user.mail_waiting {
        return Ok(None);
    }
    let rows: Vec<Conversation> = conversations::table
        .filter(conversations::account_id.eq(user.account_id))
        .filter(conversations::waiting_since.gt(mark.waiting_since))
        .filter(conversations::waiting_since.le(now - PATIENCE))
        .filter(conversations::deleted_at.is_null())
        .order(conversations::waiting_since)
        .limit(COUNTED)
        .load(conn)?;
    let Some(since) = rows.last().and_then(|last| last.waiting_since) else { return Ok(None) };
    let told = Mark { waiting_since: since, ..mark.clone() };
    let entry = |row: &Conversation| Entry {
        what: format!("{} is waiting for a reply", row.visitor()),
        more: row.last_message.clone(),
        path: format!("/conversations/{}", row.id),
    };
    Ok(Some(News { many: "visitors are waiting for a reply", entries: rows.iter().map(entry).collect(), told }))
}

fn new_tickets(conn: &mut Connection, user: &User, mark: &Mark, now: NaiveDateTime) -> Result<Option<News>> {
    if !user.mail_assignments {
        return Ok(None);
    }
    let by_others = tickets::assigned_by_user.is_null().or(tickets::assigned_by_user.ne(user.id));
    let rows: Vec<Ticket> = tickets::table
        .filter(tickets::assignee_id.eq(user.id))
        .filter(tickets::assigned_at.gt(mark.assigned_at))
        .filter(tickets::assigned_at.le(now - SETTLED))
        .filter(by_others)
        .filter(tickets::deleted_at.is_null())
        .order(tickets::assigned_at)
        .limit(COUNTED)
        .load(conn)?;
    let Some(at) = rows.last().and_then(|last| last.assigned_at) else { return Ok(None) };
    let told = Mark { assigned_at: at, ..mark.clone() };
    let entry = |row: &Ticket| Entry {
        what: format!("{} assigned ticket #{} to you", row.assigned_by.as_deref().unwrap_or("Somebody"), row.number),
        more: row.title.clone(),
        path: format!("/tickets/{}", row.number),
    };
    Ok(Some(News { many: "tickets were assigned to you", entries: rows.iter().map(entry).collect(), told }))
}

fn mail(mailer: &Mailer, user: &User, news: &News) -> Mail {
    let subject = match news.entries.as_slice() {
        [one] => text::shorten(&one.what, 150),
        all => format!("{} {}", all.len(), news.many),
    };
    let mut body = String::new();
    for Entry { what, more, path } in news.entries.iter().take(TOLD) {
        // Writing to a string cannot fail.
        let _ = write!(body, "{what}\n{more}\n{}\n\n", mailer.link(path));
    }
    if news.entries.len() > TOLD {
        let _ = write!(body, "… and {} more.\n\n", news.entries.len() - TOLD);
    }
    let _ = write!(body, "-- \nChoose what you get by mail in your profile: {}\n", mailer.link("/profile"));
    Mail { name: user.name.clone(), address: user.email.clone(), subject, text: body }
}
