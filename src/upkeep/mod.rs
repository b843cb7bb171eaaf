//! Keeps an installation running: the background jobs and their worker, the store's
//! marker, checks, changes of many tickets, sample data.

pub mod backup;
pub mod bulk;
pub mod check;
pub mod erasure;
pub mod figures;
pub mod incoming;
pub mod janitor;
pub mod link_mails;
pub mod mailbox;
pub mod marker;
pub mod notices;
pub mod replies;
pub mod retention;
pub mod sample;
pub mod upgrade;
pub mod worker;
