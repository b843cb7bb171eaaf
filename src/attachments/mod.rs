//! Files on tickets: how they are stored, shown and removed.

pub mod attachment;
pub mod inventory;
pub mod key;
pub mod reserve;
pub mod upload;
