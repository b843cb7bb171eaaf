//! Public forms on websites, and what visitors send through them.

pub mod fields;
pub mod form;
pub mod list;
pub mod marks;
pub mod replies;
pub mod submission;
pub mod trash;
