//! What all pages share. Knows no feature.

pub mod answer;
pub mod assets;
pub mod budget;
pub mod charset;
pub mod client;
pub mod connection;
pub mod cross_origin;
pub mod fields;
pub mod flow;
pub mod headers;
pub mod layout;
pub mod links;
pub mod lists;
pub mod log;
pub mod multipart;
pub mod network;
pub mod origin;
pub mod paging;
pub mod query;
pub mod stream;
pub mod text;
pub mod token;
pub mod when;
