//! What every handler and command may ask for.

use crate::clock::Clock;
use crate::config::Config;
use crate::db::Db;
use crate::limits::Limits;
use crate::live::Live;
use crate::mail::Mailer;
use crate::storage::{Storage, create_private_dir};
use actix_web::web::Data;
use std::sync::Arc;

/// The running program. Nothing that must last is in here: any number of
/// instances can share one database and one storage.
pub struct App {
    /// The settings.
    pub config: Config,
    /// Rows.
    pub db: Db,
    /// Files.
    pub storage: Storage,
    /// The time.
    pub clock: Clock,
    /// What open pages are told.
    pub live: Arc<Live>,
    /// How fast anybody may ask.
    pub limits: Limits,
    /// Mail to the team, if a server is set.
    pub mail: Option<Mailer>,
}

/// How handlers take the [`App`].
pub type AppData = Data<App>;

impl App {
    /// Makes the data folder, opens database and storage, and runs pending migrations.
    ///
    /// # Errors
    /// One line that says what is unusable.
    pub async fn open(config: Config, clock: Clock) -> Result<Self, String> {
        let mail = Mailer::open(&config)?;
        create_private_dir(&config.data_dir)
            .map_err(|error| format!("the data folder {} cannot be made: {error}", config.data_dir.display()))?;
        let storage = Storage::open(&config.storage()).await?;
        let database = config.database();
        let opened = tokio::task::spawn_blocking(move || Db::open(&database)).await;
        let opened = opened.map_err(|error| error.to_string())?;
        let db = opened.map_err(|error| format!("{} cannot be used: {error}", config.database()))?;
        let (live, limits) = (Live::start(&db), Limits::new(config.api_rate));
        Ok(Self { config, db, storage, clock, live, limits, mail })
    }
}
