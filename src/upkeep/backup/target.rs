//! An empty installation that is being filled.

use super::files::File;
use super::{LANES, Progress, Report};
use crate::app::App;
use crate::clock::Clock;
use crate::config::Config;
use crate::db::portable::load::{Loader, installation_id};
use crate::db::{index, without_time_limit};
use crate::error::{Error, Kind, Result};
use crate::jobs::job::Kind as Job;
use crate::jobs::queue;
use crate::jobs::queue::Outcome;
use crate::private;
use crate::storage::{Put, Storage};
use crate::upkeep::{marker, upgrade};
use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream};
use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering};

/// Chunks of texts that one transaction indexes: nobody is waiting for it.
const CHUNKS: u16 = 10;

pub(super) struct Target<'a> {
    config: &'a Config,
    storage: Storage,
    /// The marker of the empty installation that it was.
    own_marker: Option<String>,
}

impl<'a> Target<'a> {
    /// Checks that the storage is empty and, if there will be rows of some version, the database too.
    ///
    /// # Errors
    /// *Conflict* with one line that says what is not.
    pub(super) async fn open(config: &'a Config, version: Option<&str>, installation: &str) -> Result<Self> {
        private::own_dir(&config.data_dir).map_err(Error::unavailable)?;
        let storage = Storage::open(&config.storage()).await.map_err(Error::unavailable)?;
        let (url, version) = (config.database_settings().direct_url()?.clone(), version.map(ToOwned::to_owned));
        let look = move || {
            let Some(version) = version else { return Ok::<_, Error>(None) };
            // Closing it again takes everything back.
            drop(Loader::open(&url, &version)?);
            Ok(installation_id(&url))
        };
        let own = tokio::task::spawn_blocking(look).await.map_err(Error::unavailable)??;
        let own_marker = own.map(|id| marker::key_of(&id));
        let wanted = marker::key_of(installation);
        for other in marker::all(&storage).await? {
            if other != wanted && Some(&other) != own_marker.as_ref() {
                let message = format!("{} has files of another installation, {other}", config.storage());
                return Err(Error::new(Kind::Conflict, message));
            }
        }
        Ok(Self { config, storage, own_marker: own_marker.filter(|own| *own != wanted) })
    }

    /// Copies files here. Those that are here already are compared.
    pub(super) async fn files<F>(&self, files: &[File], report: &Report, read: impl Fn(File) -> F) -> Result<()>
    where
        F: Future<Output = Result<Bytes>>,
    {
        let total = files.iter().map(|file| file.size).sum();
        let done = AtomicU64::new(0);
        let copies = stream::iter(files).map(|file| {
            let (read, done) = (read(file.clone()), &done);
            async move {
                self.file(file, read).await?;
                report(Progress::Files(done.fetch_add(file.size, Ordering::Relaxed) + file.size, total));
                Ok(())
            }
        });
        copies.buffer_unordered(LANES).try_collect().await
    }

    async fn file(&self, file: &File, read: impl Future<Output = Result<Bytes>>) -> Result<()> {
        let content = read.await?;
        if self.storage.put(&file.key, content.clone()).await? == Put::Stored
            || self.storage.read(&file.key).await? == content
        {
            return Ok(());
        }
        Err(Error::new(Kind::Conflict, format!("{} has another file {}", self.config.storage(), file.key)))
    }

    /// The database, to be filled in one transaction.
    pub(super) fn loader(&self, version: &str) -> Result<Loader> {
        Loader::open(self.config.database_settings().direct_url()?, version)
    }

    /// Makes the installation ready to be served: marks its files and builds its search indexes.
    pub(super) async fn finish(self, report: &Report) -> Result<()> {
        if let Some(own) = &self.own_marker {
            self.storage.delete(own).await?;
        }
        let app = App::open(self.config.clone(), Clock::system()).await.map_err(Error::unavailable)?;
        marker::put(&app, &marker::key(&app)).await?;
        let now = app.clock.now();
        let claim = move |conn: &mut _| {
            index::index_in_bulk(conn)?;
            queue::ensure(conn, Job::Upgrade, None, now)?;
            let id = queue::next_due(conn, &[Job::Upgrade], now)?;
            id.map_or(Ok(None), |id| queue::claim(conn, id, now))
        };
        let Some(job) = app.db.write(claim).await? else { return Ok(()) };
        let words = |done, all| report(Progress::Words(done, all));
        without_time_limit(upgrade::run(&app, &job, CHUNKS, &words)).await?;
        let now = app.clock.now();
        app.db.write(move |conn| queue::settle(conn, &job, &Outcome::Done, now)).await
    }
}
