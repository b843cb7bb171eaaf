//! Pages for the team.

pub mod account;
pub mod attachments;
pub mod audit;
pub mod browser;
pub mod confirm;
pub mod conversations;
pub mod cookies;
pub mod invitations;
pub mod jobs;
pub mod join;
pub mod keys;
pub mod live;
pub mod profile;
pub mod prose;
pub mod sessions;
pub mod setup;
pub mod sign_in;
pub mod sites;
pub mod submissions;
pub mod team;
pub mod tickets;
pub mod undo;
