//! What agents do with submissions: done, spam, deleted, and back.

use crate::accounts::agent::Agent;
use crate::accounts::role::Action;
use crate::db::Connection;
use crate::desk::undo;
use crate::error::Result;
use crate::events::actor::Actor;
use crate::submissions::{submission, trash};
use crate::web::AppData;
use crate::web::flash::Flash;
use crate::web::layout::Layout;
use actix_web::{HttpResponse, web};

/// Where agents go on.
const INBOX: &str = "/submissions?done=0";

/// `POST /submissions/{id}/delete`
pub async fn delete(app: AppData, agent: Agent, layout: Layout, path: web::Path<String>) -> Result<HttpResponse> {
    let (id, now) = (path.into_inner(), app.clock.now());
    let event = app.write_as(&agent, Action::Work, move |conn, actor| trash::delete(conn, actor, &id, now)).await?;
    let text = "Submission deleted. Its tickets stay.";
    layout.see_other_with(INBOX, &undo::flash(text, [event]))
}

/// `POST /submissions/{id}/restore`
pub async fn restore(app: AppData, agent: Agent, layout: Layout, path: web::Path<String>) -> Result<HttpResponse> {
    let (id, now) = (path.into_inner(), app.clock.now());
    let to = format!("/submissions/{id}");
    app.write_as(&agent, Action::Work, move |conn, actor| trash::restore(conn, actor, &id, now)).await?;
    layout.see_other_with(to, &Flash::new("Submission restored."))
}

/// `POST /submissions/{id}/spam`
pub async fn spam(app: AppData, agent: Agent, layout: Layout, path: web::Path<String>) -> Result<HttpResponse> {
    let (id, now) = (path.into_inner(), app.clock.now());
    let event = app
        .write_as(&agent, Action::Work, move |conn, actor| submission::set_spam(conn, actor, &id, true, now))
        .await?;
    layout.see_other_with(INBOX, &undo::flash("Moved to spam.", event))
}

/// `POST /submissions/{id}/not-spam`
pub async fn not_spam(app: AppData, agent: Agent, layout: Layout, path: web::Path<String>) -> Result<HttpResponse> {
    let (id, now) = (path.into_inner(), app.clock.now());
    let to = format!("/submissions/{id}");
    app.write_as(&agent, Action::Work, move |conn, actor| submission::set_spam(conn, actor, &id, false, now)).await?;
    layout.see_other_with(to, &Flash::new("Not spam: it is in the inbox again."))
}

/// `POST /submissions/{id}/done`
pub async fn done(app: AppData, agent: Agent, layout: Layout, path: web::Path<String>) -> Result<HttpResponse> {
    set_done(&app, &agent, &layout, path.into_inner(), true).await
}

/// `POST /submissions/{id}/not-done`
pub async fn not_done(app: AppData, agent: Agent, layout: Layout, path: web::Path<String>) -> Result<HttpResponse> {
    set_done(&app, &agent, &layout, path.into_inner(), false).await
}

async fn set_done(app: &AppData, agent: &Agent, layout: &Layout, id: String, done: bool) -> Result<HttpResponse> {
    let now = app.clock.now();
    let to = if done { INBOX.to_owned() } else { format!("/submissions/{id}") };
    let write = move |conn: &mut Connection, actor: &Actor| submission::set_done(conn, actor, &id, done, now);
    let event = app.write_as(agent, Action::Work, write).await?;
    if done {
        return layout.see_other_with(to, &undo::flash("Submission done.", event));
    }
    layout.see_other_with(to, &Flash::new("Not done: it is in the inbox again."))
}
