//! The list of submissions and the page of one.

use crate::accounts::agent::Agent;
use crate::accounts::role::Action;
use crate::desk::undo;
use crate::error::Result;
use crate::submissions::form::Form;
use crate::submissions::list::Filter;
use crate::submissions::submission::Submission;
use crate::submissions::{form, list, submission, trash};
use crate::tickets::source::{Source, SourceKind};
use crate::tickets::source_links;
use crate::tickets::source_links::TicketRef;
use crate::values::page::{Cursor, Place};
use crate::values::text;
use crate::web::AppData;
use crate::web::flash::Flash;
use crate::web::layout::Layout;
use crate::web::lists::{LIST_BUSY, LIST_PATIENCE, or_reason, status_of};
use crate::web::query::Query;
use crate::web::when::When;
use actix_web::{HttpResponse, web};
use askama::Template;
use serde::Deserialize;

/// Query of `GET /submissions`.
#[derive(Deserialize, Default)]
#[serde(default)]
pub struct ListQuery {
    form: String,
    spam: String,
    q: String,
    after: String,
    before: String,
}

struct FormTab {
    id: i64,
    name: String,
    is_current: bool,
}

struct Row {
    id: String,
    visitor: String,
    summary: String,
    form: String,
    country: Option<String>,
    at: When,
}

#[derive(Template)]
#[template(path = "desk/submissions/list.html")]
struct ListPage<'a> {
    layout: &'a Layout,
    rows: Vec<Row>,
    forms: Vec<FormTab>,
    form: Option<i64>,
    spam: bool,
    q: &'a str,
    newer: Option<String>,
    older: Option<String>,
    /// How many submissions are held back as spam. Empty for none.
    spam_count: String,
    /// Why the query can't be searched.
    error: Option<String>,
}

/// `GET /submissions`
pub async fn list(app: AppData, agent: Agent, layout: Layout, query: Query<ListQuery>) -> Result<HttpResponse> {
    let (form, spam, q) = (query.form.parse().ok(), query.spam == "1", text::normalise(query.q.trim()));
    let filter = Filter { form_id: form, spam: Some(spam), q: q.clone() };
    let place = Place::parse(&query.after, &query.before);
    let slot = app.lists.take(agent.holder(), LIST_PATIENCE, LIST_BUSY).await?;
    let (page, forms, spam_count, error) = app
        .db
        .read(move |conn| {
            let (page, error) = or_reason(list::page(conn, agent.account_id, &filter, place.into()))?;
            let spam_count = list::spam_count(conn, agent.account_id)?;
            Ok((page, form::all(conn, agent.account_id)?, spam_count, error))
        })
        .await?;
    drop(slot);
    let name_of = |id: i64| forms.iter().find(|form| form.id == id).map(|form| form.name.clone()).unwrap_or_default();
    let row = |row: Submission| Row {
        visitor: row.visitor().to_owned(),
        summary: row.summary(),
        form: name_of(row.form_id),
        at: When::new(row.created_at, agent.zone),
        id: row.id,
        country: row.country,
    };
    let rows = page.rows.into_iter().map(row).collect();
    let tab = |row: Form| FormTab { is_current: form == Some(row.id) && !spam, id: row.id, name: row.name };
    let forms = forms.into_iter().map(tab).collect();
    let address = |end: &str, cursor: Option<Cursor>| {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(form.map(|id| ("form", id.to_string())));
        query.extend_pairs(spam.then_some(("spam", "1")));
        query.extend_pairs(Some(("q", &q)).filter(|_| !q.is_empty()));
        cursor.map(|at| layout.href(&format!("/submissions?{}", query.append_pair(end, &at.to_string()).finish())))
    };
    let (newer, older) = (address("before", page.newer), address("after", page.older));
    let spam_count = match spam_count {
        0 => String::new(),
        count if count > list::MOST_SPAM => format!("{}+", list::MOST_SPAM),
        count => count.to_string(),
    };
    let page = ListPage { layout: &layout, rows, forms, form, spam, spam_count, q: &q, newer, older, error };
    layout.page_with(status_of(page.error.as_deref()), &page)
}

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
    let id = path.into_inner();
    let (submission, form, tickets) = app
        .db
        .read(move |conn| {
            let submission = submission::get(conn, agent.account_id, &id)?;
            let form = form::find(conn, agent.account_id, submission.form_id)?;
            let tickets = source_links::of_source(conn, agent.account_id, &Source { kind: SourceKind::Form, id })?;
            Ok((submission, form.name, tickets))
        })
        .await?;
    let page_link = submission.page_url.as_deref().and_then(text::web_url).map(String::from);
    let at = When::new(submission.created_at, agent.zone);
    layout.page(&ShowPage { layout: &layout, submission: &submission, form, page_link, at, tickets })
}

/// `POST /submissions/{id}/delete`
pub async fn delete(app: AppData, agent: Agent, layout: Layout, path: web::Path<String>) -> Result<HttpResponse> {
    let (id, now) = (path.into_inner(), app.clock.now());
    let event = app.write_as(&agent, Action::Work, move |conn, actor| trash::delete(conn, actor, &id, now)).await?;
    let text = "The submission is deleted. Tickets made from it stay.";
    layout.see_other_with("/submissions", &undo::flash(text, [event]))
}

/// `POST /submissions/{id}/restore`
pub async fn restore(app: AppData, agent: Agent, layout: Layout, path: web::Path<String>) -> Result<HttpResponse> {
    let (id, now) = (path.into_inner(), app.clock.now());
    let to = format!("/submissions/{id}");
    app.write_as(&agent, Action::Work, move |conn, actor| trash::restore(conn, actor, &id, now)).await?;
    layout.see_other_with(to, &Flash::new("The submission is back."))
}

/// `POST /submissions/{id}/spam`
pub async fn spam(app: AppData, agent: Agent, layout: Layout, path: web::Path<String>) -> Result<HttpResponse> {
    let (id, now) = (path.into_inner(), app.clock.now());
    let event = app
        .write_as(&agent, Action::Work, move |conn, actor| submission::set_spam(conn, actor, &id, true, now))
        .await?;
    layout.see_other_with("/submissions", &undo::flash("Moved to spam.", event))
}

/// `POST /submissions/{id}/not-spam`
pub async fn not_spam(app: AppData, agent: Agent, layout: Layout, path: web::Path<String>) -> Result<HttpResponse> {
    let (id, now) = (path.into_inner(), app.clock.now());
    let to = format!("/submissions/{id}");
    app.write_as(&agent, Action::Work, move |conn, actor| submission::set_spam(conn, actor, &id, false, now)).await?;
    layout.see_other_with(to, &Flash::new("Not spam: it is among the submissions."))
}
