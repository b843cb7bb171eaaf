//! Keeps an installation running: the background jobs and their worker, the store's
//! marker, checks, sample data.

pub mod check;
pub mod janitor;
pub mod marker;
pub mod notices;
pub mod sample;
pub mod upgrade;
pub mod worker;
