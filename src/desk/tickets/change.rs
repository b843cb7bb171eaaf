//! The small forms on a ticket's page: title, status, assignee, tags, trash.

use crate::accounts::agent::Agent;
use crate::accounts::role::Action;
use crate::db::Connection;
use crate::desk::tickets::show;
use crate::desk::tickets::show::Draft;
use crate::desk::undo;
use crate::error::{Error, Kind, OfField, Result};
use crate::events::actor::Actor;
use crate::tickets::query::Query;
use crate::tickets::status::Status;
use crate::tickets::tags::{MAX_TAGS, parse_tag};
use crate::tickets::ticket::{Title, parse_requester};
use crate::tickets::{change, tags, trash};
use crate::web::AppData;
use crate::web::fields::Form;
use crate::web::flash::Flash;
use crate::web::layout::Layout;
use actix_web::{HttpResponse, web};
use serde::Deserialize;
use std::collections::BTreeSet;

#[derive(Deserialize)]
pub struct SetTitle {
    #[serde(default)]
    title: String,
}

/// `POST /tickets/{number}/title`: `title`
pub async fn title(
    app: AppData,
    agent: Agent,
    layout: Layout,
    path: web::Path<i64>,
    Form(sent): Form<SetTitle>,
) -> Result<HttpResponse> {
    let (number, now) = (path.into_inner(), app.clock.now());
    let title = match Title::parse(&sent.title).of_field("title") {
        Ok(title) => title,
        Err(error) => {
            let draft = Draft {
                title: Some(sent.title).filter(|title| !title.trim().is_empty()),
                error: Some(error),
                ..Draft::default()
            };
            return show::render(&app, &agent, &layout, number, draft).await;
        }
    };
    let event = app
        .write_as(&agent, Action::Work, move |conn, actor| change::set_title(conn, actor, number, &title, now))
        .await?;
    layout.see_other_with(format!("/tickets/{number}"), &undo::flash("Title saved.", event))
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct SetRequester {
    requester_name: String,
    requester_email: String,
}

/// `POST /tickets/{number}/requester`: `requesterName`, `requesterEmail`
pub async fn requester(
    app: AppData,
    agent: Agent,
    layout: Layout,
    path: web::Path<i64>,
    Form(sent): Form<SetRequester>,
) -> Result<HttpResponse> {
    let (number, now) = (path.into_inner(), app.clock.now());
    let (name, email) = match parse_requester(&sent.requester_name, &sent.requester_email) {
        Ok(requester) => requester,
        Err(error) => {
            let requester = Some((sent.requester_name, sent.requester_email));
            let draft = Draft { requester, error: Some(error), ..Draft::default() };
            return show::render(&app, &agent, &layout, number, draft).await;
        }
    };
    let write =
        move |conn: &mut Connection, actor: &Actor| change::set_requester(conn, actor, number, (&name, &email), now);
    let event = app.write_as(&agent, Action::Work, write).await?;
    layout.see_other_with(format!("/tickets/{number}"), &undo::flash("Requester saved.", event))
}

#[derive(Deserialize)]
pub struct SetStatus {
    status: Status,
    /// The status that the page showed.
    from: Option<Status>,
}

/// `POST /tickets/{number}/status`: `status`, `from`
pub async fn status(
    app: AppData,
    agent: Agent,
    layout: Layout,
    path: web::Path<i64>,
    Form(sent): Form<SetStatus>,
) -> Result<HttpResponse> {
    let (number, now) = (path.into_inner(), app.clock.now());
    let SetStatus { status: to, from } = sent;
    match app
        .write_as(&agent, Action::Work, move |conn, actor| change::set_status(conn, actor, number, to, from, now))
        .await
    {
        Ok(event) => {
            let text = match to {
                Status::Closed => format!("Ticket #{number} closed."),
                open => format!("Ticket #{number} is now “{}”.", open.label()),
            };
            layout.see_other_with(format!("/tickets/{number}"), &undo::flash(text, event))
        }
        Err(error) if error.kind == Kind::Conflict => {
            let draft = Draft { error: Some(error), ..Draft::default() };
            show::render(&app, &agent, &layout, number, draft).await
        }
        Err(error) => Err(error),
    }
}

#[derive(Deserialize)]
pub struct Assign {
    /// A user's id; empty for nobody.
    assignee: String,
}

/// `POST /tickets/{number}/assignee`: `assignee`, empty for nobody
pub async fn assignee(
    app: AppData,
    agent: Agent,
    layout: Layout,
    path: web::Path<i64>,
    Form(sent): Form<Assign>,
) -> Result<HttpResponse> {
    let (number, now) = (path.into_inner(), app.clock.now());
    let assignee = match sent.assignee.as_str() {
        "" => None,
        id => Some(id.parse().map_err(|_| Error::invalid("assignee must be a user’s id, or empty."))?),
    };
    let event = app
        .write_as(&agent, Action::Work, move |conn, actor| change::set_assignee(conn, actor, number, assignee, now))
        .await?;
    layout.see_other_with(format!("/tickets/{number}"), &undo::flash("Assignee saved.", event))
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct ChangeTags {
    /// Each may hold several, separated by commas.
    add: Vec<String>,
    remove: Vec<String>,
}

/// `POST /tickets/{number}/tags`: `add`, `remove`, both repeatable; `add` may
/// hold several, separated by commas
pub async fn change_tags(
    app: AppData,
    agent: Agent,
    layout: Layout,
    path: web::Path<i64>,
    Form(sent): Form<ChangeTags>,
) -> Result<HttpResponse> {
    let (number, now) = (path.into_inner(), app.clock.now());
    let typed = sent.add.join(",");
    let names =
        |list: Vec<&str>| list.into_iter().filter(|name| !name.trim().is_empty()).map(parse_tag).collect::<Result<_>>();
    let add: Result<BTreeSet<String>> = names(typed.split(',').collect()).of_field("add");
    let remove: Result<BTreeSet<String>> = names(sent.remove.iter().map(String::as_str).collect());
    let (add, remove) = match (add, remove) {
        (Ok(add), Ok(remove)) => (add, remove),
        (Err(error), _) | (_, Err(error)) => {
            let draft = Draft { tag: Some(typed), error: Some(error), ..Draft::default() };
            return show::render(&app, &agent, &layout, number, draft).await;
        }
    };
    if add.len() + remove.len() > MAX_TAGS {
        return Err(Error::invalid(format!("At most {MAX_TAGS} tags can be changed at once.")));
    }
    let events = app
        .write_as(&agent, Action::Work, move |conn, actor| tags::change(conn, actor, number, &add, &remove, now))
        .await?;
    layout.see_other_with(format!("/tickets/{number}#tags"), &undo::flash("Tags saved.", events))
}

/// `POST /tickets/{number}/delete`
pub async fn delete(app: AppData, agent: Agent, layout: Layout, path: web::Path<i64>) -> Result<HttpResponse> {
    let (number, now) = (path.into_inner(), app.clock.now());
    let event = app.write_as(&agent, Action::Work, move |conn, actor| trash::delete(conn, actor, number, now)).await?;
    let list = Query::parse(&layout.last_list).unwrap_or_default();
    layout.see_other_with(list.path(), &undo::flash(format!("Ticket #{number} moved to the trash."), [event]))
}

/// `POST /tickets/{number}/restore`
pub async fn restore(app: AppData, agent: Agent, layout: Layout, path: web::Path<i64>) -> Result<HttpResponse> {
    let (number, now) = (path.into_inner(), app.clock.now());
    app.write_as(&agent, Action::Work, move |conn, actor| trash::restore(conn, actor, number, now)).await?;
    layout.see_other_with(format!("/tickets/{number}"), &Flash::new(format!("Ticket #{number} restored.")))
}
