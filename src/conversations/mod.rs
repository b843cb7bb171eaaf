//! Conversations with visitors: the inbox and its pages.

pub mod model;
pub mod pages;
pub mod store;
