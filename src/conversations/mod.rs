//! Conversations with visitors: the bubble on websites, the inbox and its pages.

pub mod conversation;
pub mod erase;
pub mod figures;
pub mod inventory;
pub mod list;
pub mod mail_answers;
pub mod marks;
pub mod messages;
pub mod reply_mails;
pub mod stopped;
pub mod texts;
pub mod thread_links;
pub mod trash;
pub mod visitor;
pub mod widgets;
