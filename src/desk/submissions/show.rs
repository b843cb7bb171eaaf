//! The page of a submission.

use crate::accounts::agent::Agent;
use crate::error::Result;
use crate::live::event::{Event, Topic};
use crate::submissions::submission::Submission;
use crate::submissions::{form, marks, submission};
use crate::tickets::source::{Source, SourceKind};
use crate::tickets::source_links;
use crate::tickets::source_links::TicketRef;
use crate::values::text;
use crate::web::AppData;
use crate::web::layout::Layout;
use crate::web::when::When;
use actix_web::{HttpResponse, web};
use askama::Template;
use serde_json::json;

#[derive(Template)]
#[template(path = "desk/submissions/show.html")]
struct ShowPage<'a> {
    layout: &'a Layout,
    submission: &'a Submission,
    form: String,
    page_link: Option<String>,
    at: When,
    tickets: Vec<TicketRef>,
}

/// `GET /submissions/{id}`
pub async fn show(app: AppData, agent: Agent, layout: Layout, path: web::Path<String>) -> Result<HttpResponse> {
    let (id, user_id) = (path.into_inner(), agent.id);
    let (submission, form, tickets, is_read) = app
        .db
        .read(move |conn| {
            let submission = submission::get(conn, agent.account_id, &id)?;
            let form = form::find(conn, agent.account_id, submission.form_id)?;
            let tickets = source_links::of_source(conn, agent.account_id, &Source { kind: SourceKind::Form, id })?;
            let is_read = !marks::of(conn, user_id, &[submission.seq])?.is_empty();
            Ok((submission, form.name, tickets, is_read))
        })
        .await?;
    if !is_read {
        note_read(&app, agent.account_id, user_id, submission.seq).await;
    }
    let page_link = submission.page_url.as_deref().and_then(text::web_url).map(String::from);
    let at = When::new(submission.created_at, agent.zone).since(app.clock.now());
    layout.page(&ShowPage { layout: &layout, submission: &submission, form, page_link, at, tickets })
}

/// Records that the user has read a submission. If that fails, they still see the page.
async fn note_read(app: &AppData, account_id: i64, user_id: i64, seq: i64) {
    match app.db.write(move |conn| marks::set(conn, user_id, seq)).await {
        // The user's other tabs show it, too.
        Ok(()) => app.live.publish(Topic::Account(account_id), Event::new("read", &json!({ "user": user_id }))),
        Err(error) => tracing::warn!(cause = error.cause(), "recording what was read failed"),
    }
}
