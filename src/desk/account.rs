//! `/settings`: the account's name, its time zone, and the addresses of other systems.

use crate::accounts::account;
use crate::accounts::account::Settings;
use crate::accounts::agent::Agent;
use crate::accounts::role::Action;
use crate::error::{Error, Kind, Result};
use crate::web::AppData;
use crate::web::fields::Form;
use crate::web::flash::Flash;
use crate::web::layout::Layout;
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use askama::Template;

#[derive(Template)]
#[template(path = "desk/account.html")]
struct AccountPage<'a> {
    layout: &'a Layout,
    settings: &'a Settings,
    zones: Vec<&'static str>,
    error: Option<&'a str>,
}

fn render(layout: &Layout, settings: &Settings, error: Option<&Error>) -> Result<HttpResponse> {
    let zones = chrono_tz::TZ_VARIANTS.iter().map(|zone| zone.name()).collect();
    let status = error.map_or(StatusCode::OK, |_| Kind::Invalid.status());
    layout.page_with(status, &AccountPage { layout, settings, zones, error: error.map(Error::message) })
}

/// `GET /settings`
pub async fn show(app: AppData, agent: Agent, layout: Layout) -> Result<HttpResponse> {
    let account = app.db.read(move |conn| account::find(conn, agent.account_id)).await?;
    render(&layout, &account.into(), None)
}

/// `POST /settings`: `name`, `timeZone`, `conversationUrl`, `submissionUrl`
pub async fn save(app: AppData, agent: Agent, layout: Layout, Form(typed): Form<Settings>) -> Result<HttpResponse> {
    let now = app.clock.now();
    let parsed = match typed.parse() {
        Ok(parsed) => parsed,
        Err(error) => return render(&layout, &typed, Some(&error)),
    };
    app.write_as(&agent, Action::Configure, move |conn, actor| account::change_settings(conn, actor, &parsed, now))
        .await?;
    layout.see_other_with("/settings", &Flash::new("Saved."))
}
