//! Where the bytes of files live: a folder, an S3 bucket, or memory for tests.
//!
//! Keys are never URLs: a file is reached only through its row.

use crate::config;
use crate::error::{Error, Kind, Result};
use crate::private;
use crate::values::token;
use bytes::Bytes;
use chrono::NaiveDateTime;
use futures_util::stream::BoxStream;
use futures_util::{StreamExt, TryStreamExt};
use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey};
use object_store::local::LocalFileSystem;
use object_store::memory::InMemory;
use object_store::path::Path as Key;
use object_store::prefix::PrefixStore;
use object_store::{
    ClientConfigKey, GetOptions, GetRange, ObjectStore, ObjectStoreExt, PutMode, PutOptions, PutPayload, RetryConfig,
};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime};
use tokio::time::{sleep, timeout};
use url::Url;

/// The folders of files and thumbnails.
pub const PLACES: [&str; 3] = ["tickets", "sources", "thumbnails"];
/// How long an S3 server may take to connect.
const CONNECTS: Duration = Duration::from_secs(3);
/// How long an S3 server may stay silent: until it answers, and between two pieces of an object.
const ANSWERS: Duration = Duration::from_secs(15);
/// How long requests that have failed are repeated.
const REPEATS: Duration = Duration::from_secs(20);
/// How often a request is repeated.
const REPETITIONS: usize = 4;
/// The wait before a put is repeated. It doubles each time.
const FIRST_WAIT: Duration = Duration::from_millis(200);
/// How long any request may take, with all repetitions: less than proxies wait for an answer.
const LIMIT: Duration = Duration::from_secs(40);
/// How long an object may take to be sent to somebody with a slow connection.
const SLOWEST: Duration = Duration::from_secs(60 * 60);

impl From<object_store::Error> for Error {
    fn from(error: object_store::Error) -> Self {
        match error {
            object_store::Error::NotFound { .. } => Self::not_found(),
            other => match Self::from_storage_text(&other.to_string()) {
                full if full.kind == Kind::Full => full,
                _ => Self::unavailable(other),
            },
        }
    }
}

/// The bytes of an object, piece by piece.
pub type Pieces = BoxStream<'static, object_store::Result<Bytes>>;

/// The result of a put.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Put {
    /// The bytes are durable under the key.
    Stored,
    /// The key is taken; its object stays.
    Taken,
}

/// The store that `STORAGE_URL` names. Cheap to clone.
#[derive(Clone)]
pub struct Storage {
    store: Arc<dyn ObjectStore>,
    folder: Option<PathBuf>,
    marker: Arc<OnceLock<PathBuf>>,
    /// Whether the store has no conditional writes. A put then checks the key first, and
    /// the database keeps keys unique.
    looks_first: Arc<AtomicBool>,
}

/// Settings of AWS's tools that may come from files.
const SECRETS: [(&str, AmazonS3ConfigKey); 3] = [
    ("AWS_ACCESS_KEY_ID", AmazonS3ConfigKey::AccessKeyId),
    ("AWS_SECRET_ACCESS_KEY", AmazonS3ConfigKey::SecretAccessKey),
    ("AWS_SESSION_TOKEN", AmazonS3ConfigKey::Token),
];

/// Whether a URL is the address of a server, without credentials or fragment.
fn is_plain(url: &Url) -> bool {
    let has_more = !url.username().is_empty() || url.password().is_some() || url.fragment().is_some();
    matches!(url.scheme(), "http" | "https") && url.has_host() && !has_more
}

impl Storage {
    /// Opens `file:PATH`, `s3://bucket/prefix` or `memory:`. A folder is probed with a
    /// write.
    pub async fn open(url: &str) -> Result<Self, String> {
        if url == "memory:" {
            return Ok(Self::over(Arc::new(InMemory::new())));
        }
        if let Some(path) = url.strip_prefix("file:") {
            return Self::open_folder(Path::new(path), &PLACES);
        }
        if let Some(place) = url.strip_prefix("s3://") {
            return Self::open_bucket(place).map_err(|error| format!("STORAGE_URL cannot be used: {error}"));
        }
        // The URL is not repeated here, because it may contain keys.
        Err("STORAGE_URL is none of file:PATH, s3://bucket/prefix and memory:".into())
    }

