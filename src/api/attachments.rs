//! `/api/v1/tickets/{number}/attachments`

use crate::accounts::actor::Actor;
use crate::api::answers::{ApiError, List};
use crate::attachments::attachment;
use crate::attachments::attachment::Attachment;
use crate::error::Result;
use crate::tickets::ticket;
use crate::web::layout::Layout;
use crate::web::{AppData, paths};
use actix_web::{HttpResponse, web};
use serde::Serialize;
use utoipa::ToSchema;

/// A file of a ticket.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct File {
    id: String,
    filename: String,
    content_type: String,
    /// In bytes.
    size: i64,
    /// Where it is; with the key, the same below `/api/v1`.
    url: String,
    /// For pictures.
    thumbnail_url: Option<String>,
}

impl File {
    fn new(file: &Attachment, number: i64, layout: &Layout) -> Self {
        let links = &layout.links;
        Self {
            id: file.id.clone(),
            filename: file.filename.clone(),
            content_type: file.kind.content_type().to_owned(),
            size: file.size,
            url: links.href(paths::attachment(number, &file.id)),
            thumbnail_url: file.thumbnail.as_ref().map(|_| links.href(paths::thumbnail(number, &file.id))),
        }
    }
}

/// The files of a ticket, in the order in which they came.
#[utoipa::path(
    get, path = "/tickets/{number}/attachments", tag = "Tickets",
    params(("number" = i64, Path, description = "The ticket’s number")),
    responses((status = 200, description = "All of them", body = List<File>), (status = 404, description = "Not there", body = ApiError))
)]
pub async fn files(app: AppData, actor: Actor, layout: Layout, path: web::Path<i64>) -> Result<HttpResponse> {
    let number = path.into_inner();
    let files = app.db.read(move |conn| {
        let ticket = ticket::find(conn, actor.account_id, number)?;
        attachment::of_ticket(conn, ticket.id)
    });
    let data = files.await?.iter().map(|file| File::new(file, number, &layout)).collect();
    Ok(HttpResponse::Ok().json(List::<File> { data, next_cursor: None }))
}

/// Files that were kept, and those that were not.
#[derive(Serialize, ToSchema)]
pub struct Uploaded {
    data: Vec<File>,
    rejected: Vec<Rejected>,
}

/// Why no file was kept: one by one, or of the whole request.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
#[allow(dead_code, reason = "only describes the answer")]
pub enum UploadProblem {
    /// Each file was looked at.
    Files(Uploaded),
    /// The request could not be taken.
    Request(ApiError),
}

/// A file that was not kept.
#[derive(Serialize, ToSchema)]
pub struct Rejected {
    filename: String,
    /// `too_large`, `type_not_allowed`, `content_mismatch`, `empty`, `bad_name`, `unreadable` or `no_room`.
    code: String,
    message: String,
}

/// Files to keep.
#[derive(ToSchema)]
#[allow(dead_code, reason = "only describes the form")]
pub struct Files {
    /// JPEG, PNG, WebP, GIF, PDF, TXT, CSV, DOC or DOCX, at most 5 MB each and 20 at once.
    #[schema(value_type = Vec<String>, content_media_type = "application/octet-stream")]
    files: Vec<Vec<u8>>,
}

/// Describes the handler that pages use, too.
#[utoipa::path(
    post, path = "/tickets/{number}/attachments", tag = "Tickets",
    params(("number" = i64, Path, description = "The ticket’s number")),
    request_body(content = Files, content_type = "multipart/form-data"),
    responses(
        (status = 201, description = "What was kept and what was not", body = Uploaded),
        (status = 404, description = "Not there", body = ApiError),
        (status = 413, description = "No file was kept; one was too large", body = UploadProblem),
        (status = 415, description = "No file was kept", body = UploadProblem),
        (status = 507, description = "No room", body = UploadProblem),
    )
)]
#[allow(dead_code, reason = "only describes the form of desk::attachments::upload")]
pub fn upload() {}

/// Describes the handler that pages use, too.
#[utoipa::path(
    get, path = "/tickets/{number}/attachments/{id}", tag = "Tickets",
    params(("number" = i64, Path, description = "The ticket’s number"), ("id" = String, Path, description = "The file’s id")),
    responses(
        (status = 200, description = "Its bytes", content_type = "application/octet-stream"),
        (status = 404, description = "Not there", body = ApiError),
    )
)]
#[allow(dead_code, reason = "only describes the query of desk::attachments::serve")]
pub fn file() {}
