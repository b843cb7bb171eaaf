//! Accounts, users, roles, passwords, sessions and invitations.

pub mod account;
pub mod agent;
pub mod devices;
pub mod failed_sign_ins;
pub mod invitations;
pub mod keys;
pub mod members;
pub mod password_check;
pub mod password_links;
pub mod passwords;
pub mod retention;
pub mod rights;
pub mod role;
pub mod samples;
pub mod sessions;
pub mod setup_links;
pub mod stored_responses;
pub mod user;
