//! The pages of submissions.

pub mod change;
pub mod list;
pub mod reply;
pub mod show;
