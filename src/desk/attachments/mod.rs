//! Files over HTTP: one file for each thing that is done with them.

pub mod card;
pub mod change;
pub mod upload;
