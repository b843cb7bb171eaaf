//! Writes and sends the mail of a batch of jobs.

use crate::accounts::user;
use crate::accounts::user::User;
use crate::app::App;
use crate::conversations::conversation;
use crate::db::Connection;
use crate::db::schema::users;
use crate::error::Result;
use crate::events::event::Kind as EventKind;
use crate::jobs::job::Job;
use crate::jobs::queue;
use crate::mail::mailer::{Mail, Mailer};
use crate::submissions::submission;
use crate::tickets::{bulk, history, ticket};
use crate::upkeep::notices::{Notice, Topic};
use crate::values::text;
use diesel::prelude::*;
use std::fmt::Write;

/// Entries listed in a mail; the others are only counted.
const TOLD: usize = 10;

struct Entry {
    what: String,
    more: String,
    path: String,
}

/// Sends the mail that a job is for. After a crash it may be sent again, always with the
/// same `Message-ID`.
///
/// # Errors
/// *Invalid* when the mail server will never accept it, *unavailable* when it may later.
pub async fn send(app: &App, mailer: &Mailer, job: &Job) -> Result<()> {
    let (first, now) = (job.clone(), app.clock.now());
    let batch = app.db.write(move |conn| queue::batch(conn, &first, now)).await?;
    let Some((user, topic, entries)) = app.db.scan(move |conn| load(conn, &batch)).await? else { return Ok(()) };
    if entries.is_empty() {
        return Ok(());
    }
    let id = format!("docket-{}-{}", app.installation.id, job.id);
    mailer.send(&mail(mailer, &id, &user, topic, &entries)).await
}

/// `None` if the recipient no longer wants such mails.
fn load(conn: &mut Connection, batch: &[Job]) -> Result<Option<(User, Topic, Vec<Entry>)>> {
    let notices: Vec<Notice> = batch.iter().map(|job| Notice::of(&job.data)).collect::<Result<_>>()?;
    let Some(first) = notices.first() else { return Ok(None) };
    let user: User = users::table.find(first.user).first(conn)?;
    if !first.topic.is_wanted_by(&user) {
        return Ok(None);
    }
    let mut entries = Vec::new();
    for notice in &notices {
        entries.extend(entry(conn, &user, notice)?);
    }
    Ok(Some((user, first.topic, entries)))
}

/// `None` if there is nothing to tell any more.
fn entry(conn: &mut Connection, user: &User, notice: &Notice) -> Result<Option<Entry>> {
    let subject = notice.subject.as_str();
    Ok(match notice.topic {
        Topic::Submission => {
            let row = submission::find(conn, user.account_id, subject)?.filter(|row| !row.spam);
            row.map(|row| Entry {
                what: format!("{} sent a form", row.visitor()),
                more: row.summary(),
                path: format!("/submissions/{subject}"),
            })
        }
        Topic::Waiting => {
            let row = conversation::find(conn, user.account_id, subject)?.filter(|row| row.waiting_since.is_some());
            row.map(|row| Entry {
                what: format!("{} is waiting for a reply", row.visitor()),
                more: row.last_message,
                path: format!("/conversations/{subject}"),
            })
        }
        Topic::Assigned if subject.starts_with("bulk:") => {
            let id = subject.trim_start_matches("bulk:").parse().unwrap_or_default();
            let Some(bulk) = ticket::if_there(bulk::find(conn, user.account_id, id))? else { return Ok(None) };
            let by = user::find(conn, user.account_id, bulk.user_id)?.name;
            let tickets = if bulk.changed == 1 { "1 ticket".into() } else { format!("{} tickets", bulk.changed) };
            Some(Entry {
                what: format!("{by} assigned {tickets} to you"),
                more: "All of them are in your list.".into(),
                path: "/tickets?assignee=me".into(),
            })
        }
        Topic::Assigned => {
            let number = subject.parse().unwrap_or_default();
            let ticket = ticket::if_there(ticket::find(conn, user.account_id, number))?;
            let ticket = ticket.filter(|row| row.assignee_id == Some(user.id));
            let Some(ticket) = ticket else { return Ok(None) };
            let by = history::last_of(conn, ticket.id, EventKind::TicketAssigned)?.map(|event| event.text.actor);
            let by = by.filter(|name| !name.is_empty()).unwrap_or_else(|| "Somebody".into());
            Some(Entry {
                what: format!("{by} assigned ticket #{number} to you"),
                more: ticket.title,
                path: format!("/tickets/{number}"),
            })
        }
    })
}

fn mail(mailer: &Mailer, id: &str, user: &User, topic: Topic, entries: &[Entry]) -> Mail {
    let subject = match entries {
        [one] => text::shorten(&one.what, 150),
        all => format!("{} {}", all.len(), topic.several()),
    };
    let mut body = String::new();
    for Entry { what, more, path } in entries.iter().take(TOLD) {
        // Writing to a string cannot fail.
        let _ = write!(body, "{what}\n{more}\n{}\n\n", mailer.link(path));
    }
    if entries.len() > TOLD {
        let _ = write!(body, "… and {} more.\n\n", entries.len() - TOLD);
    }
    let _ = write!(body, "-- \nChoose what you get by mail in your profile: {}\n", mailer.link("/profile"));
    Mail {
        id: id.to_owned(),
        name: user.name.clone(),
        address: user.email.clone(),
        subject,
        text: body,
        for_visitor: None,
    }
}
