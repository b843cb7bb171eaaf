//! `/api/v1`: the desk for other programs. Bearers of a key work as an editor of
//! its account, through the same stores as the pages.

pub mod answers;
pub mod attachments;
pub mod conversations;
pub mod description;
pub mod me;
pub mod messages;
pub mod read;
pub mod submissions;
pub mod tickets;
