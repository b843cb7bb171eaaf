//! What lists share: each takes one of few readers of the database, and says in
//! words why nothing was searched for.

use crate::error::{Kind, Result};
use crate::values::page::Page;
use actix_web::http::StatusCode;
use std::time::Duration;

/// Longest time to wait for a reader.
pub const LIST_PATIENCE: Duration = Duration::from_secs(5);
/// What is said when none becomes free.
pub const LIST_BUSY: &str = "Your earlier searches are still running. Try again in a moment.";

/// A page of a list, or an empty one and the reason where the query cannot be searched for.
pub fn or_reason<T>(page: Result<Page<T>>) -> Result<(Page<T>, Option<String>)> {
    match page {
        Ok(page) => Ok((page, None)),
        Err(error) if error.kind == Kind::Invalid => Ok((Page::empty(), Some(error.message().to_owned()))),
        Err(error) => Err(error),
    }
}

/// The status of a list, with the reason of [`or_reason`].
pub fn status_of(reason: Option<&str>) -> StatusCode {
    if reason.is_some() { Kind::Invalid.status() } else { StatusCode::OK }
}
