//! The notes of a ticket: saving, conflicts, added notes.

use crate::accounts::agent::Agent;
use crate::accounts::role::Action;
use crate::desk::tickets::show;
use crate::desk::tickets::show::Draft;
use crate::error::{Error, Kind, OfField, Result};
use crate::tickets::notes::{MAX_LINE, Notes, Saved, Theirs};
use crate::tickets::{merge, notes};
use crate::web::AppData;
use crate::web::fields::Form;
use crate::web::flash::Flash;
use crate::web::layout::Layout;
use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;
use serde::Deserialize;

#[derive(Template)]
#[template(path = "desk/tickets/conflict.html")]
struct ConflictPage<'a> {
    layout: &'a Layout,
    number: i64,
    mine: &'a str,
    theirs: &'a Theirs,
    both: String,
    /// The name under which the browser keeps the draft that this page resolves.
    draft: String,
}

#[derive(Deserialize)]
pub struct SaveNotes {
    notes: String,
    /// The version that the user edited.
    version: i64,
}

/// `POST /tickets/{number}/notes`: `notes`, `version`
pub async fn save(
    app: AppData,
    agent: Agent,
    layout: Layout,
    path: web::Path<i64>,
    Form(sent): Form<SaveNotes>,
) -> Result<HttpResponse> {
    let (number, now) = (path.into_inner(), app.clock.now());
    let SaveNotes { notes: mine, version } = sent;
    let notes = match Notes::parse(&mine).of_field("notes") {
        Ok(notes) => notes,
        Err(error) => {
            let draft = Draft { notes: Some(mine), version: Some(version), error: Some(error), ..Draft::default() };
            return show::render(&app, &agent, &layout, number, draft).await;
        }
    };
    let draft = format!("{}-notes-{number}", agent.id);
    let typed = notes.clone();
    match app
        .write_as(&agent, Action::Work, move |conn, actor| notes::save(conn, actor, number, &notes, version, now))
        .await?
    {
        Saved::Done => layout.see_other_with(format!("/tickets/{number}#notes"), &Flash::new("Notes saved.")),
        Saved::Stale(theirs) => {
            let merged = web::block(move || {
                let both = merge::both(&theirs.base, &theirs.notes, typed.as_str());
                (typed, theirs, both)
            });
            let (mine, theirs, both) =
                merged.await.map_err(|source| Error::internal("two versions of notes", source))?;
            let page = ConflictPage { layout: &layout, number, mine: mine.as_str(), theirs: &theirs, both, draft };
            layout.page_with(StatusCode::CONFLICT, &page)
        }
    }
}

#[derive(Deserialize)]
pub struct AddLine {
    #[serde(default)]
    line: String,
}

/// `POST /tickets/{number}/notes/append`: `line`
pub async fn append(
    app: AppData,
    agent: Agent,
    layout: Layout,
    path: web::Path<i64>,
    Form(sent): Form<AddLine>,
) -> Result<HttpResponse> {
    let (number, now) = (path.into_inner(), app.clock.now());
    let typed = sent.line;
    let (line, zone) = (typed.trim().to_owned(), agent.zone);
    let appended = if line.is_empty() {
        Err(Error::invalid("Enter a note."))
    } else if line.chars().count() > MAX_LINE {
        Err(Error::invalid(format!("The note is longer than {MAX_LINE} characters.")))
    } else {
        app.write_as(&agent, Action::Work, move |conn, actor| notes::append(conn, actor, number, &line, zone, now))
            .await
    };
    match appended.of_field("line") {
        Ok(()) => layout.see_other_with(format!("/tickets/{number}#notes"), &Flash::new("Note added.")),
        Err(error) if error.kind == Kind::Invalid => {
            let draft = Draft { line: Some(typed), error: Some(error), ..Draft::default() };
            show::render(&app, &agent, &layout, number, draft).await
        }
        Err(error) => Err(error),
    }
}
