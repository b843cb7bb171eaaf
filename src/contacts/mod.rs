//! People outside the team, by email address: who they are, and what the team knows of them.

pub mod contact;
pub mod find;
mod words;
