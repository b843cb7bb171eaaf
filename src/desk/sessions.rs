//! `/profile/sessions`: listing and ending sessions.

use crate::accounts::agent::Agent;
use crate::accounts::role::Action;
use crate::accounts::{members, sessions};
use crate::desk::cookies;
use crate::error::{Error, Result};
use crate::values::token;
use crate::web::AppData;
use crate::web::flash::Flash;
use crate::web::layout::Layout;
use crate::web::when::When;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

struct Row {
    id: String,
    device: String,
    network: String,
    signed_in: When,
    used: When,
    is_this: bool,
}

#[derive(Template)]
#[template(path = "desk/sessions.html")]
struct SessionsPage<'a> {
    layout: &'a Layout,
    rows: Vec<Row>,
}

fn own_token(req: &HttpRequest, app: &AppData) -> Result<String> {
    cookies::token(req, app, cookies::Kind::Session).ok_or_else(|| Error::internal("sessions", "no session"))
}

/// `GET /profile/sessions`
pub async fn list(req: HttpRequest, app: AppData, agent: Agent, layout: Layout) -> Result<HttpResponse> {
    let (now, this) = (app.clock.now(), token::sha256(own_token(&req, &app)?.as_bytes()));
    let (id, config) = (agent.id, app.config.clone());
    let found = app.db.read(move |conn| sessions::of_user(conn, &config, id, now)).await?;
    let row = |session: sessions::Session| Row {
        id: session.id().to_owned(),
        is_this: session.token_hash == this,
        signed_in: When::new(session.created_at, agent.zone),
        used: When::new(session.last_seen_at, agent.zone),
        device: if session.device.is_empty() { "Unknown browser".into() } else { session.device },
        network: session.network,
    };
    let rows = found.into_iter().map(row).collect();
    layout.page(&SessionsPage { layout: &layout, rows })
}

/// `POST /profile/sessions/{id}/end`
pub async fn end(app: AppData, agent: Agent, layout: Layout, path: web::Path<String>) -> Result<HttpResponse> {
    let (id, now) = (path.into_inner(), app.clock.now());
    app.write_as_user(&agent, Action::Read, move |conn, user| sessions::close_by_id(conn, user, &id, now)).await?;
    tracing::info!("one session ended");
    layout.see_other_with("/profile/sessions", &Flash::new("Signed out there."))
}

/// `POST /profile/sessions/end-others`: ends all but this one.
pub async fn end_others(req: HttpRequest, app: AppData, agent: Agent, layout: Layout) -> Result<HttpResponse> {
    let (token, now) = (own_token(&req, &app)?, app.clock.now());
    app.write_as_user(&agent, Action::Read, move |conn, user| sessions::close_others(conn, user, &token, now)).await?;
    tracing::info!("all other sessions ended");
    layout.see_other_with("/profile/sessions", &Flash::new("Signed out everywhere else."))
}

/// `POST /settings/team/{id}/end-sessions`: ends the sessions of a member that the agent may
/// manage.
pub async fn end_of_member(app: AppData, agent: Agent, layout: Layout, path: web::Path<i64>) -> Result<HttpResponse> {
    let (id, now) = (path.into_inner(), app.clock.now());
    let name = app.db.write(move |conn| members::end_sessions(conn, &agent, id, now)).await?.name;
    tracing::info!(member = id, "sessions of a member ended");
    layout.see_other_with("/settings/team", &Flash::new(format!("{name} was signed out everywhere.")))
}
