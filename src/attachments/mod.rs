//! Files on tickets: what is taken, how it is kept, how it is served.

pub mod attachment;
pub mod inventory;
pub mod key;
pub mod kind;
pub mod rejection;
pub mod reserve;
pub mod thumbnail;
pub mod upload;
pub mod validation;
