//! Tickets: their rules, rows, notes, history, search and pages.

pub mod history;
pub mod listing;
pub mod model;
pub mod news;
pub mod notes;
pub mod pages;
pub mod prose;
pub mod revisions;
pub mod search;
pub mod source;
pub mod store;
pub mod tags;
