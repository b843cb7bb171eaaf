//! The pages of conversations.

pub mod change;
pub mod line;
pub mod list;
pub mod mailing;
pub mod rows;
pub mod show;
pub mod thread;
