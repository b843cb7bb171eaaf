//! Reads the events on, and adds a job for every mail that they call for.

use crate::accounts::user::User;
use crate::conversations::conversation;
use crate::db::schema::users;
use crate::db::{Connection, number_events};
use crate::error::Result;
use crate::events::event::{Event, Kind};
use crate::events::{cursor, feed};
use crate::jobs::job::{Kind as JobKind, NewJob};
use crate::jobs::queue;
use crate::upkeep::notices::{Notice, Topic};
use crate::upkeep::replies;
use chrono::{DurationRound, NaiveDateTime, TimeDelta};
use diesel::prelude::*;

/// The name of this reader.
const READER: &str = "mail";
/// Events of one step.
const STEP: i64 = 500;
/// How long a visitor waits before the team gets a mail: an agent at the desk replies
/// sooner.
const PATIENCE: TimeDelta = TimeDelta::minutes(5);
/// Older events are history, such as an imported conversation.
const NEWS: TimeDelta = TimeDelta::days(1);

/// Reads one step on. Returns whether there may be more. The first time, it only notes where
/// to begin: what happened before mail was set up is no news.
pub fn read_on(conn: &mut Connection, now: NaiveDateTime) -> Result<bool> {
    let Some(seq) = cursor::lock(conn, READER)? else {
        let newest = feed::newest(conn)?;
        cursor::begin(conn, READER, newest)?;
        return Ok(true);
    };
    let events = feed::numbered_after(conn, seq, STEP)?;
    let Some(last) = events.last().and_then(|event| event.seq) else { return Ok(false) };
    let jobs = plan(conn, &events, now)?;
    queue::add(conn, &jobs, now)?;
    cursor::advance(conn, READER, last)?;
    Ok(true)
}

/// Whether events are left to read.
pub fn is_behind(conn: &mut Connection) -> Result<bool> {
    number_events(conn)?;
    let Some(seq) = cursor::position(conn, READER)? else { return Ok(true) };
    Ok(!feed::numbered_after(conn, seq, 1)?.is_empty())
}

fn plan(conn: &mut Connection, events: &[Event], now: NaiveDateTime) -> Result<Vec<NewJob>> {
    let mut accounts: Vec<i64> = events.iter().map(|event| event.account_id).collect();
    accounts.dedup();
    let team: Vec<User> = users::table
        .filter(users::account_id.eq_any(accounts))
        .filter(users::disabled_at.is_null())
        .order(users::id)
        .load(conn)?;
    let mut jobs = Vec::new();
    for event in events.iter().filter(|event| event.at > now - NEWS) {
        jobs.extend(replies::job(conn, event)?);
        let Some(news) = news(conn, event)? else { continue };
        let wants = |user: &&User| {
            user.account_id == event.account_id
                && news.topic.is_wanted_by(user)
                && news.only.is_none_or(|only| only == user.id)
        };
        for user in team.iter().filter(wants) {
            jobs.push(job(user, event, &news)?);
        }
    }
    Ok(jobs)
}

struct News {
    topic: Topic,
    /// Tells this news from others of the same topic and subject.
    mark: i64,
    due_at: NaiveDateTime,
    /// The only recipient.
    only: Option<i64>,
}

fn news(conn: &mut Connection, event: &Event) -> Result<Option<News>> {
    let news = |topic, mark, due_at| News { topic, mark, due_at, only: None };
    let data = &event.data;
    Ok(match event.kind {
        Kind::SubmissionCreated if data.0["spam"] == false => Some(news(Topic::Submission, 0, event.at)),
        Kind::ConversationMessageAdded | Kind::ConversationReopened => {
            let row = conversation::find(conn, event.account_id, &event.subject)?;
            let since = row.and_then(|row| row.waiting_since);
            since.map(|since| news(Topic::Waiting, since.and_utc().timestamp_micros(), since + PATIENCE))
        }
        // A bulk action tells of all its tickets at once.
        Kind::TicketAssigned if data.number("undoes").is_none() && data.number("bulk").is_none() => {
            let to = data.number("to").filter(|to| Some(*to) != event.user_id());
            to.map(|to| News { only: Some(to), ..news(Topic::Assigned, event.id, event.at) })
        }
        _ => None,
    })
}

fn job(user: &User, event: &Event, news: &News) -> Result<NewJob> {
    let topic = news.topic;
    let notice = Notice { user: user.id, topic, subject: event.subject.clone() };
    Ok(NewJob {
        account_id: Some(user.account_id),
        kind: JobKind::Mail,
        key: format!("{}:{}:{}:{}", topic.as_str(), event.subject, news.mark, user.id),
        group_key: format!("{}:{}", topic.as_str(), user.id),
        data: notice.to_json()?,
        due_at: next_minute(news.due_at),
    })
}

/// What becomes due in the same minute is one mail.
fn next_minute(at: NaiveDateTime) -> NaiveDateTime {
    at.duration_trunc(TimeDelta::minutes(1)).map_or(at, |minute| minute + TimeDelta::minutes(1))
}