    /// Opens a place for backups: a folder, or `s3://bucket/prefix`.
    pub async fn open_for_backups(place: &str) -> Result<Self, String> {
        match place.strip_prefix("s3://") {
            Some(place) => Self::open_bucket(place),
            None => Self::open_folder(Path::new(place.strip_prefix("file:").unwrap_or(place)), &[]),
        }
    }

    /// Opens a folder whose files lie below some of its own, its `places`.
    fn open_folder(path: &Path, places: &[&str]) -> Result<Self, String> {
        private::own_dir(path)?;
        let fail = |error: &dyn std::fmt::Display| format!("the folder {} cannot be used: {error}", path.display());
        let folder = path.canonicalize().map_err(|error| fail(&error))?;
        probe(&folder, places)?;
        let store = LocalFileSystem::new_with_prefix(&folder).map_err(|error| fail(&error))?;
        Ok(Self { folder: Some(folder), ..Self::over(Arc::new(store.with_fsync(true))) })
    }

    fn over(store: Arc<dyn ObjectStore>) -> Self {
        Self { store, folder: None, marker: Arc::default(), looks_first: Arc::default() }
    }

    fn open_bucket(place: &str) -> Result<Self, String> {
        let (bucket, prefix) = place.split_once('/').unwrap_or((place, ""));
        if bucket.contains(['@', ':']) {
            return Err("a bucket is s3://bucket/prefix; keys are AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY".into());
        }
        choose_tls();
        let mut builder = AmazonS3Builder::from_env().with_bucket_name(bucket);
        for (name, key) in SECRETS {
            if let Some(value) = config::from_file(name)? {
                builder = builder.with_config(key, value);
            }
        }
        // Other S3 servers use the same variable as AWS's own tools.
        if let Ok(endpoint) = std::env::var("AWS_ENDPOINT_URL") {
            if !Url::parse(&endpoint).is_ok_and(|url| is_plain(&url)) {
                return Err("AWS_ENDPOINT_URL is http://HOST:PORT or https://HOST, without keys".into());
            }
            builder = builder.with_allow_http(endpoint.starts_with("http://")).with_endpoint(endpoint);
        }
        // Many stores lack bulk deletion, and we never delete many objects at once.
        let retry = RetryConfig { max_retries: REPETITIONS, retry_timeout: REPEATS, ..RetryConfig::default() };
        for (key, time) in [
            (ClientConfigKey::ConnectTimeout, CONNECTS),
            (ClientConfigKey::ReadTimeout, ANSWERS),
            (ClientConfigKey::Timeout, SLOWEST),
        ] {
            builder = builder.with_config(AmazonS3ConfigKey::Client(key), format!("{}s", time.as_secs()));
        }
        let store = builder.with_retry(retry).with_disable_bulk_delete(true).build();
        let store = store.map_err(|error| error.to_string())?;
        Ok(Self::over(Arc::new(PrefixStore::new(store, prefix))))
    }

    /// Detects whether a bucket lacks conditional writes, and logs that once. A store
    /// that does not respond now is checked when it is needed.
    pub async fn learn(&self) {
        if self.folder.is_some() || self.looks_first.load(Ordering::Relaxed) {
            return;
        }
        let Ok(name) = token::id() else { return };
        let key = Key::from(format!("probe-{name}"));
        let put = || async {
            let options = PutOptions::from(PutMode::Create);
            self.store.put_opts(&key, PutPayload::from_static(b"docket"), options).await
        };
        let first = put().await;
        let keeps = match first {
            // The second put shows whether the store keeps an existing object.
            Ok(_) => matches!(put().await, Err(object_store::Error::AlreadyExists { .. })),
            Err(error) => !is_missing_feature(&error),
        };
        if !keeps {
            self.look_first();
        }
        // If it was never stored, there is nothing to delete.
        let _ = self.store.delete(&key).await;
    }

