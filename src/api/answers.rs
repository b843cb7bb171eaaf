//! The JSON of lists and errors.

use crate::values::page::Page;
use actix_web::HttpResponse;
use serde::Serialize;
use utoipa::ToSchema;

/// A page of a list, newest first.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct List<T> {
    /// The rows.
    pub data: Vec<T>,
    /// Send it as `cursor` to get the next page; null on the last page.
    pub next_cursor: Option<String>,
}

impl<T: Serialize> List<T> {
    /// A page as an answer.
    pub fn answer(page: Page<T>) -> HttpResponse {
        let next_cursor = page.older.map(|cursor| cursor.to_string());
        HttpResponse::Ok().json(Self { data: page.rows, next_cursor })
    }
}

/// An error.
#[derive(Serialize, ToSchema)]
pub struct ApiError {
    /// The code and the message.
    pub error: Reason,
}

/// A code for programs and a message for people.
#[derive(Serialize, ToSchema)]
pub struct Reason {
    /// Such as `not_found`, `invalid`, `conflict`, `rate_limited`.
    pub code: String,
    /// For people: what is wrong, and what to do.
    pub message: String,
}
