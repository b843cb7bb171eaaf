//! Bounds: how often, how much, and how many at once.

pub mod budget;
pub mod pace;
pub mod passwords;
pub mod rates;
pub mod slots;
pub mod uploads;
