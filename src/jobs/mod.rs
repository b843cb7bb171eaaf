//! Background jobs: what there is to do, and who does it next.
//!
//! Whoever claims a job may be stopped at any moment, so a job may run twice. What it does
//! in the database it does in one transaction with its progress; what it does elsewhere
//! must bear being done again.

pub mod job;
pub mod list;
pub mod queue;
