//! `GET /tickets/{number}/attachments.zip`: all files of a ticket, packed while they are
//! sent.

use crate::attachments::attachment;
use crate::attachments::attachment::Attachment;
use crate::error::{Error, Kind, Result};
use crate::events::actor::Actor;
use crate::files::serve::disposition;
use crate::storage::Storage;
use crate::tickets::ticket;
use crate::web::AppData;
use actix_web::http::header::CONTENT_ENCODING;
use actix_web::web::Bytes;
use actix_web::{HttpResponse, web};
use chrono::{Datelike, NaiveDateTime, Timelike};
use futures_util::{StreamExt, stream};
use std::collections::HashSet;
use std::io::{self, BufWriter, Write};
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::time::timeout;
use zip::write::{SimpleFileOptions, StreamWriter};
use zip::{CompressionMethod, ZipWriter};

/// Size of the pieces in which the archive is sent, in bytes, and how many may be queued.
const PIECE: usize = 64 * 1024;
const WAITING: usize = 4;
/// A client that takes no piece for this long is gone.
const STALLED: Duration = Duration::from_secs(20);

type Piece = io::Result<Bytes>;

/// `GET /tickets/{number}/attachments.zip`
///
/// # Errors
/// *Not found* also when the ticket has no files.
pub async fn download(app: AppData, actor: Actor, path: web::Path<i64>) -> Result<HttpResponse> {
    let (number, holder) = (path.into_inner(), actor.holder());
    let files = app.db.read(move |conn| {
        let ticket = ticket::find_anywhere(conn, actor.account_id, number)?;
        attachment::of_ticket(conn, ticket.id)
    });
    let files = files.await?;
    if files.is_empty() {
        return Err(Error::not_found());
    }
    let place = app.uploads.archive(holder).await?;
    let (sender, receiver) = mpsc::channel::<Piece>(WAITING);
    let storage = app.storage.clone();
    tokio::task::spawn_blocking(move || {
        let _place = place;
        let pieces = Pieces { sender, handle: Handle::current() };
        if let Err(error) = pack(&storage, &files, pieces) {
            tracing::warn!(%error, "a ZIP download failed");
        }
    });
    let body = stream::unfold(receiver, |mut receiver| async { receiver.recv().await.map(|piece| (piece, receiver)) });
    Ok(HttpResponse::Ok()
        .content_type("application/zip")
        .insert_header((CONTENT_ENCODING, "identity"))
        .insert_header(disposition(false, &format!("ticket-{number}-files.zip")))
        .streaming(body))
}

/// Writes the archive without compression: most files are compressed already.
fn pack(storage: &Storage, files: &[Attachment], pieces: Pieces) -> io::Result<()> {
    let mut zip = ZipWriter::new_stream(BufWriter::with_capacity(PIECE, pieces.clone()));
    if let Err(error) = write_files(&mut zip, storage, files, &pieces.handle) {
        // Abort the response before the writer is dropped and completes the archive, so that
        // no client takes it for complete.
        let _ = pieces.send(Err(io::Error::other("unfinished")));
        return Err(error);
    }
    zip.finish()?.into_inner().flush()
}

fn write_files(
    zip: &mut ZipWriter<StreamWriter<BufWriter<Pieces>>>,
    storage: &Storage,
    files: &[Attachment],
    handle: &Handle,
) -> io::Result<()> {
    let (mut names, mut missing) = (HashSet::new(), Vec::new());
    for file in files {
        let mut bytes = match handle.block_on(storage.get(&file.key(), None)) {
            Ok(bytes) => bytes,
            Err(error) if error.kind == Kind::NotFound => {
                missing.push(file.filename.as_str());
                continue;
            }
            Err(error) => return Err(io::Error::other(error)),
        };
        zip.start_file(free_name(&mut names, &file.filename), options(file.created_at))?;
        while let Some(piece) = handle.block_on(bytes.next()) {
            zip.write_all(&piece?)?;
        }
    }
    if !missing.is_empty() {
        zip.start_file(free_name(&mut names, "missing files.txt"), SimpleFileOptions::default())?;
        writeln!(zip, "These files are missing from the server's storage:\n{}", missing.join("\n"))?;
    }
    Ok(())
}

fn options(at: NaiveDateTime) -> SimpleFileOptions {
    let number = |value: u32| u8::try_from(value).unwrap_or(0);
    let year = u16::try_from(at.year()).unwrap_or(1980);
    let (day, time) = (at.date(), at.time());
    let modified = zip::DateTime::from_date_and_time(
        year,
        number(day.month()),
        number(day.day()),
        number(time.hour()),
        number(time.minute()),
        number(time.second()),
    );
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    modified.map_or(options, |modified| options.last_modified_time(modified))
}

/// A name that is valid on every system and unique in the archive: `a.png`, then
/// `a (2).png`.
fn free_name(taken: &mut HashSet<String>, name: &str) -> String {
    let name = name.replace(['<', '>', ':', '"', '|', '?', '*'], "_");
    let (stem, extension) = name.rsplit_once('.').unwrap_or((&name, ""));
    let numbered = (2..).map(|count| format!("{stem} ({count}).{extension}"));
    let mut names = std::iter::once(name.clone()).chain(numbered);
    // Some systems ignore the case of file names.
    names.find(|name| taken.insert(name.to_lowercase())).unwrap_or_default()
}

/// Passes the pieces of the archive on to the response.
#[derive(Clone)]
struct Pieces {
    sender: mpsc::Sender<Piece>,
    handle: Handle,
}

impl Pieces {
    fn send(&self, piece: Piece) -> io::Result<()> {
        let gone = || io::Error::new(io::ErrorKind::BrokenPipe, "the client disconnected");
        let sent = self.handle.block_on(async { timeout(STALLED, self.sender.send(piece)).await });
        sent.map_err(|_| gone())?.map_err(|_| gone())
    }
}

impl Write for Pieces {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.send(Ok(Bytes::copy_from_slice(bytes)))?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_name_twice_gets_a_number() {
        let mut taken = HashSet::new();
        let names = ["a.png", "A.png", "a (2).png", "b?"].map(|name| free_name(&mut taken, name));
        assert_eq!(names, ["a.png", "A (2).png", "a (2) (2).png", "b_"]);
    }
}
