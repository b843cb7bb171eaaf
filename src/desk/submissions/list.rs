//! The inbox of submissions.

use crate::accounts::agent::Agent;
use crate::error::{Error, Result};
use crate::submissions::list::Filter;
use crate::submissions::submission::Submission;
use crate::submissions::{form, list, marks};
use crate::tickets::source_links;
use crate::values::page::{Cursor, Place};
use crate::values::text;
use crate::web::AppData;
use crate::web::layout::Layout;
use crate::web::lists::{Chip, LIST_BUSY, LIST_PATIENCE, or_reason};
use crate::web::query::Query;
use crate::web::when::When;
use actix_web::HttpResponse;
use askama::Template;
use serde::Deserialize;

/// Query of `GET /submissions`.
#[derive(Clone, Deserialize, Default)]
#[serde(default)]
pub struct ListQuery {
    form: String,
    spam: String,
    done: String,
    q: String,
    after: String,
    before: String,
}

struct Tab {
    label: &'static str,
    url: String,
    /// May be empty.
    count: String,
    is_current: bool,
}

struct Row {
    id: String,
    visitor: String,
    summary: String,
    form: String,
    at: When,
    is_unread: bool,
    is_done: bool,
    /// The number of its ticket.
    ticket: Option<i64>,
}

#[derive(Template)]
#[template(path = "desk/submissions/list.html")]
struct ListPage<'a> {
    layout: &'a Layout,
    rows: Vec<Row>,
    tabs: Vec<Tab>,
    /// The filter by form, if there are forms.
    form: Option<Chip>,
    /// `inbox`, `done`, `spam` or `all`.
    shown: &'static str,
    q: &'a str,
    newer: Option<String>,
    older: Option<String>,
    /// Why the query can't be searched.
    error: Option<Error>,
}

/// `GET /submissions`: all but spam; with `done=0` the inbox, with `done=1` what is done, with
/// `spam=1` spam
pub async fn list(app: AppData, agent: Agent, layout: Layout, query: Query<ListQuery>) -> Result<HttpResponse> {
    let (form, q) = (query.form.parse().ok(), text::normalise(query.q.trim()));
    let (shown, done) = match (query.spam.as_str(), query.done.as_str()) {
        ("1", _) => ("spam", None),
        (_, "0") => ("inbox", Some(false)),
        (_, "1") => ("done", Some(true)),
        _ => ("all", None),
    };
    let filter = Filter { form_id: form, spam: Some(shown == "spam"), done, q: q.clone() };
    let place = Place::parse(&query.after, &query.before);
    let slot = app.lists.take(agent.holder(), LIST_PATIENCE, LIST_BUSY).await?;
    let (page, forms, spam_count, read, numbers, error) = app
        .db
        .read(move |conn| {
            let (page, error) = or_reason(list::page(conn, agent.account_id, &filter, place.into()))?;
            let spam_count = list::spam_count(conn, agent.account_id)?;
            let seqs: Vec<i64> = page.rows.iter().map(|row| row.seq).collect();
            let ids: Vec<&str> = page.rows.iter().map(|row| row.id.as_str()).collect();
            let numbers = source_links::of_submissions(conn, agent.account_id, &ids)?;
            let read = marks::of(conn, agent.id, &seqs)?;
            Ok((page, form::all(conn, agent.account_id)?, spam_count, read, numbers, error))
        })
        .await?;
    drop(slot);
    let now = app.clock.now();
    let name_of = |id: i64| forms.iter().find(|form| form.id == id).map(|form| form.name.clone()).unwrap_or_default();
    let row = |row: Submission| Row {
        visitor: row.visitor().to_owned(),
        summary: row.summary(),
        form: name_of(row.form_id),
        at: When::new(row.created_at, agent.zone).since(now),
        is_unread: row.done_at.is_none() && !row.spam && !read.contains(&row.seq),
        is_done: row.done_at.is_some(),
        ticket: numbers.get(&row.id).copied(),
        id: row.id,
    };
    let rows = page.rows.into_iter().map(row).collect();
    let address = |changes: &[(&str, &str)]| address(&layout, &query, changes);
    let spam_count = match spam_count {
        0 => String::new(),
        count if count > list::MOST_SPAM => format!("{}+", list::MOST_SPAM),
        count => count.to_string(),
    };
    let tab = |label, name, changes: &[(&str, &str)], count| Tab {
        label,
        url: address(changes),
        count,
        is_current: shown == name,
    };
    let tabs = vec![
        tab("Inbox", "inbox", &[("done", "0"), ("spam", "")], String::new()),
        tab("Done", "done", &[("done", "1"), ("spam", "")], String::new()),
        tab("All", "all", &[("done", ""), ("spam", "")], String::new()),
        tab("Spam", "spam", &[("spam", "1"), ("done", "")], spam_count),
    ];
    let place = |word, cursor: Option<_>| cursor.map(|at: Cursor| address(&[(word, &at.to_string())]));
    let (newer, older) = (place("before", page.newer), place("after", page.older));
    let names: Vec<_> = forms.iter().map(|form| (form.id.to_string(), form.name.clone())).collect();
    let chosen = form.map(|id: i64| id.to_string()).unwrap_or_default();
    let form = (!names.is_empty()).then(|| Chip::new("form", "Form", &chosen, &names, |id| address(&[("form", id)])));
    let page = ListPage { layout: &layout, rows, tabs, form, shown, q: &q, newer, older, error };
    layout.page_showing(page.error.as_ref(), &page)
}

/// The first page of the same list, with some parameters changed; an empty value removes one.
fn address(layout: &Layout, query: &ListQuery, changes: &[(&str, &str)]) -> String {
    let kept = [("form", &query.form), ("spam", &query.spam), ("done", &query.done), ("q", &query.q)];
    layout.list("/submissions", kept.map(|(word, value)| (word, value.as_str())), changes)
}
