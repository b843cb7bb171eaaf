//! Archives that are packed while they are sent, such as
//! `GET /tickets/{number}/attachments.zip`: all files of a ticket.

use crate::attachments::attachment;
use crate::error::{Error, Kind, Result};
use crate::events::actor::Actor;
use crate::files::serve::disposition;
use crate::limits::slots::Holder;
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
    let pack = move |archive: &mut Archive| {
        files.iter().try_for_each(|file| archive.add(&file.filename, &file.key(), file.created_at))
    };
    respond(&app, holder, &format!("ticket-{number}-files.zip"), pack).await
}

/// Responds with an archive of this name, which `pack` fills on a thread of its own.
///
/// # Errors
/// *Too many* when too many archives are packed already.
pub async fn respond(
    app: &AppData,
    holder: Holder,
    name: &str,
    pack: impl FnOnce(&mut Archive) -> io::Result<()> + Send + 'static,
) -> Result<HttpResponse> {
    let place = app.uploads.archive(holder).await?;
    let (sender, receiver) = mpsc::channel::<Piece>(WAITING);
    let storage = app.storage.clone();
    tokio::task::spawn_blocking(move || {
        let _place = place;
        if let Err(error) = Archive::send(storage, Pieces { sender, handle: Handle::current() }, pack) {
            tracing::warn!(%error, "a ZIP download failed");
        }
    });
    let body = stream::unfold(receiver, |mut receiver| async { receiver.recv().await.map(|piece| (piece, receiver)) });
    Ok(HttpResponse::Ok()
        .content_type("application/zip")
        .insert_header((CONTENT_ENCODING, "identity"))
        .insert_header(disposition(false, name))
        .streaming(body))
}

/// An archive without compression, because most files are compressed already.
pub struct Archive {
    zip: ZipWriter<StreamWriter<BufWriter<Pieces>>>,
    storage: Storage,
    handle: Handle,
    names: HashSet<String>,
    /// The names of files that the storage does not have.
    missing: Vec<String>,
}

impl Archive {
    fn send(storage: Storage, pieces: Pieces, pack: impl FnOnce(&mut Self) -> io::Result<()>) -> io::Result<()> {
        let zip = ZipWriter::new_stream(BufWriter::with_capacity(PIECE, pieces.clone()));
        let handle = pieces.handle.clone();
        let mut archive = Self { zip, storage, handle, names: HashSet::new(), missing: Vec::new() };
        if let Err(error) = pack(&mut archive).and_then(|()| archive.name_missing()) {
            // Abort the response before the writer is dropped and completes the archive, so that
            // no client takes it for complete.
            let _ = pieces.send(Err(io::Error::other("unfinished")));
            return Err(error);
        }
        archive.zip.finish()?.into_inner().flush()
    }

    /// Waits for a result, such as one of the database.
    pub fn wait<T>(&self, result: impl Future<Output = Result<T>>) -> io::Result<T> {
        self.handle.block_on(result).map_err(io::Error::other)
    }

    /// Begins a file, whose content is written next.
    pub fn begin(&mut self, name: &str, at: NaiveDateTime) -> io::Result<()> {
        Ok(self.zip.start_file(free_name(&mut self.names, name), options(at))?)
    }

    /// Adds a file of the storage. The name may have folders.
    pub fn add(&mut self, name: &str, key: &str, at: NaiveDateTime) -> io::Result<()> {
        let mut bytes = match self.handle.block_on(self.storage.get(key, None)) {
            Ok(bytes) => bytes,
            Err(error) if error.kind == Kind::NotFound => {
                self.missing.push(name.to_owned());
                return Ok(());
            }
            Err(error) => return Err(io::Error::other(error)),
        };
        self.begin(name, at)?;
        while let Some(piece) = self.handle.block_on(bytes.next()) {
            self.zip.write_all(&piece?)?;
        }
        Ok(())
    }

    fn name_missing(&mut self) -> io::Result<()> {
        if self.missing.is_empty() {
            return Ok(());
        }
        self.zip.start_file(free_name(&mut self.names, "missing files.txt"), SimpleFileOptions::default())?;
        writeln!(self.zip, "These files are missing from the server's storage:\n{}", self.missing.join("\n"))
    }
}

impl Write for Archive {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.zip.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.zip.flush()
    }
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
