//! Reads uploaded files from a request, part by part and within limits.

use crate::attachments::kind::MAX_BYTES;
use crate::attachments::rejection::{Code, Rejection};
use crate::attachments::validation;
use crate::error::{Error, Kind, Result};
use crate::limits::slots::{Holder, Place};
use crate::limits::uploads::Uploads;
use crate::web::multipart::{file_name, multipart_error};
use actix_multipart::{Field, Multipart};
use actix_web::web::Bytes;
use futures_util::TryStreamExt;
use std::time::{Duration, Instant};

/// Maximum number of files in one request.
const MAX_FILES: usize = 20;
/// Up to this number, files beyond the maximum are rejected one by one. After that, the
/// whole request is.
const MAX_PARTS: usize = 100;
/// Maximum size of one request, in bytes.
const MAX_REQUEST: usize = 105 * 1024 * 1024;
/// Bytes counted for each part, so that empty parts aren't free either.
const PART_COST: usize = 200;
/// While all upload slots are taken, a client must send at least this many bytes a second
/// after the first seconds.
const SLOW: u64 = 16 * 1024;
const FIRST_SECONDS: u64 = 20;

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
    holder: Holder,
    files: usize,
    left: usize,
}

impl<'a> Receiver<'a> {
    pub fn new(parts: Multipart, places: &'a Uploads, holder: Holder) -> Self {
        Self { parts, places, holder, files: 0, left: MAX_REQUEST }
    }

    /// The next file, in the order of the request. Other parts are skipped.
    pub async fn next(&mut self) -> Result<Option<Sent>> {
        while let Some(mut part) = self.parts.try_next().await.map_err(|error| multipart_error(&error))? {
            let headers = part.headers().iter().map(|(name, value)| name.as_str().len() + value.len());
            spend(&mut self.left, PART_COST + headers.sum::<usize>())?;
            let name = part.content_disposition().and_then(file_name);
            let Some(filename) = name.filter(|_| part.name() == Some("files")) else {
                while self.chunk(&mut part).await?.is_some() {}
                continue;
            };
            let place = self.places.file(self.holder).await?;
            let (content, place) = self.read(&mut part, place).await?;
            if filename.is_empty() && content.as_ref().is_ok_and(Vec::is_empty) {
                // Browsers send this for an empty file field.
                continue;
            }
            self.files += 1;
            if self.files > MAX_PARTS {
                return Err(Error::new(Kind::TooLarge, format!("Send at most {MAX_FILES} files in one request.")));
            }
            let content = content.and_then(|bytes| if self.files > MAX_FILES { Err(too_many()) } else { Ok(bytes) });
            return Ok(Some(Sent { filename, content, place }));
        }
        Ok(None)
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
            let all_taken = place.is_some() && self.places.files.free() == 0;
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

fn too_many() -> Rejection {
    Rejection::new(Code::TooLarge, format!("Send at most {MAX_FILES} files in one request."))
}

fn is_slow(received: usize, time: Duration) -> bool {
    let seconds = time.as_secs();
    seconds > FIRST_SECONDS && (received as u64) < seconds * SLOW
}

fn spend(left: &mut usize, bytes: usize) -> Result<()> {
    let rest = left.checked_sub(bytes);
    *left = rest.ok_or_else(|| {
        Error::new(Kind::TooLarge, "A request can have at most 105 MB. The files before that limit were saved.")
    })?;
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
