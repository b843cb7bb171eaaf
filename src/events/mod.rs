//! The record of what happens: every change of state writes one event in its own
//! transaction, and everything that follows from a change reads the events.

pub mod actor;
pub mod audit;
pub mod cursor;
pub mod erase;
pub mod event;
pub mod feed;
pub mod record;
pub mod retention;