    fn look_first(&self) {
        if !self.looks_first.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                "the file storage has no conditional writes (If-None-Match); keys are kept unique by the database alone"
            );
        }
    }

    /// Stores bytes under an unused key; durable when it returns.
    ///
    /// # Errors
    /// *Unavailable* or *full*. Of a bucket that broke off, it is unknown whether the bytes are
    /// stored.
    pub async fn put(&self, key: &str, bytes: Bytes) -> Result<Put> {
        self.check_mount()?;
        if self.folder.is_some() {
            return self.put_once(key, bytes).await;
        }
        within(async {
            let mut waits = (0..REPETITIONS).map(|count| FIRST_WAIT * 2_u32.pow(u32::try_from(count).unwrap_or(0)));
            loop {
                match (self.put_once(key, bytes.clone()).await, waits.next()) {
                    // The answer to an earlier try was lost.
                    (Ok(Put::Taken), _) if self.holds(key, &bytes).await? => return Ok(Put::Stored),
                    (Err(error), Some(wait)) if error.kind == Kind::Unavailable => sleep(wait).await,
                    (result, _) => return result,
                }
            }
        })
        .await
    }

    async fn put_once(&self, key: &str, bytes: Bytes) -> Result<Put> {
        if !self.looks_first.load(Ordering::Relaxed) {
            let options = PutOptions::from(PutMode::Create);
            match self.store.put_opts(&Key::from(key), bytes.clone().into(), options).await {
                Ok(_) => return Ok(Put::Stored),
                Err(object_store::Error::AlreadyExists { .. }) => return Ok(Put::Taken),
                Err(error) if is_missing_feature(&error) => self.look_first(),
                Err(error) => return Err(error.into()),
            }
        }
        if self.has(key).await? {
            return Ok(Put::Taken);
        }
        self.store.put(&Key::from(key), bytes.into()).await?;
        Ok(Put::Stored)
    }

    /// Whether an object has these bytes.
    async fn holds(&self, key: &str, bytes: &Bytes) -> Result<bool> {
        let size = self.store.head(&Key::from(key)).await?.size;
        Ok(size == bytes.len() as u64 && self.read(key).await? == *bytes)
    }

    /// Streams the bytes of an object, or of a part of it.
    ///
    /// # Errors
    /// *Not found* or *unavailable*.
    pub async fn get(&self, key: &str, part: Option<Range<u64>>) -> Result<Pieces> {
        let range = part.map(GetRange::Bounded);
        let options = GetOptions { range, ..GetOptions::default() };
        let found = within(async { Ok(self.store.get_opts(&Key::from(key), options).await?) }).await?;
        Ok(found.into_stream().boxed())
    }

    /// When an object was stored, in UTC.
    ///
    /// # Errors
    /// *Not found* when there is none.
    pub async fn modified(&self, key: &str) -> Result<NaiveDateTime> {
        within(async { Ok(self.store.head(&Key::from(key)).await?.last_modified.naive_utc()) }).await
    }

    /// All bytes of an object, which must be small enough for memory.
    ///
    /// # Errors
    /// *Not found* when there is none.
    pub async fn read(&self, key: &str) -> Result<Bytes> {
        let pieces: Vec<Bytes> = self.get(key, None).await?.try_collect().await?;
        Ok(pieces.concat().into())
    }

    /// The keys of all objects below a prefix, in no particular order.
    pub fn list(&self, prefix: &str) -> BoxStream<'static, Result<String>> {
        let found = self.store.list(Some(&Key::from(prefix)));
        found.map(|object| object.map(|object| object.location.into()).map_err(Error::from)).boxed()
    }

    pub async fn has(&self, key: &str) -> Result<bool> {
        match self.modified(key).await {
            Ok(_) => Ok(true),
            Err(error) if error.kind == Kind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Half-written files below a prefix, left `before` some time by interrupted puts.
    /// Nothing reads them, and [`Storage::list`] skips them.
    pub fn leftovers(&self, prefix: &str, before: SystemTime) -> Result<Vec<PathBuf>> {
        let mut found = Vec::new();
        let mut open: Vec<PathBuf> = self.file(prefix).into_iter().filter(|folder| folder.is_dir()).collect();
        while let Some(folder) = open.pop() {
            for entry in std::fs::read_dir(folder).map_err(Error::unavailable)? {
                let entry = entry.map_err(Error::unavailable)?;
                let kind = entry.file_type().map_err(Error::unavailable)?;
                if kind.is_dir() {
                    open.push(entry.path());
                } else if kind.is_file() && is_leftover(&entry, before) {
                    found.push(entry.path());
                }
            }
        }
        Ok(found)
    }

    /// Deletes an object. A missing object is no error.
    pub async fn delete(&self, key: &str) -> Result<()> {
        self.check_mount()?;
        within(async {
            match self.store.delete(&Key::from(key)).await {
                Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
                Err(error) => Err(error.into()),
            }
        })
        .await
    }

    /// From now on, a folder without the object of this key counts as not mounted:
    /// nothing is stored there, and nothing counts as deleted.
    pub fn expect_marker(&self, key: &str) {
        if let Some(path) = self.file(key) {
            // It never changes while the program runs.
            let _ = self.marker.set(path);
        }
    }

    /// Whether a marker is expected: it has been seen since the program started.
    pub fn expects_marker(&self) -> bool {
        self.marker.get().is_some()
    }

    fn check_mount(&self) -> Result<()> {
        match self.marker.get() {
            Some(marker) if !marker.exists() => {
                Err(Error::unavailable(format!("{} does not exist; is the disk mounted?", marker.display())))
            }
            _ => Ok(()),
        }
    }

    /// Checks that a file of `bytes` bytes leaves at least `floor` bytes of the disk free.
    ///
    /// # Errors
    /// *Full* if it doesn’t.
    pub fn expect_room(&self, floor: u64, bytes: usize) -> Result<()> {
        if self.free_space().is_none_or(|free| free >= floor.saturating_add(bytes as u64)) {
            return Ok(());
        }
        let message = "There is too little room left on the server's disk for more files. Everything else goes on.";
        Err(Error::new(Kind::Full, message))
    }

    /// Free space on the disk of the folder, in bytes. `None` without a folder, or if the
    /// system does not report it.
    pub fn free_space(&self) -> Option<u64> {
        let disk = rustix::fs::statvfs(self.folder.as_ref()?).ok()?;
        Some(disk.f_bavail.saturating_mul(disk.f_frsize))
    }

    /// The file on disk behind a key, if the store is a folder.
    pub fn file(&self, key: &str) -> Option<PathBuf> {
        self.folder.as_ref().map(|folder| folder.join(key))
    }
}

/// Ends a request that takes longer than anybody waits for it.
async fn within<T>(request: impl Future<Output = Result<T>>) -> Result<T> {
    let late = |_| Err(Error::unavailable(format!("the file storage has not answered for {LIMIT:?}")));
    timeout(LIMIT, request).await.unwrap_or_else(late)
}

/// An object is first written to a file named like it, with a `#` and digits added.
fn is_leftover(entry: &std::fs::DirEntry, before: SystemTime) -> bool {
    let name = entry.file_name();
    let digits = name.to_str().and_then(|name| name.rsplit_once('#')).map(|(_, digits)| digits);
    let is_staging =
        digits.is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()));
    let modified = entry.metadata().and_then(|metadata| metadata.modified());
    is_staging && modified.is_ok_and(|at| at < before)
}

