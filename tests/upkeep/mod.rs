//! Work beside requests: check, notices, sample data.

mod check;
pub mod notices;
mod sample;
