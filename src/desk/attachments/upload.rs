//! `POST /tickets/{number}/attachments`: uploads files.

use crate::desk::attachments::card::Card;
use crate::error::Result;
use crate::events::actor::Actor;
use crate::files::upload;
use crate::files::upload::Refused;
use crate::web::flash::Flash;
use crate::web::layout::Layout;
use crate::web::multipart::Parts;
use crate::web::{AppData, answer};
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

#[derive(Template)]
#[template(path = "desk/attachments/outcome.html")]
struct OutcomePage<'a> {
    layout: &'a Layout,
    number: i64,
    kept: Vec<Card>,
    rejected: &'a [Refused],
}

/// `POST /tickets/{number}/attachments`: multipart, `files` repeated. Scripts get JSON.
pub async fn upload(
    req: HttpRequest,
    app: AppData,
    actor: Actor,
    layout: Layout,
    path: web::Path<i64>,
    parts: Parts,
) -> Result<HttpResponse> {
    let number = path.into_inner();
    let received = upload::receive(&app, &actor, number, parts).await?;
    if answer::wants_json(&req) {
        return Ok(received.json(&layout.links));
    }
    if received.rejected.is_empty() {
        let text = match received.kept.len() {
            1 => "File attached.".into(),
            count => format!("{count} files attached."),
        };
        return layout.see_other_with(format!("/tickets/{number}#files"), &Flash::new(text));
    }
    let kept = received.kept.iter().map(|file| Card::new(file, number, &layout.links)).collect();
    let page = OutcomePage { layout: &layout, number, kept, rejected: &received.rejected };
    layout.page_with(received.status(), &page)
}
