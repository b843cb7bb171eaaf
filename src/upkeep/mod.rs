//! What keeps an installation running: first start, health, clearing up,
//! checking, sample data.

pub mod check;
pub mod janitor;
pub mod marker;
pub mod notices;
pub mod sample;
