//! Files over HTTP: one file for each thing that is done with them.

pub mod archive;
pub mod card;
pub mod change;
pub mod receive;
pub mod serve;
pub mod upload;
