//! Files as JSON, for programs and scripts.

use crate::attachments::attachment::Attachment;
use crate::validation::rejection::Rejection;
use crate::web::links::Links;
use crate::web::paths;
use serde::Serialize;
use utoipa::ToSchema;

/// A file of a ticket.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct File {
    id: String,
    filename: String,
    content_type: &'static str,
    /// In bytes.
    size: i64,
    /// The address for browsers. With an API key, the same path below `/api/v1`.
    url: String,
    /// For pictures.
    thumbnail_url: Option<String>,
}

impl File {
    /// A file on the ticket of that number.
    pub fn new(file: &Attachment, number: i64, links: &Links) -> Self {
        Self {
            id: file.id.clone(),
            filename: file.filename.clone(),
            content_type: file.kind.content_type(),
            size: file.size,
            url: links.href(paths::attachment(number, &file.id)),
            thumbnail_url: file.thumbnail.as_ref().map(|_| links.href(paths::thumbnail(number, &file.id))),
        }
    }
}

/// The attached and the rejected files.
#[derive(Serialize, ToSchema)]
pub struct Uploaded {
    pub data: Vec<File>,
    pub rejected: Vec<Rejected>,
}

/// A rejected file.
#[derive(Serialize, ToSchema)]
pub struct Rejected {
    filename: String,
    /// `too_large`, `type_not_allowed`, `content_mismatch`, `empty`, `bad_name`, `unreadable`, `no_room` or `harmful`.
    code: &'static str,
    message: String,
}

impl Rejected {
    pub fn new(filename: String, rejection: Rejection) -> Self {
        Self { filename, code: rejection.code.as_str(), message: rejection.message }
    }
}
