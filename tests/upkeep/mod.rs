//! Work beside requests: backups, check, jobs, notices, sample data.

mod backup;
pub mod check;
mod jobs;
pub mod notices;
mod retention;
pub mod sample;
