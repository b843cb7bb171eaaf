//! What every handler and command can use.

use crate::clock::Clock;
use crate::config::Config;
use crate::db::installation::Installation;
use crate::db::{DatabaseUrl, Db, installation};
use crate::events::feed;
use crate::limits::budget::Budget;
use crate::limits::passwords::Passwords;
use crate::limits::rates::Limits;
use crate::limits::slots::{Bounds, Slots};
use crate::limits::uploads::Uploads;
use crate::live::Live;
use crate::mail::mailbox::Mailbox;
use crate::mail::mailer::Mailer;
use crate::metrics::Metrics;
use crate::private;
use crate::storage::Storage;
use crate::values::token;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// The running program. It holds no lasting state: any number of instances can share one
/// database and one storage.
pub struct App {
    pub config: Config,
    pub installation: Installation,
    pub db: Db,
    pub storage: Storage,
    pub clock: Clock,
    /// Events for open pages.
    pub live: Arc<Live>,
    /// Rate limits.
    pub limits: Limits,
    /// Memory for request bodies and pages.
    pub budget: Budget,
    /// Places for lists and searches; each uses a database connection for reading.
    pub lists: Slots,
    /// Places for the event streams of open pages.
    pub streams: Slots,
    /// Places for files and archives.
    pub uploads: Uploads,
    pub passwords: Passwords,
    /// Mail to the team, if a mail server is configured.
    pub mail: Option<Mailer>,
    /// Where answers by mail are looked for, if a mailbox is configured.
    pub mailbox: Option<Mailbox>,
    /// Numbers for monitoring, if somebody may ask for them.
    pub metrics: Option<Metrics>,
    /// Whether the program was asked to stop. It still answers for a while.
    pub is_stopping: AtomicBool,
}

impl App {
    /// Creates the data folder, opens database and storage, and runs pending migrations.
    ///
    /// # Errors
    /// One line that says what is unusable.
    pub async fn open(config: Config, clock: Clock) -> Result<Self, String> {
        let (mail, mailbox) = (Mailer::open(&config)?, Mailbox::open(&config)?);
        if config.data_dir.to_str().is_none() {
            return Err(format!("the data folder {} must have a name in UTF-8", config.data_dir.display()));
        }
        private::own_dir(&config.data_dir)?;
        let storage = Storage::open(&config.storage()).await?;
        let database = config.database();
        if let DatabaseUrl::Sqlite(path) = &database {
            // SQLite would open a file that it cannot write, and fail at the first change.
            for name in ["", "-wal", "-shm"] {
                let mut file = path.clone().into_os_string();
                file.push(name);
                private::own_file(file.as_ref())?;
            }
        }
        let settings = config.database_settings();
        let opened = tokio::task::spawn_blocking(move || Db::open(settings)).await;
        let opened = opened.map_err(|error| error.to_string())?;
        let db = opened.map_err(|error| format!("{} cannot be used: {}", config.database(), error.cause()))?;
        let id = token::id().map_err(|error| error.cause())?;
        let named = db.write(move |conn| installation::open(conn, &id)).await;
        let installation = named.map_err(|error| format!("{} cannot be used: {}", config.database(), error.cause()))?;
        let newest = db
            .scan(feed::newest)
            .await
            .map_err(|error| format!("{} cannot be used: {}", config.database(), error.cause()))?;
        let (live, limits) = (Live::start(&db, newest), Limits::new(config.api_rate));
        // One reader stays free for all other reads.
        let readers = db.readers() - 1;
        let lists = Slots::new(Bounds { all: readers, account: readers - 1, user: (readers - 1) / 2 });
        let streams = Slots::new(Bounds { all: 20_000, account: 2_000, user: 100 });
        let metrics = config.metrics_token.as_ref().map(|_| Metrics::default());
        Ok(Self {
            config,
            installation,
            db,
            storage,
            clock,
            live,
            limits,
            mail,
            mailbox,
            metrics,
            is_stopping: AtomicBool::new(false),
            budget: Budget::default(),
            lists,
            streams,
            uploads: Uploads::default(),
            passwords: Passwords::default(),
        })
    }

    /// Counts a file for monitoring.
    pub fn count_file(&self, sender: &'static str, verdict: &'static str) {
        if let Some(metrics) = &self.metrics {
            metrics.sent(sender, verdict);
        }
    }
}
