//! Looks for answers in a mailbox on another server.

use crate::app::App;
use crate::db::schema::mailboxes;
use crate::db::{Connection, unless_taken};
use crate::error::Result;
use crate::jobs::queue::Outcome;
use crate::mail::mailbox::{Mailbox, STEP};
use crate::upkeep::incoming;
use diesel::prelude::*;

/// Reads what has arrived since the last time. A crash lets some messages be read twice; each is
/// stored once.
///
/// # Errors
/// *Unavailable* when the server of the mailbox fails; the reading goes on where it was.
pub async fn read(app: &App, mailbox: &Mailbox) -> Result<Outcome> {
    let Some(address) = &app.config.mail_reply_to else { return Ok(Outcome::Done) };
    let mut reader = mailbox.read().await?;
    let (name, validity) = (mailbox.name(), i64::from(reader.validity));
    let known = name.clone();
    let read = app.db.read(move |conn| place(conn, &known, validity)).await?;
    let heads = reader.after(read).await?;
    let count = heads.len();
    for head in heads {
        // Others may use the mailbox, too.
        let is_answer = address.is_in(&String::from_utf8_lossy(&head.header));
        if is_answer && u64::from(head.size) > incoming::MAX.as_u64() {
            tracing::warn!(size = head.size, "left an email in the mailbox that is too large");
        } else if is_answer && let Some(raw) = reader.message(head.uid).await? {
            incoming::take(app, raw).await?;
            reader.mark(head.uid).await?;
        }
        let (name, uid) = (name.clone(), i64::from(head.uid));
        app.db.write(move |conn| go_on(conn, &name, validity, uid)).await?;
    }
    reader.close().await;
    Ok(if count < STEP { Outcome::Done } else { Outcome::Later(app.clock.now()) })
}

/// The number of the last message that was read; 0 at first.
fn place(conn: &mut Connection, name: &str, validity: i64) -> Result<u32> {
    let row = mailboxes::table.find(name).filter(mailboxes::uid_validity.eq(validity));
    let uid: Option<i64> = row.select(mailboxes::last_uid).first(conn).optional()?;
    Ok(uid.and_then(|uid| uid.try_into().ok()).unwrap_or_default())
}

fn go_on(conn: &mut Connection, name: &str, validity: i64, uid: i64) -> Result<()> {
    let place = (mailboxes::uid_validity.eq(validity), mailboxes::last_uid.eq(uid));
    if diesel::update(mailboxes::table.find(name)).set(place).execute(conn)? == 0 {
        let row = (mailboxes::name.eq(name), place);
        unless_taken(conn, |conn| diesel::insert_into(mailboxes::table).values(row).execute(conn))?;
    }
    Ok(())
}
