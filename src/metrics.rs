//! Numbers for monitoring, in the text format of OpenMetrics 1.0, which Prometheus reads. They count
//! what this process has done since it started.

use crate::error::{Error, Result};
use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};
use std::sync::atomic::AtomicU64;
use std::time::Duration;

/// The media type of [`Metrics::text`].
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Upper bounds of durations, in seconds: from a page out of memory to a request that times out.
const BOUNDS: [f64; 12] = [0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 20.0];

/// Methods that have a label of their own.
const METHODS: [&str; 6] = ["GET", "HEAD", "POST", "PATCH", "DELETE", "OPTIONS"];

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
struct Request {
    method: &'static str,
    route: String,
    status: String,
}

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
struct Route {
    method: &'static str,
    route: String,
}

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
struct JobKind {
    kind: &'static str,
}

type Seconds = Gauge<f64, AtomicU64>;

/// What holds now, not only for this process.
#[derive(Clone, Debug, Default)]
pub struct State {
    /// Jobs that wait or run, by kind.
    pub open_jobs: Vec<(&'static str, i64)>,
    pub jobs_given_up: i64,
    /// How long the job has been due that was due first.
    pub job_lag: Duration,
    /// How long the oldest event has been waiting for its place in the order.
    pub event_lag: Duration,
    /// When the newest backup was made, in seconds since 1970; 0 if there is none.
    pub last_backup: i64,
    /// Whether the last backup failed.
    pub has_backup_failed: bool,
    /// On the disk of the files, in bytes; `None` where there is no such disk.
    pub free_space: Option<u64>,
}

/// The numbers of one process.
pub struct Metrics {
    registry: Registry,
    requests: Family<Request, Counter>,
    durations: Family<Route, Histogram, fn() -> Histogram>,
    jobs: Family<JobKind, Gauge>,
    given_up: Gauge,
    job_lag: Seconds,
    event_lag: Seconds,
    last_backup: Gauge,
    backup_failed: Gauge,
    free_space: Gauge,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut all = Self {
            registry: Registry::with_prefix("docket"),
            requests: Family::default(),
            durations: Family::new_with_constructor((|| Histogram::new(BOUNDS)) as fn() -> Histogram),
            jobs: Family::default(),
            given_up: Gauge::default(),
            job_lag: Seconds::default(),
            event_lag: Seconds::default(),
            last_backup: Gauge::default(),
            backup_failed: Gauge::default(),
            free_space: Gauge::default(),
        };
        let Self {
            registry,
            requests,
            durations,
            jobs,
            given_up,
            job_lag,
            event_lag,
            last_backup,
            backup_failed,
            free_space,
        } = &mut all;
        registry.register("requests", "Requests that were answered", requests.clone());
        let help = "From the head of a request to the head of its response";
        registry.register_with_unit("request_duration", help, Unit::Seconds, durations.clone());
        registry.register("open_jobs", "Background jobs that wait or run", jobs.clone());
        registry.register("given_up_jobs", "Background jobs that were given up", given_up.clone());
        let help = "How long the job has been due that was due first";
        registry.register_with_unit("job_lag", help, Unit::Seconds, job_lag.clone());
        let help = "How long the oldest event has been waiting for its place in the order";
        registry.register_with_unit("event_lag", help, Unit::Seconds, event_lag.clone());
        let help = "When the newest backup was made, in Unix time; 0 where there is none";
        registry.register_with_unit("last_backup_time", help, Unit::Seconds, last_backup.clone());
        registry.register("backup_failed", "1 if the last backup failed", backup_failed.clone());
        let help = "Free space on the disk of the files; 0 in a bucket";
        registry.register_with_unit("free_space", help, Unit::Bytes, free_space.clone());
        all
    }
}

impl Metrics {
    /// Counts a request. `route` is a pattern, so that there are few of them.
    pub fn answered(&self, method: &str, route: &str, status: u16, took: Duration) {
        let method = METHODS.into_iter().find(|known| *known == method).unwrap_or("other");
        let (route, status) = (route.to_owned(), status.to_string());
        self.requests.get_or_create(&Request { method, route: route.clone(), status }).inc();
        self.durations.get_or_create(&Route { method, route }).observe(took.as_secs_f64());
    }

    /// All numbers as text.
    pub fn text(&self, state: &State) -> Result<String> {
        self.jobs.clear();
        for (kind, count) in &state.open_jobs {
            self.jobs.get_or_create(&JobKind { kind }).set(*count);
        }
        self.given_up.set(state.jobs_given_up);
        self.job_lag.set(state.job_lag.as_secs_f64());
        self.event_lag.set(state.event_lag.as_secs_f64());
        self.last_backup.set(state.last_backup);
        self.backup_failed.set(state.has_backup_failed.into());
        self.free_space.set(state.free_space.map_or(0, |bytes| i64::try_from(bytes).unwrap_or(i64::MAX)));
        let mut text = String::new();
        text::encode(&mut text, &self.registry).map_err(|source| Error::internal("metrics", source))?;
        Ok(text)
    }
}
