//! What programs get: the shapes of lists and errors.

use crate::values::page::Page;
use actix_web::HttpResponse;
use serde::Serialize;
use utoipa::ToSchema;

/// A part of a list, newest first.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct List<T> {
    /// The rows.
    pub data: Vec<T>,
    /// Asks for the next part as `cursor`; null at the end.
    pub next_cursor: Option<String>,
}

impl<T: Serialize> List<T> {
    /// A page as an answer.
    pub fn answer(page: Page<T>) -> HttpResponse {
        let next_cursor = page.older.map(|cursor| cursor.to_string());
        HttpResponse::Ok().json(Self { data: page.rows, next_cursor })
    }
}

/// What went wrong.
#[derive(Serialize, ToSchema)]
pub struct ApiError {
    /// Which kind, and why.
    pub error: Reason,
}

/// A word for programs and a sentence for people.
#[derive(Serialize, ToSchema)]
pub struct Reason {
    /// Such as `not_found`, `invalid`, `conflict`, `rate_limited`.
    pub code: String,
    /// What to mend.
    pub message: String,
}
