//! Files on tickets: which are accepted, and how they are stored and served.

pub mod attachment;
pub mod inventory;
pub mod key;
pub mod kind;
pub mod rejection;
pub mod reserve;
pub mod thumbnail;
pub mod upload;
pub mod validation;
