//! Takes emails that have arrived, whichever way they came.

use crate::app::App;
use crate::conversations::mail_answers;
use crate::conversations::mail_answers::{Files, Taken};
use crate::db::Connection;
use crate::error::{Error, Result};
use crate::mail::incoming;
use crate::mail::incoming::Incoming;
use crate::source_files::file::MAX_FILES;
use crate::source_files::keep::keep;
use crate::tickets::source_links;
use crate::validation::rejection;
use crate::validation::rejection::Failure;
use bytesize::ByteSize;
use std::sync::Arc;

/// Largest email that is taken: five files of 5 MB, as mail carries them, and a text.
pub const MAX: ByteSize = ByteSize::mib(40);

/// Takes a raw message. One that belongs nowhere is dropped without an answer, because its sender
/// may be made up.
///
/// # Errors
/// *Too many* and *unavailable* when it is to be handed over again later.
pub async fn take(app: &App, raw: Vec<u8>) -> Result<()> {
    let Some(address) = app.config.mail_reply_to.clone() else { return Err(Error::not_found()) };
    let (tokens, now) = (incoming::tokens(&raw, &address), app.clock.now());
    // Anybody can send anything to this address, so nothing else is read before.
    if !app.db.read(move |conn| mail_answers::is_expected(conn, &tokens, now)).await? {
        tracing::info!("dropped an email without a token that works");
        return Ok(());
    }
    let read = tokio::task::spawn_blocking(move || incoming::read(&raw, &address)).await;
    let Some(mail) = read.map_err(|error| Error::internal("an email could not be read", error))? else {
        tracing::info!("dropped something that is no email");
        return Ok(());
    };
    let id = mail.id.clone();
    let mail = Arc::new(mail);
    let looked = mail.clone();
    let account = app.db.read(move |conn| mail_answers::account_for_files(conn, &looked, now)).await?;
    let files = match account {
        Some(account) => store(app, account, &mail).await?,
        None => Files::default(),
    };
    let write = move |conn: &mut Connection| {
        let taken = mail_answers::take(conn, &mail, &files, now)?;
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

/// Stores the files of an email. One that is refused loses nothing else.
async fn store(app: &App, account: i64, mail: &Incoming) -> Result<Files> {
    let mut files = Files::default();
    for (place, file) in mail.files.iter().enumerate() {
        if place >= MAX_FILES {
            files.refused.push(format!("{}: one email brings at most {MAX_FILES} files.", file.name));
            continue;
        }
        let outcome = keep(app, account, true, &file.name, file.bytes.clone()).await;
        app.count_file("visitor", rejection::verdict(&outcome));
        match outcome {
            Ok(stored) => files.stored.push(stored),
            Err(Failure::Rejected(rejection)) => files.refused.push(format!("{}: {}", file.name, rejection.message)),
            Err(Failure::Failed(error)) => return Err(error),
        }
    }
    Ok(files)
}
