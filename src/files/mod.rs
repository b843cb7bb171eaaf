//! Files over HTTP, for pages and the API: receive, serve, pack.

pub mod archive;
pub mod message;
pub mod receive;
pub mod response;
pub mod serve;
pub mod shown;
pub mod upload;
