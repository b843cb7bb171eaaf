//! What list pages share: each needs one of a few slots for database reads, and explains
//! why a query can't be searched.

use crate::error::{Kind, Result};
use crate::values::page::Page;
use actix_web::http::StatusCode;
use std::time::Duration;

/// Maximum time to wait for a slot.
pub const LIST_PATIENCE: Duration = Duration::from_secs(5);
/// The message if no slot becomes free.
pub const LIST_BUSY: &str = "Your earlier searches are still running. Try again in a moment.";

/// An option of a filter.
pub struct Choice {
    pub value: String,
    pub label: String,
    pub is_chosen: bool,
}

/// A page of a list, or an empty page and the reason why the query can't be searched.
pub fn or_reason<T>(page: Result<Page<T>>) -> Result<(Page<T>, Option<String>)> {
    match page {
        Ok(page) => Ok((page, None)),
        Err(error) if error.kind == Kind::Invalid => Ok((Page::empty(), Some(error.message().to_owned()))),
        Err(error) => Err(error),
    }
}

/// The HTTP status of a list page, given the reason from [`or_reason`].
pub fn status_of(reason: Option<&str>) -> StatusCode {
    if reason.is_some() { Kind::Invalid.status() } else { StatusCode::OK }
}
