//! Work beside requests: check, jobs, notices, sample data.

mod check;
mod jobs;
pub mod notices;
mod sample;
