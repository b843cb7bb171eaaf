//! HTTP code that all interfaces share. It doesn't depend on any feature.

pub mod answer;
pub mod assets;
pub mod charset;
pub mod client;
pub mod connection;
pub mod cross_origin;
pub mod csv;
pub mod fields;
pub mod flash;
pub mod flow;
pub mod forwarded;
pub mod headers;
pub mod layout;
pub mod links;
pub mod lists;
pub mod log;
pub mod measure;
pub mod multipart;
pub mod origin;
pub mod paths;
pub mod prose;
pub mod query;
pub mod status;
pub mod stream;
pub mod when;

/// The extractor with which handlers get the [`App`](crate::app::App).
pub type AppData = actix_web::web::Data<crate::app::App>;
