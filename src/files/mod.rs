//! Files over HTTP, for pages and programs alike: received, served, packed.

pub mod archive;
pub mod receive;
pub mod response;
pub mod serve;
pub mod upload;
