//! `/api/v1`: everything an editor may do, for other programs with an API key.

pub mod answers;
pub mod attachments;
pub mod conversations;
pub mod description;
pub mod events;
pub mod export;
pub mod me;
pub mod messages;
pub mod person;
pub mod read;
pub mod submissions;
pub mod tickets;
