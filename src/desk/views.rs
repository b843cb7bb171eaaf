//! `/views`: saved lists.

use crate::accounts::agent::Agent;
use crate::accounts::rights::not_allowed;
use crate::accounts::role::Action;
use crate::accounts::user;
use crate::error::Result;
use crate::tickets::views;
use crate::tickets::views::View;
use crate::values::text::ticked;
use crate::web::AppData;
use crate::web::fields::Form;
use crate::web::flash::Flash;
use crate::web::layout::Layout;
use crate::web::query::Query;
use actix_web::{HttpResponse, web};
use askama::Template;
use serde::Deserialize;

struct Row {
    view: View,
    /// Whose it is, if it is a colleague's.
    by: Option<String>,
    may_delete: bool,
}

#[derive(Template)]
#[template(path = "desk/views.html")]
struct ViewsPage<'a> {
    layout: &'a Layout,
    rows: Vec<Row>,
}

/// `GET /views`
pub async fn show(app: AppData, agent: Agent, layout: Layout) -> Result<HttpResponse> {
    let (account_id, id) = (agent.account_id, agent.id);
    let (views, team) =
        app.db.read(move |conn| Ok((views::of(conn, account_id, id)?, user::members(conn, account_id)?))).await?;
    let row = |view: View| Row {
        by: team.iter().find(|user| user.id == view.user_id && user.id != id).map(|user| user.name.clone()),
        may_delete: view.user_id == id || agent.role.may(Action::Configure),
        view,
    };
    layout.page(&ViewsPage { layout: &layout, rows: views.into_iter().map(row).collect() })
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Sent {
    name: String,
    query: String,
    #[serde(deserialize_with = "ticked")]
    shared: bool,
}

/// `POST /views`: `name`, `query`, `shared`
pub async fn save(app: AppData, agent: Agent, layout: Layout, Form(sent): Form<Sent>) -> Result<HttpResponse> {
    store(&app, &agent, &layout, sent).await
}

/// `POST /views/restore?name=…&query=…`: undoes a deletion
pub async fn restore(app: AppData, agent: Agent, layout: Layout, sent: Query<Sent>) -> Result<HttpResponse> {
    store(&app, &agent, &layout, sent.into_inner()).await
}

async fn store(app: &AppData, agent: &Agent, layout: &Layout, sent: Sent) -> Result<HttpResponse> {
    if sent.shared && !agent.role.may(Action::Work) {
        return Err(not_allowed());
    }
    let user = agent.clone();
    let action = if sent.shared { Action::Work } else { Action::Read };
    let write = move |conn: &mut _, _: &_| views::save(conn, &user, &sent.name, &sent.query, sent.shared);
    let view = app.write_as(agent, action, write).await?;
    let flash = Flash::with_undo(format!("View “{}” saved.", view.name), format!("/views/{}/delete", view.id));
    layout.see_other_with(format!("/tickets?{}", view.query), &flash)
}

/// `POST /views/{id}/delete`
pub async fn delete(app: AppData, agent: Agent, layout: Layout, path: web::Path<i64>) -> Result<HttpResponse> {
    let (id, user, may_manage) = (path.into_inner(), agent.clone(), agent.role.may(Action::Configure));
    let view = app.write_as(&agent, Action::Read, move |conn, _| views::delete(conn, &user, id, may_manage)).await?;
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.append_pair("name", &view.name).append_pair("query", &view.query);
    if view.is_shared {
        query.append_pair("shared", "1");
    }
    let restore = format!("/views/restore?{}", query.finish());
    let flash = Flash::with_undo(format!("View “{}” deleted.", view.name), restore);
    layout.see_other_with("/views", &flash)
}
