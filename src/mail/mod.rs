//! Mail: sending it over SMTP, and reading answers to it.

pub mod flowed;
pub mod incoming;
pub mod mailbox;
pub mod mailer;
pub mod quotes;
mod trust;
