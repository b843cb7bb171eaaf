//! The queries on each test's own database.

use diesel::connection::{Instrumentation, InstrumentationEvent, set_default_instrumentation};
use docket::db::DatabaseUrl;
use std::collections::HashMap;
use std::sync::{LazyLock, Mutex, Once};

static TEXTS: LazyLock<Mutex<HashMap<String, Vec<String>>>> = LazyLock::new(Mutex::default);

#[derive(Default)]
struct Counter {
    url: String,
}

impl Instrumentation for Counter {
    fn on_connection_event(&mut self, event: InstrumentationEvent<'_>) {
        match event {
            InstrumentationEvent::StartEstablishConnection { url, .. } => {
                // Without the options that the program adds.
                self.url = url.split('?').next().unwrap_or_default().to_owned();
            }
            InstrumentationEvent::StartQuery { query, .. } => {
                // Queries to open and check a connection do not count for the page.
                let text = query.to_string();
                let is_setup =
                    ["PRAGMA", "SELECT 1", "SET ", "BEGIN", "COMMIT"].iter().any(|word| text.starts_with(word));
                // Nor do those of the reader of events, which runs beside the pages.
                let feed = ["event_order", "seq IS NULL", "seq\" > $1", "seq` > ?", "pg_notify", "pg_current_xact_id"];
                let is_feed = feed.iter().any(|word| text.contains(word));
                if !is_setup && !is_feed {
                    TEXTS.lock().unwrap().entry(self.url.clone()).or_default().push(text);
                }
            }
            _ => {}
        }
    }
}

/// Notes the queries of all connections opened from now on.
pub fn watch() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| set_default_instrumentation(|| Some(Box::<Counter>::default())).unwrap());
}

/// The number of queries to this database so far.
pub fn count(url: &DatabaseUrl) -> usize {
    texts(url).len()
}

/// The queries to this database so far, with their bound values in a comment.
pub fn texts(url: &DatabaseUrl) -> Vec<String> {
    let key = match url {
        DatabaseUrl::Sqlite(path) => path.to_string_lossy().into_owned(),
        DatabaseUrl::Postgres(url) => url.clone(),
    };
    TEXTS.lock().unwrap().get(&key).cloned().unwrap_or_default()
}
