//! `/tickets/{number}/notes/revisions`: every version of the notes, what changed, and going
//! back to one.

use crate::accounts::agent::Agent;
use crate::accounts::role::Action;
use crate::error::{Error, Result};
use crate::tickets::revisions::{Revision, Texts};
use crate::tickets::{notes, revisions, ticket};
use crate::web::AppData;
use crate::web::flash::Flash;
use crate::web::layout::Layout;
use crate::web::query::Query;
use crate::web::when::When;
use actix_web::{HttpResponse, web};
use askama::Template;
use chrono::TimeDelta;
use chrono_tz::Tz;
use serde::Deserialize;
use similar::{ChangeTag, TextDiff};
use std::time::{Duration, Instant};

/// Versions on one page.
const SHOWN: i64 = 200;
/// Saves by one author within this time of each other are one sitting.
const SITTING: TimeDelta = TimeDelta::minutes(30);
/// Unchanged lines shown around a change.
const CONTEXT: usize = 3;
/// After this long, larger parts than necessary are shown as changed.
const PATIENCE: Duration = Duration::from_millis(200);

/// Consecutive saves by one author, newest first.
struct Sitting {
    author: String,
    saves: Vec<Save>,
}

struct Save {
    version: i64,
    at: When,
}

/// A line of the difference between two texts.
enum DiffLine {
    /// So many unchanged lines are not shown.
    Gap(usize),
    Same(String),
    Removed(Vec<Part>),
    Added(Vec<Part>),
}

/// A piece of a line. `is_changed` marks what differs from the line that it replaces.
struct Part {
    text: String,
    is_changed: bool,
}

struct Shown {
    version: i64,
    author: String,
    at: When,
    is_current: bool,
    text: String,
    difference: Vec<DiffLine>,
}

#[derive(Template)]
#[template(path = "desk/tickets/revisions.html")]
struct RevisionsPage<'a> {
    layout: &'a Layout,
    number: i64,
    sittings: Vec<Sitting>,
    shown: Option<Shown>,
    /// The newest version of the next page.
    older: Option<i64>,
}

#[derive(Deserialize)]
pub struct RevisionsQuery {
    /// The newest version in the list.
    upto: Option<i64>,
}

/// `GET /tickets/{number}/notes/revisions`
pub async fn list(
    app: AppData,
    agent: Agent,
    layout: Layout,
    path: web::Path<i64>,
    query: Query<RevisionsQuery>,
) -> Result<HttpResponse> {
    render(&app, &agent, &layout, path.into_inner(), None, query.upto).await
}

/// `GET /tickets/{number}/notes/revisions/{version}`
pub async fn show(
    app: AppData,
    agent: Agent,
    layout: Layout,
    path: web::Path<(i64, i64)>,
    query: Query<RevisionsQuery>,
) -> Result<HttpResponse> {
    let (number, version) = path.into_inner();
    render(&app, &agent, &layout, number, Some(version), query.upto).await
}

/// `POST /tickets/{number}/notes/revisions/{version}/restore`
pub async fn restore(app: AppData, agent: Agent, layout: Layout, path: web::Path<(i64, i64)>) -> Result<HttpResponse> {
    let ((number, version), now) = (path.into_inner(), app.clock.now());
    let replaced = app
        .write_as(&agent, Action::Work, move |conn, actor| notes::restore(conn, actor, number, version, now))
        .await?;
    let undo = format!("/tickets/{number}/notes/revisions/{replaced}/restore");
    let flash = Flash::with_undo(format!("Version {version} of the notes restored."), undo);
    layout.see_other_with(format!("/tickets/{number}#notes"), &flash)
}

/// Shows the newest version if `version` is empty.
async fn render(
    app: &AppData,
    agent: &Agent,
    layout: &Layout,
    number: i64,
    version: Option<i64>,
    upto: Option<i64>,
) -> Result<HttpResponse> {
    let account_id = agent.account_id;
    let load = move |conn: &mut _| {
        let ticket = ticket::find(conn, account_id, number)?;
        let mut list = revisions::list(conn, ticket.id, upto.unwrap_or(i64::MAX), SHOWN + 1)?;
        let rest = list.split_off(list.len().min(usize::try_from(SHOWN).unwrap_or_default()));
        let shown = match version {
            Some(version) => revisions::list(conn, ticket.id, version, 1)?.pop().filter(|row| row.version == version),
            None => list.first().cloned(),
        };
        let shown = match shown {
            Some(row) => Some((revisions::texts(conn, ticket.id, row.version)?, row)),
            None if version.is_some() => return Err(Error::not_found()),
            None => None,
        };
        Ok((list, rest.first().map(|row| row.version), shown, ticket.notes_version))
    };
    let (list, older, shown, current) = app.db.read(load).await?;
    let shown = match shown {
        Some((texts, row)) => {
            let (texts, difference) = web::block(move || {
                let lines = difference(&texts);
                (texts, lines)
            })
            .await
            .map_err(|source| Error::internal("a difference", source))?;
            Some(Shown {
                version: row.version,
                author: row.author_name,
                at: When::new(row.saved_at, agent.zone),
                is_current: row.version == current,
                text: texts.text,
                difference,
            })
        }
        None => None,
    };
    layout.page(&RevisionsPage { layout, number, sittings: sittings(list, agent.zone), shown, older })
}

/// Groups versions, newest first.
fn sittings(list: Vec<Revision>, zone: Tz) -> Vec<Sitting> {
    let mut sittings: Vec<Sitting> = Vec::new();
    let mut last: Option<Revision> = None;
    for row in list {
        let is_same = |later: &Revision| {
            (later.author_id, &later.author_name) == (row.author_id, &row.author_name)
                && later.saved_at - row.saved_at < SITTING
        };
        let save = Save { version: row.version, at: When::new(row.saved_at, zone) };
        match sittings.last_mut().filter(|_| last.as_ref().is_some_and(is_same)) {
            Some(sitting) => sitting.saves.push(save),
            None => sittings.push(Sitting { author: row.author_name.clone(), saves: vec![save] }),
        }
        last = Some(row);
    }
    sittings
}

fn difference(texts: &Texts) -> Vec<DiffLine> {
    let deadline = Instant::now() + PATIENCE;
    // Otherwise, a line to which another was added would differ in its end.
    let ended = |text: &str| if text.is_empty() { String::new() } else { format!("{text}\n") };
    let (before, after) = (ended(&texts.before), ended(&texts.text));
    let diff = TextDiff::configure().deadline(deadline).diff_lines(before.as_str(), after.as_str());
    let mut lines = Vec::new();
    let mut end = 0;
    for group in diff.grouped_ops(CONTEXT) {
        for op in group {
            let gap = op.old_range().start.saturating_sub(end);
            if gap > 0 {
                lines.push(DiffLine::Gap(gap));
            }
            end = op.old_range().end;
            for change in diff.iter_inline_changes_deadline(&op, Some(deadline)) {
                let part = |(is_changed, text): (bool, std::borrow::Cow<'_, str>)| Part {
                    text: text.trim_end_matches('\n').to_owned(),
                    is_changed,
                };
                let parts = change.iter_strings_lossy().map(part);
                lines.push(match change.tag() {
                    ChangeTag::Equal => DiffLine::Same(parts.map(|part| part.text).collect()),
                    ChangeTag::Delete => DiffLine::Removed(parts.collect()),
                    ChangeTag::Insert => DiffLine::Added(parts.collect()),
                });
            }
        }
    }
    let rest = diff.old_len().saturating_sub(end);
    if rest > 0 {
        lines.push(DiffLine::Gap(rest));
    }
    lines
}
