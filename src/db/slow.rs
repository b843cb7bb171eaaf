//! Logs statements that take long, without the values in them.

use crate::error::Result;
use diesel::connection::{Instrumentation, InstrumentationEvent, set_default_instrumentation};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// How long a statement may take without being logged.
static LIMIT: OnceLock<Duration> = OnceLock::new();
/// Most of a statement that is logged, in characters.
const SHOWN: usize = 2_000;

#[derive(Default)]
struct Watch {
    begun: Option<Instant>,
}

impl Instrumentation for Watch {
    fn on_connection_event(&mut self, event: InstrumentationEvent<'_>) {
        match event {
            InstrumentationEvent::StartQuery { .. } => self.begun = Some(Instant::now()),
            InstrumentationEvent::FinishQuery { query, .. } => {
                let took = self.begun.take().map(|begun| begun.elapsed());
                if let (Some(took), Some(limit)) = (took, LIMIT.get())
                    && took >= *limit
                {
                    let statement = without_values(&query.to_string());
                    tracing::warn!(milliseconds = took.as_millis(), statement, "a slow statement");
                }
            }
            _ => {}
        }
    }
}

/// Diesel writes the values behind the statement.
fn without_values(query: &str) -> String {
    let statement = query.split_once(" -- binds: ").map_or(query, |(statement, _)| statement);
    statement.chars().take(SHOWN).collect()
}

/// Logs statements that take at least so long, on all connections that are opened from now on.
pub fn log_slow_statements(limit: Duration) -> Result<()> {
    // A second limit changes nothing.
    let _ = LIMIT.set(limit);
    Ok(set_default_instrumentation(|| Some(Box::<Watch>::default()))?)
}

#[cfg(test)]
mod tests {
    use super::without_values;

    #[test]
    fn values_are_cut_off() {
        let query = "SELECT `users`.`id` FROM `users` WHERE (`users`.`email` = ?) -- binds: [\"ana@example.com\"]";
        assert_eq!(without_values(query), "SELECT `users`.`id` FROM `users` WHERE (`users`.`email` = ?)");
    }
}
