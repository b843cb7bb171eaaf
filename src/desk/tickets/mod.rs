//! The pages of tickets: one file for each.

pub mod bulk;
pub mod change;
pub mod first_steps;
pub mod history;
pub mod list;
pub mod new;
pub mod notes;
pub mod revisions;
pub mod show;
pub mod source_card;
pub mod trash;
