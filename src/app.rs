//! What every handler and command may ask for.

use crate::clock::Clock;
use crate::config::Config;
use crate::db::installation::Installation;
use crate::db::{DatabaseUrl, Db, installation};
use crate::limits::budget::Budget;
use crate::limits::passwords::Passwords;
use crate::limits::rates::Limits;
use crate::limits::slots::{Bounds, Slots};
use crate::limits::uploads::Uploads;
use crate::live::Live;
use crate::mail::Mailer;
use crate::private;
use crate::storage::Storage;
use crate::values::token;
use std::sync::Arc;

/// The running program. Nothing that must last is in here: any number of
/// instances can share one database and one storage.
pub struct App {
    /// The settings.
    pub config: Config,
    /// Which installation it is.
    pub installation: Installation,
    /// Rows.
    pub db: Db,
    /// Files.
    pub storage: Storage,
    /// The time.
    pub clock: Clock,
    /// What open pages are told.
    pub live: Arc<Live>,
    /// How often anybody may ask.
    pub limits: Limits,
    /// The memory for bodies and pages.
    pub budget: Budget,
    /// Places for lists and searches, of which each takes a reader of the database.
    pub lists: Slots,
    /// Places for the event streams of open pages.
    pub streams: Slots,
    /// Places for files and archives.
    pub uploads: Uploads,
    /// Hashes and verifies passwords.
    pub passwords: Passwords,
    /// Mail to the team, if a server is set.
    pub mail: Option<Mailer>,
}

impl App {
    /// Makes the data folder, opens database and storage, and runs pending migrations.
    ///
    /// # Errors
    /// One line that says what is unusable.
    pub async fn open(config: Config, clock: Clock) -> Result<Self, String> {
        let mail = Mailer::open(&config)?;
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
        let opened = tokio::task::spawn_blocking(move || Db::open(&database)).await;
        let opened = opened.map_err(|error| error.to_string())?;
        let db = opened.map_err(|error| format!("{} cannot be used: {}", config.database(), error.cause()))?;
        let id = token::id().map_err(|error| error.cause())?;
        let named = db.write(move |conn| installation::open(conn, &id)).await;
        let installation = named.map_err(|error| format!("{} cannot be used: {}", config.database(), error.cause()))?;
        let (live, limits) = (Live::start(&db), Limits::new(config.api_rate));
        // One reader is left for whatever else is read.
        let readers = db.readers() - 1;
        let lists = Slots::new(Bounds { all: readers, account: readers - 1, user: (readers - 1) / 2 });
        let streams = Slots::new(Bounds { all: 20_000, account: 2_000, user: 100 });
        Ok(Self {
            config,
            installation,
            db,
            storage,
            clock,
            live,
            limits,
            mail,
            budget: Budget::default(),
            lists,
            streams,
            uploads: Uploads::default(),
            passwords: Passwords::default(),
        })
    }
}
