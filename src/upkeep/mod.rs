//! Keeps an installation running: the store's marker, cleanup, checks, mail to the team,
//! sample data.

pub mod check;
pub mod janitor;
pub mod marker;
pub mod notices;
pub mod sample;
