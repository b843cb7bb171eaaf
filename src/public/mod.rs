//! What websites and visitors reach: forms, chat, health.

pub mod chat;
pub mod forms;
pub mod health;
