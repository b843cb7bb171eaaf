//! The pages of conversations.

pub mod change;
pub mod list;
pub mod show;
