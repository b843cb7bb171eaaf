//! The pages and forms of attachments.

pub mod card;
pub mod change;
pub mod upload;
