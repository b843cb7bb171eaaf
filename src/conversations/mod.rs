//! Conversations with visitors: the bubble on websites, the inbox and its pages.

pub mod chat;
pub mod inventory;
pub mod marks;
pub mod messages;
pub mod model;
pub mod news;
pub mod pages;
pub mod settings;
pub mod store;
pub mod texts;
pub mod visitor;
pub mod widgets;
