//! Files are taken off a ticket, and put back.

use crate::app::AppData;
use crate::attachments::store;
use crate::error::Result;
use crate::people::model::Agent;
use crate::web::layout::{Flash, Layout};
use actix_web::{HttpResponse, web};

/// `POST /tickets/{number}/attachments/{id}/delete`
///
/// # Errors
/// *Not found* when it is out of reach.
pub async fn delete(
    app: AppData,
    agent: Agent,
    layout: Layout,
    path: web::Path<(i64, String)>,
) -> Result<HttpResponse> {
    let (number, id) = path.into_inner();
    let (now, wanted) = (app.clock.now(), id.clone());
    let filename = app.db.write(move |conn| store::set_deleted(conn, &agent, number, &wanted, true, now)).await?;
    let undo = format!("/tickets/{number}/attachments/{id}/restore");
    layout.see_other_saying(
        format!("/tickets/{number}#files"),
        &Flash::with_undo(format!("{filename} is removed."), undo),
    )
}

/// `POST /tickets/{number}/attachments/{id}/restore`
///
/// # Errors
/// *Not found* when it is out of reach.
pub async fn restore(
    app: AppData,
    agent: Agent,
    layout: Layout,
    path: web::Path<(i64, String)>,
) -> Result<HttpResponse> {
    let (number, id) = path.into_inner();
    let now = app.clock.now();
    let filename = app.db.write(move |conn| store::set_deleted(conn, &agent, number, &id, false, now)).await?;
    layout.see_other_saying(format!("/tickets/{number}#files"), &Flash::new(format!("{filename} is back.")))
}
