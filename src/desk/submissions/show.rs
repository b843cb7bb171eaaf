//! The page of a submission.

use crate::accounts::agent::Agent;
use crate::conversations::conversation;
use crate::desk::conversations::mailing::{Mailing, mailing_of_submission};
use crate::desk::conversations::thread::{Thread, thread};
use crate::error::{Error, Result};
use crate::files::shown;
use crate::files::shown::ShownFile;
use crate::live::event::{Event, Topic};
use crate::submissions::submission::Submission;
use crate::submissions::{form, marks, submission};
use crate::tickets::source::{Source, SourceKind};
use crate::tickets::source_links;
use crate::tickets::source_links::TicketRef;
use crate::values::{text, token};
use crate::web::AppData;
use crate::web::layout::Layout;
use crate::web::prose::Span;
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
    files: Vec<ShownFile>,
    tickets: Vec<TicketRef>,
    /// The conversation that answers it.
    thread: Option<Thread>,
    /// How a first reply would reach the sender.
    mailing: Option<Mailing>,
    /// Prevents duplicates if the form is sent twice.
    request_id: String,
    draft: Draft,
}

/// A refused reply, shown again with the error.
#[derive(Default)]
pub struct Draft {
    pub reply: String,
    pub error: Option<Error>,
}

/// `GET /submissions/{id}`
pub async fn show(app: AppData, agent: Agent, layout: Layout, path: web::Path<String>) -> Result<HttpResponse> {
    render(&app, &agent, &layout, path.into_inner(), Draft::default()).await
}

/// The page, with the input of a refused form.
pub async fn render(app: &AppData, agent: &Agent, layout: &Layout, id: String, draft: Draft) -> Result<HttpResponse> {
    let (account_id, user_id, now) = (agent.account_id, agent.id, app.clock.now());
    let (reader, frame) = (agent.clone(), layout.clone());
    let read = move |conn: &mut _| {
        let submission = submission::get(conn, account_id, &id)?;
        let files = shown::of_submission(conn, &frame, submission.seq)?;
        let form = form::find(conn, account_id, submission.form_id)?;
        let answer = conversation::of_submission(conn, account_id, &id)?;
        let thread = answer.map(|answer| thread(conn, &reader, &frame, &answer, now)).transpose()?;
        let mailing = mailing_of_submission(conn, frame.sends_mail, &submission)?;
        let tickets = source_links::of_source(conn, account_id, &Source { kind: SourceKind::Form, id })?;
        let is_read = !marks::of(conn, user_id, &[submission.seq])?.is_empty();
        Ok((submission, files, form.name, thread, mailing, tickets, is_read))
    };
    let (submission, files, form, thread, mailing, tickets, is_read) = app.db.read(read).await?;
    if !is_read {
        note_read(app, account_id, user_id, submission.seq).await;
    }
    let page_link = submission.page_url.as_deref().and_then(text::web_url).map(String::from);
    let at = When::new(submission.created_at, agent.zone).since(now);
    let request_id = token::id()?;
    let submission = &submission;
    let page = ShowPage { layout, submission, form, page_link, at, files, tickets, thread, mailing, request_id, draft };
    layout.page_showing(page.draft.error.as_ref(), &page)
}

/// Records that the user has read a submission. If that fails, they still see the page.
async fn note_read(app: &AppData, account_id: i64, user_id: i64, seq: i64) {
    match app.db.write(move |conn| marks::set(conn, user_id, seq)).await {
        // The user's other tabs show it, too.
        Ok(()) => app.live.publish(Topic::Account(account_id), Event::new("read", &json!({ "user": user_id }))),
        Err(error) => tracing::warn!(cause = error.cause(), "recording what was read failed"),
    }
}
