//! Accounts, users, roles, passwords, sessions and invitations.

pub mod access;
pub mod account;
pub mod browser;
pub mod confirm;
pub mod devices;
pub mod gate;
pub mod invitations;
pub mod key_pages;
pub mod keys;
pub mod model;
pub mod passwords;
pub mod profile;
pub mod rights;
pub mod session_pages;
pub mod sessions;
pub mod signin;
pub mod store;
pub mod stream;
pub mod team;
pub mod throttle;
