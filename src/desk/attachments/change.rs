//! Renames, removes and restores the files of a ticket.

use crate::accounts::agent::Agent;
use crate::accounts::role::Action;
use crate::attachments::attachment;
use crate::attachments::attachment::Removal;
use crate::desk::undo;
use crate::error::Result;
use crate::web::AppData;
use crate::web::fields::Form;
use crate::web::flash::Flash;
use crate::web::layout::Layout;
use actix_web::{HttpResponse, web};
use serde::Deserialize;

/// `POST /tickets/{number}/attachments/{id}/delete`
pub async fn delete(
    app: AppData,
    agent: Agent,
    layout: Layout,
    path: web::Path<(i64, String)>,
) -> Result<HttpResponse> {
    let (number, id) = path.into_inner();
    let now = app.clock.now();
    let Removal { filename, event } = app
        .write_as(&agent, Action::Work, move |conn, actor| attachment::set_deleted(conn, actor, number, &id, true, now))
        .await?;
    layout.see_other_with(format!("/tickets/{number}#files"), &undo::flash(format!("{filename} removed."), event))
}

/// `POST /tickets/{number}/attachments/{id}/restore`
pub async fn restore(
    app: AppData,
    agent: Agent,
    layout: Layout,
    path: web::Path<(i64, String)>,
) -> Result<HttpResponse> {
    let (number, id) = path.into_inner();
    let now = app.clock.now();
    let Removal { filename, .. } = app
        .write_as(&agent, Action::Work, move |conn, actor| {
            attachment::set_deleted(conn, actor, number, &id, false, now)
        })
        .await?;
    layout.see_other_with(format!("/tickets/{number}#files"), &Flash::new(format!("{filename} restored.")))
}

#[derive(Deserialize)]
pub struct Rename {
    #[serde(default)]
    filename: String,
}

/// `POST /tickets/{number}/attachments/{id}/rename`: `filename`
pub async fn rename(
    app: AppData,
    agent: Agent,
    layout: Layout,
    path: web::Path<(i64, String)>,
    Form(sent): Form<Rename>,
) -> Result<HttpResponse> {
    let (number, id) = path.into_inner();
    let (now, typed) = (app.clock.now(), sent.filename);
    let name = app
        .write_as(&agent, Action::Work, move |conn, actor| attachment::rename(conn, actor, number, &id, &typed, now))
        .await?;
    layout.see_other_with(format!("/tickets/{number}#files"), &Flash::new(format!("Renamed to {name}.")))
}
