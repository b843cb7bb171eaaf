//! Tickets: rules, rows, notes, history and search.

pub mod change;
pub mod counts;
pub mod create;
pub mod excerpts;
pub mod filter;
pub mod find;
pub mod history;
pub mod list;
pub mod merge;
pub mod notes;
pub mod operators;
pub mod revisions;
pub mod search;
pub mod source;
pub mod source_links;
pub mod status;
pub mod tags;
pub mod ticket;
pub mod trash;
pub mod undo;
