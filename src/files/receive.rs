//! Reads uploaded files and other fields from a request, part by part and within limits.

use crate::error::{Error, Kind, Result};
use crate::limits::slots::{Holder, Place};
use crate::limits::uploads::Uploads;
use crate::validation;
use crate::validation::kind::MAX_BYTES;
use crate::validation::rejection::{Code, Rejection};
use crate::web::multipart::{file_name, multipart_error};
use actix_multipart::{Field, Multipart};
use actix_web::web::Bytes;
use futures_util::TryStreamExt;
use std::time::{Duration, Instant};

/// Up to this number, files beyond the maximum are rejected one by one. After that, the
/// whole request is.
const MAX_PARTS: usize = 100;
/// Bytes counted for each part, so that empty parts aren't free either.
const PART_COST: usize = 200;
/// While all upload slots are taken, a client must send at least this many bytes a second
/// after the first seconds.
const SLOW: u64 = 16 * 1024;
const FIRST_SECONDS: u64 = 20;

/// What a request may contain, and who sends it.
pub struct Rules {
    /// The name of the fields with files; files in other fields are skipped. `None` for all.
    pub only: Option<&'static str>,
    pub max_files: usize,
    /// Most text in all other fields, in bytes.
    pub max_text: usize,
    /// Most bytes in all.
    pub max_request: usize,
    pub sender: Sender,
}

#[derive(Clone, Copy, Debug)]
pub enum Sender {
    /// A user or an API key.
    Team(Holder),
    /// A visitor of an account, from a network. Visitors have places of their own, and if none
    /// becomes free, only their files are rejected.
    Visitor(Holder),
}

/// One part of a request.
pub enum Part {
    /// A field without a file, with the bytes as sent.
    Field(String, Vec<u8>),
    /// A field with a file.
    File(String, Sent),
}

/// One uploaded file.
pub struct Sent {
    pub filename: String,
    /// Its bytes, or why it was rejected.
    pub content: Result<Vec<u8>, Rejection>,
    /// Its slot among the files that may be in memory. Dropping it frees the slot.
    pub place: Option<Place>,
}

/// Reads the files of one request.
pub struct Receiver<'a> {
    parts: Multipart,
    places: &'a Uploads,
    rules: Rules,
    files: usize,
    left: usize,
    text_left: usize,
}

impl<'a> Receiver<'a> {
    pub fn new(parts: Multipart, places: &'a Uploads, rules: Rules) -> Self {
        let (left, text_left) = (rules.max_request, rules.max_text);
        Self { parts, places, rules, files: 0, left, text_left }
    }

    /// The next part, in the order of the request.
    pub async fn next(&mut self) -> Result<Option<Part>> {
        while let Some(mut part) = self.parts.try_next().await.map_err(|error| multipart_error(&error))? {
            let headers = part.headers().iter().map(|(name, value)| name.as_str().len() + value.len());
            spend(&mut self.left, PART_COST + headers.sum::<usize>())?;
            let field = part.name().unwrap_or_default().to_owned();
            let Some(filename) = part.content_disposition().and_then(file_name) else {
                let value = self.text(&mut part).await?;
                return Ok(Some(Part::Field(field, value)));
            };
            if self.rules.only.is_some_and(|only| only != field) {
                while self.chunk(&mut part).await?.is_some() {}
                continue;
            }
            if filename.is_empty() {
                // Browsers send this for an empty file field. It takes no place.
                let mut is_empty = true;
                while let Some(chunk) = self.chunk(&mut part).await? {
                    is_empty &= chunk.is_empty();
                }
                if is_empty {
                    return Ok(Some(Part::Field(field, Vec::new())));
                }
                self.files += 1;
                // Its name is refused, whatever it holds.
                return Ok(Some(Part::File(field, Sent { filename, content: Ok(Vec::new()), place: None })));
            }
            let (content, place) = match self.place().await {
                Ok(place) => self.read(&mut part, place).await?,
                Err(busy) if matches!(self.rules.sender, Sender::Visitor(_)) => {
                    while self.chunk(&mut part).await?.is_some() {}
                    (Err(Rejection::new(Code::NoRoom, busy.message())), None)
                }
                Err(busy) => return Err(busy),
            };
            self.files += 1;
            let max = self.rules.max_files;
            if self.files > MAX_PARTS {
                return Err(Error::new(Kind::TooLarge, format!("Send at most {max} files in one request.")));
            }
            let content = content.and_then(|bytes| if self.files > max { Err(too_many(max)) } else { Ok(bytes) });
            return Ok(Some(Part::File(field, Sent { filename, content, place })));
        }
        Ok(None)
    }

    async fn place(&self) -> Result<Place> {
        match self.rules.sender {
            Sender::Team(holder) => self.places.file(holder).await,
            Sender::Visitor(holder) => self.places.visitor_file(holder).await,
        }
    }

    async fn text(&mut self, part: &mut Field) -> Result<Vec<u8>> {
        let mut value = Vec::new();
        while let Some(chunk) = self.chunk(part).await? {
            let left = self.text_left.checked_sub(chunk.len());
            self.text_left = left.ok_or_else(|| Error::new(Kind::TooLarge, "The form has too much text."))?;
            value.extend_from_slice(&chunk);
        }
        Ok(value)
    }

    /// Reads one file. A file that is too large is read to its end, too, so that the client
    /// gets a response and not a broken connection.
    async fn read(&mut self, part: &mut Field, place: Place) -> Result<(Result<Vec<u8>, Rejection>, Option<Place>)> {
        let (begun, mut received, mut place) = (Instant::now(), 0, Some(place));
        // Reserve the maximum at once: growing would copy and need twice as much memory.
        let mut bytes = Vec::with_capacity(MAX_BYTES);
        while let Some(chunk) = self.chunk(part).await? {
            received += chunk.len();
            if received > MAX_BYTES {
                (bytes, place) = (Vec::new(), None);
            } else {
                bytes.extend_from_slice(&chunk);
            }
            let slots = match self.rules.sender {
                Sender::Team(_) => &self.places.files,
                Sender::Visitor(_) => &self.places.visitor_files,
            };
            let all_taken = place.is_some() && slots.free() == 0;
            if all_taken && is_slow(received, begun.elapsed()) {
                let message = "The upload came too slowly while all places were taken. Please try again.";
                return Err(Error::new(Kind::Unreadable, message));
            }
        }
        Ok((if received > MAX_BYTES { Err(validation::too_large()) } else { Ok(bytes) }, place))
    }

    async fn chunk(&mut self, part: &mut Field) -> Result<Option<Bytes>> {
        let chunk = part.try_next().await.map_err(|error| multipart_error(&error))?;
        spend(&mut self.left, chunk.as_ref().map_or(0, Bytes::len))?;
        Ok(chunk)
    }
}

fn too_many(max: usize) -> Rejection {
    Rejection::new(Code::TooLarge, format!("Send at most {max} files in one request."))
}

fn is_slow(received: usize, time: Duration) -> bool {
    let seconds = time.as_secs();
    seconds > FIRST_SECONDS && (received as u64) < seconds * SLOW
}

fn spend(left: &mut usize, bytes: usize) -> Result<()> {
    let rest = left.checked_sub(bytes);
    *left =
        rest.ok_or_else(|| Error::new(Kind::TooLarge, "That’s too large for one request. Send fewer files at once."))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_long_and_slow_upload_is_slow() {
        let seconds = Duration::from_secs;
        assert!(!is_slow(0, seconds(20)), "everybody may begin slowly");
        assert!(is_slow(100 * 1024, seconds(30)));
        assert!(!is_slow(500 * 1024, seconds(30)));
    }
}
