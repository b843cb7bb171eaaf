//! Counts the queries on each test's own database.

use diesel::connection::{Instrumentation, InstrumentationEvent, set_default_instrumentation};
use docket::db::DatabaseUrl;
use std::collections::HashMap;
use std::sync::{LazyLock, Mutex, Once};

static COUNTS: LazyLock<Mutex<HashMap<String, u32>>> = LazyLock::new(Mutex::default);

#[derive(Default)]
struct Counter {
    url: String,
}

impl Instrumentation for Counter {
    fn on_connection_event(&mut self, event: InstrumentationEvent<'_>) {
        match event {
            InstrumentationEvent::StartEstablishConnection { url, .. } => self.url = url.to_owned(),
            InstrumentationEvent::StartQuery { query, .. } => {
                // Queries to open and check a connection do not count for the page.
                let text = query.to_string();
                let is_setup =
                    ["PRAGMA", "SELECT 1", "SET ", "BEGIN", "COMMIT"].iter().any(|word| text.starts_with(word));
                // Nor do those of the reader of events, which runs beside the pages.
                let feed = ["event_order", "seq IS NULL", "seq\" > $1", "seq` > ?", "pg_notify"];
                let is_feed = feed.iter().any(|word| text.contains(word));
                if !is_setup && !is_feed {
                    *COUNTS.lock().unwrap().entry(self.url.clone()).or_default() += 1;
                }
            }
            _ => {}
        }
    }
}

/// Counts the queries of all connections opened from now on.
pub fn watch() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| set_default_instrumentation(|| Some(Box::<Counter>::default())).unwrap());
}

/// The number of queries to this database so far.
pub fn count(url: &DatabaseUrl) -> u32 {
    let key = match url {
        DatabaseUrl::Sqlite(path) => path.to_string_lossy().into_owned(),
        DatabaseUrl::Postgres(url) => url.clone(),
    };
    COUNTS.lock().unwrap().get(&key).copied().unwrap_or(0)
}
