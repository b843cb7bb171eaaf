//! Looks for answers in a mailbox on another server.

use crate::app::App;
use crate::db::schema::mailboxes;
use crate::db::{Connection, unless_taken};
use crate::error::{Error, Kind, Result};
use crate::jobs::queue::Outcome;
use crate::mail::mailbox::{Mailbox, Reader, STEP};
use crate::upkeep::incoming;
use chrono::{NaiveDateTime, TimeDelta};
use diesel::prelude::*;

/// How long a message is tried again that could not be taken, such as one of too many.
const PATIENCE: TimeDelta = TimeDelta::days(3);
/// Most messages that wait. More make the reading stop until some were taken.
const MOST_WAITING: usize = 1_000;
/// Of them, most that are tried again each time.
const TRIED: usize = 20;

/// How far a mailbox was read.
#[derive(Clone, Debug, Default)]
struct Place {
    /// The number of the last message that was read; 0 at first.
    last: u32,
    /// Earlier messages to try again, and since when.
    waiting: Vec<(u32, NaiveDateTime)>,
}

/// Reads what has arrived since the last time. A crash lets some messages be read twice; each is
/// stored once. A message that cannot be taken now does not keep the others waiting.
///
/// # Errors
/// *Unavailable* when the server of the mailbox fails; the reading goes on where it was.
pub async fn read(app: &App, mailbox: &Mailbox) -> Result<Outcome> {
    let Some(address) = &app.config.mail_reply_to else { return Ok(Outcome::Done) };
    let mut reader = mailbox.read().await?;
    let (name, validity, now) = (mailbox.name(), i64::from(reader.validity), app.clock.now());
    let known = name.clone();
    let mut place = app.db.read(move |conn| self::place(conn, &known, validity)).await?;
    let again: Vec<(u32, NaiveDateTime)> = place.waiting.drain(..place.waiting.len().min(TRIED)).collect();
    for (uid, since) in again {
        if !take(app, &mut reader, uid).await? && since > now - PATIENCE {
            place.waiting.push((uid, since));
        }
        keep(app, &name, validity, &place).await?;
    }
    let heads = if place.waiting.len() < MOST_WAITING { reader.after(place.last).await? } else { Vec::new() };
    let count = heads.len();
    for head in heads {
        // Others may use the mailbox, too.
        let is_answer = address.is_in(&String::from_utf8_lossy(&head.header));
        if is_answer && u64::from(head.size) > incoming::MAX.as_u64() {
            tracing::warn!(size = head.size, "left an email in the mailbox that is too large");
        } else if is_answer && !take(app, &mut reader, head.uid).await? {
            place.waiting.push((head.uid, now));
        }
        place.last = head.uid;
        keep(app, &name, validity, &place).await?;
    }
    reader.close().await;
    Ok(if count < STEP { Outcome::Done } else { Outcome::Later(app.clock.now()) })
}

/// Takes a message, and returns whether that is done: it is stored, belongs nowhere, or never can be
/// taken.
async fn take(app: &App, reader: &mut Reader, uid: u32) -> Result<bool> {
    let Some(raw) = reader.message(uid).await? else { return Ok(true) };
    match incoming::take(app, raw).await {
        Ok(()) => {
            reader.mark(uid).await?;
            Ok(true)
        }
        Err(error) if error.kind == Kind::Invalid => {
            tracing::warn!(cause = error.cause(), "left an email in the mailbox that cannot be stored");
            Ok(true)
        }
        Err(error) => {
            tracing::warn!(cause = error.cause(), "an email from the mailbox waits");
            Ok(false)
        }
    }
}

fn place(conn: &mut Connection, name: &str, validity: i64) -> Result<Place> {
    let row = mailboxes::table.find(name).filter(mailboxes::uid_validity.eq(validity));
    let row: Option<(i64, String)> = row.select((mailboxes::last_uid, mailboxes::waiting)).first(conn).optional()?;
    let Some((last, waiting)) = row else { return Ok(Place::default()) };
    let waiting = serde_json::from_str(&waiting).map_err(|source| Error::internal("the place in a mailbox", source))?;
    Ok(Place { last: last.try_into().unwrap_or_default(), waiting })
}

async fn keep(app: &App, name: &str, validity: i64, place: &Place) -> Result<()> {
    let waiting = serde_json::to_string(&place.waiting).map_err(|source| Error::internal("a place", source))?;
    let (name, last) = (name.to_owned(), i64::from(place.last));
    let write = move |conn: &mut Connection| {
        let place = (
            mailboxes::uid_validity.eq(validity),
            mailboxes::last_uid.eq(last),
            mailboxes::waiting.eq(waiting.as_str()),
        );
        if diesel::update(mailboxes::table.find(&name)).set(place).execute(conn)? == 0 {
            let row = (mailboxes::name.eq(&name), place);
            unless_taken(conn, |conn| diesel::insert_into(mailboxes::table).values(row).execute(conn))?;
        }
        Ok(())
    };
    app.db.write(write).await
}
