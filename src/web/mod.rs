//! What all pages share. Knows no feature.

pub mod answer;
pub mod assets;
pub mod client;
pub mod cross_origin;
pub mod fields;
pub mod headers;
pub mod layout;
pub mod origin;
pub mod paging;
pub mod stream;
pub mod text;
pub mod token;
pub mod when;
