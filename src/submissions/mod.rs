//! Public forms of websites, and what visitors send through them.

pub mod forms;
pub mod intake;
pub mod model;
pub mod news;
pub mod pages;
pub mod store;
