//! Numbers for monitoring, in the text format of OpenMetrics 1.0, which Prometheus reads. They count
//! what this process has done since it started.

use crate::db::Usage;
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

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
struct JobEnd {
    kind: &'static str,
    outcome: &'static str,
}

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
struct FileVerdict {
    sender: &'static str,
    verdict: &'static str,
}

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
struct Purpose {
    purpose: &'static str,
}

type Seconds = Gauge<f64, AtomicU64>;

/// What holds now. All but connections and queue holds for every process of the installation.
#[derive(Clone, Debug, Default)]
pub struct State {
    pub database: Usage,
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
    /// Files of which the newest backup has no whole copy.
    pub lost_files: i64,
    /// On the disk of the files, in bytes; `None` where there is no such disk.
    pub free_space: Option<u64>,
}

/// The numbers of one process.
pub struct Metrics {
    registry: Registry,
    requests: Family<Request, Counter>,
    durations: Family<Route, Histogram, fn() -> Histogram>,
    files: Family<FileVerdict, Counter>,
    ended_jobs: Family<JobEnd, Counter>,
    connections: Family<Purpose, Gauge>,
    connections_in_use: Family<Purpose, Gauge>,
    write_queue: Gauge,
    jobs: Family<JobKind, Gauge>,
    given_up: Gauge,
    job_lag: Seconds,
    event_lag: Seconds,
    last_backup: Gauge,
    backup_failed: Gauge,
    lost_files: Gauge,
    free_space: Gauge,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("docket");
        let all = Self {
            registry: Registry::default(),
            requests: Family::default(),
            durations: Family::new_with_constructor((|| Histogram::new(BOUNDS)) as fn() -> Histogram),
            files: Family::default(),
            ended_jobs: Family::default(),
            connections: Family::default(),
            connections_in_use: Family::default(),
            write_queue: Gauge::default(),
            jobs: Family::default(),
            given_up: Gauge::default(),
            job_lag: Seconds::default(),
            event_lag: Seconds::default(),
            last_backup: Gauge::default(),
            backup_failed: Gauge::default(),
            lost_files: Gauge::default(),
            free_space: Gauge::default(),
        };
        registry.register("requests", "Requests that were answered", all.requests.clone());
        let help = "From the head of a request to the head of its response";
        registry.register_with_unit("request_duration", help, Unit::Seconds, all.durations.clone());
        registry.register("files", "Files that were sent, by what became of them", all.files.clone());
        let help = "Tries of background jobs that ended";
        registry.register("ended_jobs", help, all.ended_jobs.clone());
        let help = "Connections that this process may open to the database";
        registry.register("database_connections", help, all.connections.clone());
        let help = "Connections to the database that are in use";
        registry.register("database_connections_in_use", help, all.connections_in_use.clone());
        let help = "Changes that wait for the one writer of SQLite";
        registry.register("database_write_queue", help, all.write_queue.clone());
        registry.register("open_jobs", "Background jobs that wait or run", all.jobs.clone());
        registry.register("given_up_jobs", "Background jobs that were given up", all.given_up.clone());
        let help = "How long the job has been due that was due first";
        registry.register_with_unit("job_lag", help, Unit::Seconds, all.job_lag.clone());
        let help = "How long the oldest event has been waiting for its place in the order";
        registry.register_with_unit("event_lag", help, Unit::Seconds, all.event_lag.clone());
        let help = "When the newest backup was made, in Unix time; 0 where there is none";
        registry.register_with_unit("last_backup_time", help, Unit::Seconds, all.last_backup.clone());
        registry.register("backup_failed", "1 if the last backup failed", all.backup_failed.clone());
        let help = "Files of which the newest backup has no whole copy";
        registry.register("lost_files", help, all.lost_files.clone());
        let help = "Free space on the disk of the files; 0 in a bucket";
        registry.register_with_unit("free_space", help, Unit::Bytes, all.free_space.clone());
        Self { registry, ..all }
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

    /// Counts a file that somebody has sent.
    pub fn sent(&self, sender: &'static str, verdict: &'static str) {
        self.files.get_or_create(&FileVerdict { sender, verdict }).inc();
    }

    /// Counts a try of a background job.
    pub fn ended(&self, kind: &'static str, outcome: &'static str) {
        self.ended_jobs.get_or_create(&JobEnd { kind, outcome }).inc();
    }

    /// All numbers as text.
    pub fn text(&self, state: &State) -> Result<String> {
        let count = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        for (purpose, size, in_use) in &state.database.connections {
            self.connections.get_or_create(&Purpose { purpose }).set(count(*size));
            self.connections_in_use.get_or_create(&Purpose { purpose }).set(count(*in_use));
        }
        self.write_queue.set(count(state.database.write_queue));
        self.jobs.clear();
        for (kind, count) in &state.open_jobs {
            self.jobs.get_or_create(&JobKind { kind }).set(*count);
        }
        self.given_up.set(state.jobs_given_up);
        self.job_lag.set(state.job_lag.as_secs_f64());
        self.event_lag.set(state.event_lag.as_secs_f64());
        self.last_backup.set(state.last_backup);
        self.backup_failed.set(state.has_backup_failed.into());
        self.lost_files.set(state.lost_files);
        self.free_space.set(state.free_space.map_or(0, |bytes| i64::try_from(bytes).unwrap_or(i64::MAX)));
        let mut text = String::new();
        text::encode(&mut text, &self.registry).map_err(|source| Error::internal("metrics", source))?;
        Ok(text)
    }
}
