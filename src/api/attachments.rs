//! `/api/v1/tickets/{number}/attachments`

use crate::api::answers::{ApiError, List};
use crate::attachments::attachment;
use crate::error::Result;
use crate::events::actor::Actor;
use crate::files::response::{File, Uploaded};
use crate::files::serve::Wish;
use crate::files::{serve, upload};
use crate::tickets::ticket;
use crate::web::AppData;
use crate::web::layout::Layout;
use crate::web::multipart::Parts;
use crate::web::query::Query;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Serialize;
use utoipa::ToSchema;

/// The files of a ticket, in the order in which they came.
#[utoipa::path(
    get, path = "/tickets/{number}/attachments", tag = "Tickets",
    params(("number" = i64, Path, description = "The ticket’s number")),
    responses((status = 200, description = "The files", body = List<File>), (status = 404, description = "Not found", body = ApiError))
)]
pub async fn files(app: AppData, actor: Actor, layout: Layout, path: web::Path<i64>) -> Result<HttpResponse> {
    let number = path.into_inner();
    let files = app.db.read(move |conn| {
        let ticket = ticket::find(conn, actor.account_id, number)?;
        attachment::of_ticket(conn, ticket.id)
    });
    let data = files.await?.iter().map(|file| File::new(file, number, &layout.links)).collect();
    Ok(HttpResponse::Ok().json(List::<File> { data, next_cursor: None }))
}

/// Why no file was attached: for each file, or for the whole request.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
#[allow(dead_code, reason = "only describes the two kinds of response")]
pub enum UploadProblem {
    /// The reason for each file.
    Files(Uploaded),
    /// The reason for the whole request.
    Request(ApiError),
}

/// Files to attach.
#[derive(ToSchema)]
#[allow(dead_code, reason = "only describes the form")]
pub struct Files {
    /// Of the types that tickets take, at most 5 MB each and 20 at once.
    #[schema(value_type = Vec<String>, content_media_type = "application/octet-stream")]
    files: Vec<Vec<u8>>,
}

/// Attaches files to a ticket.
#[utoipa::path(
    post, path = "/tickets/{number}/attachments", tag = "Tickets",
    params(("number" = i64, Path, description = "The ticket’s number")),
    request_body(content = Files, content_type = "multipart/form-data"),
    responses(
        (status = 201, description = "The attached and the rejected files", body = Uploaded),
        (status = 404, description = "Not found", body = ApiError),
        (status = 413, description = "No file was attached; one was too large", body = UploadProblem),
        (status = 415, description = "No file was attached", body = UploadProblem),
        (status = 507, description = "Out of storage", body = UploadProblem),
    )
)]
pub async fn attach(
    app: AppData,
    actor: Actor,
    layout: Layout,
    path: web::Path<i64>,
    parts: Parts,
) -> Result<HttpResponse> {
    Ok(upload::receive(&app, &actor, path.into_inner(), parts).await?.json(&layout.links))
}

/// A file of a ticket.
#[utoipa::path(
    get, path = "/tickets/{number}/attachments/{id}", tag = "Tickets",
    params(("number" = i64, Path, description = "The ticket’s number"), ("id" = String, Path, description = "The file’s id")),
    responses(
        (status = 200, description = "The bytes of the file", content_type = "application/octet-stream"),
        (status = 404, description = "Not found", body = ApiError),
    )
)]
pub async fn file(
    req: HttpRequest,
    app: AppData,
    actor: Actor,
    path: web::Path<(i64, String)>,
    wish: Query<Wish>,
) -> Result<HttpResponse> {
    serve::show(req, app, actor, path, wish).await
}
