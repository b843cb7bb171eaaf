//! Takes emails that have arrived, whichever way they came.

use crate::app::App;
use crate::conversations::mail_answers;
use crate::conversations::mail_answers::Taken;
use crate::db::Connection;
use crate::error::{Error, Result};
use crate::mail::incoming;
use crate::tickets::source_links;
use bytesize::ByteSize;

/// Largest email that is taken: five files of 5 MB, as mail carries them, and a text.
pub const MAX: ByteSize = ByteSize::mib(40);

/// Takes a raw message. One that belongs nowhere is dropped without an answer, because its sender
/// may be made up.
///
/// # Errors
/// *Too many* and *unavailable* when it is to be handed over again later.
pub async fn take(app: &App, raw: Vec<u8>) -> Result<()> {
    let Some(address) = app.config.mail_reply_to.clone() else { return Err(Error::not_found()) };
    let read = tokio::task::spawn_blocking(move || incoming::read(&raw, &address)).await;
    let Some(mail) = read.map_err(|error| Error::internal("an email could not be read", error))? else {
        tracing::info!("dropped something that is no email");
        return Ok(());
    };
    let (id, now) = (mail.id.clone(), app.clock.now());
    let write = move |conn: &mut Connection| {
        let taken = mail_answers::take(conn, &mail, now)?;
        if let Taken::Stored(posted) = &taken
            && posted.reopened
        {
            source_links::visitor_returned(conn, &posted.conversation, now)?;
        }
        Ok(taken)
    };
    if let Taken::Dropped(reason) = app.db.write(write).await? {
        tracing::info!(reason, id, "dropped an email");
    }
    Ok(())
}
