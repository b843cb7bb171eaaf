//! Work beside requests: check, jobs, notices, sample data.

pub mod check;
mod jobs;
pub mod notices;
mod retention;
mod sample;
