//! Files on tickets: what is taken, how it is kept, how it is served.

pub mod inventory;
pub mod model;
pub mod pages;
pub mod store;
pub mod thumbnail;
pub mod upload;
pub mod validation;
