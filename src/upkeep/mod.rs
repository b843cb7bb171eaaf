//! What keeps an installation running: first start, health, clearing up, sample data.

pub mod health;
pub mod janitor;
pub mod sample;
pub mod setup;
