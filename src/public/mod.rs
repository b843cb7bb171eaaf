//! What websites and visitors use: forms, chat, health.

pub mod chat;
pub mod forms;
pub mod health;
pub mod inbound;
pub mod metrics;
pub mod pages;
pub mod thread;