/// Chooses the TLS provider of this process. Can be called more than once.
pub fn choose_tls() {
    // Fails only if a provider has been chosen before.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

/// Whether a store reports that it does not support a request (S3: 501).
fn is_missing_feature(error: &object_store::Error) -> bool {
    matches!(error, object_store::Error::NotImplemented { .. } | object_store::Error::NotSupported { .. })
        || error.to_string().contains("501 Not Implemented")
        || error.to_string().contains("NotImplemented")
}

/// Checks that files can be written in their actual folders, so that a folder of another
/// user is noticed at startup and not at the first upload.
fn probe(folder: &Path, places: &[&str]) -> Result<(), String> {
    for name in places {
        let place = folder.join(name);
        private::own_dir(&place)?;
        // Named like a leftover of a crash, which upkeep removes.
        let file = place.join(format!("probe#{}", fastrand::u32(..)));
        let written = std::fs::write(&file, b"docket").and_then(|()| std::fs::remove_file(&file));
        // Another instance may have removed it at its start.
        match written {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(private::trouble(&file, &error)),
            _ => {}
        }
        let accounts = std::fs::read_dir(&place).map_err(|error| private::trouble(&place, &error))?;
        for account in accounts.flatten().filter(|entry| entry.path().is_dir()) {
            private::writable(&account.path())?;
        }
    }
    Ok(())
}
