//! Places for files and archives, and the memory for decoding pictures.

use crate::error::{Error, Result};
use crate::limits::slots::{Bounds, Holder, Place, Slots};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// How many files are in memory at once, each at most 5 MB.
const FILES: Bounds = Bounds { all: 8, account: 6, user: 4 };
/// The same for files that visitors send. One that is slow takes none of the team's places.
const VISITOR_FILES: Bounds = Bounds { all: 4, account: 3, user: 2 };
/// How many archives are packed at once; each has a thread of its own.
const ARCHIVES: Bounds = Bounds { all: 8, account: 4, user: 2 };
/// How many emails are in memory at once, each with all its files.
const EMAILS: Bounds = Bounds { all: 2, account: 2, user: 2 };
/// Maximum wait for a place.
const PATIENCE: Duration = Duration::from_secs(60);
const BUSY: &str = "Too many files are being uploaded right now. Try again in a moment.";
/// Maximum memory for decoding pictures of all uploads together, in megabytes: a decoded
/// picture is much larger than its file.
const DECODING_MEGABYTES: u32 = 512;
/// Limits what all uploads and archives use together. Cheap to clone.
#[derive(Clone)]
pub struct Uploads {
    /// One for each file, from its first byte until it is stored.
    pub files: Slots,
    pub visitor_files: Slots,
    /// One for each archive that is being sent.
    pub archives: Slots,
    emails: Slots,
    decoding: Arc<Semaphore>,
}

impl Default for Uploads {
    fn default() -> Self {
        Self {
            files: Slots::new(FILES),
            visitor_files: Slots::new(VISITOR_FILES),
            archives: Slots::new(ARCHIVES),
            emails: Slots::new(EMAILS),
            decoding: Arc::new(Semaphore::new(DECODING_MEGABYTES as usize)),
        }
    }
}

impl Uploads {
    /// Waits for a place for one file.
    ///
    /// # Errors
    /// *Unavailable* when none becomes free in time.
    pub async fn file(&self, holder: Holder) -> Result<Place> {
        self.files.take(holder, PATIENCE, BUSY).await
    }

    /// The same for a file of a visitor.
    ///
    /// # Errors
    /// *Unavailable* when none becomes free in time.
    pub async fn visitor_file(&self, holder: Holder) -> Result<Place> {
        self.visitor_files.take(holder, PATIENCE, BUSY).await
    }

    /// Waits for a place for one archive.
    ///
    /// # Errors
    /// *Unavailable* when none becomes free in time.
    pub async fn archive(&self, holder: Holder) -> Result<Place> {
        self.archives
            .take(holder, PATIENCE, "Too many downloads are being packed right now. Try again in a moment.")
            .await
    }

    /// Waits for a place for one email. It is known only later whose it is.
    ///
    /// # Errors
    /// *Unavailable* when none becomes free in time.
    pub async fn email(&self) -> Result<Place> {
        let nobody = Holder { account: 0, user: 0 };
        self.emails.take(nobody, PATIENCE, "Too many emails arrive right now. Send it again in a moment.").await
    }

    /// Waits for a share of the decoding memory.
    pub async fn memory(&self, bytes: u64) -> Result<OwnedSemaphorePermit> {
        let megabytes = u32::try_from(bytes >> 20).unwrap_or(u32::MAX).clamp(1, DECODING_MEGABYTES);
        self.decoding.clone().acquire_many_owned(megabytes).await.map_err(Error::unavailable)
    }
}
