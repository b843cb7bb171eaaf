//! `/settings/keys`: creating and revoking API keys.

use crate::accounts::agent::Agent;
use crate::accounts::keys;
use crate::accounts::role::Action;
use crate::accounts::user::MAX_NAME;
use crate::desk::confirm::Confirm;
use crate::error::{Error, Kind, OfField, Result};
use crate::values::text;
use crate::web::AppData;
use crate::web::fields::Form;
use crate::web::flash::Flash;
use crate::web::layout::Layout;
use crate::web::when::When;
use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;
use serde::Deserialize;

struct Row {
    id: i64,
    name: String,
    hint: String,
    made: When,
    used: Option<When>,
    revoked: Option<When>,
}

#[derive(Template)]
#[template(path = "desk/keys.html")]
struct KeysPage<'a> {
    layout: &'a Layout,
    rows: Vec<Row>,
    /// The key that was just created. It is never shown again.
    fresh: Option<&'a str>,
    name: &'a str,
    error: Option<&'a Error>,
}

async fn render(
    app: &AppData,
    agent: &Agent,
    layout: &Layout,
    fresh: Option<&str>,
    failed: Option<(&str, &Error)>,
) -> Result<HttpResponse> {
    let account_id = agent.account_id;
    let rows = app.db.read(move |conn| keys::all(conn, account_id)).await?;
    let when = |at| When::new(at, agent.zone);
    let row = |row: keys::ApiKey| Row {
        id: row.id,
        name: row.name,
        hint: row.hint,
        made: when(row.created_at),
        used: row.last_used_at.map(when),
        revoked: row.revoked_at.map(when),
    };
    let status = match (fresh, failed) {
        (_, Some((_, error))) => error.kind.status(),
        (Some(_), None) => StatusCode::CREATED,
        (None, None) => StatusCode::OK,
    };
    let (name, error) = failed.map_or(("", None), |(name, error)| (name, Some(error)));
    let rows = rows.into_iter().map(row).collect();
    layout.page_with(status, &KeysPage { layout, rows, fresh, name, error })
}

/// `GET /settings/keys`
pub async fn list(app: AppData, agent: Agent, layout: Layout) -> Result<HttpResponse> {
    render(&app, &agent, &layout, None, None).await
}

#[derive(Deserialize)]
pub struct NewKey {
    #[serde(default)]
    name: String,
    /// The user's password.
    #[serde(default)]
    current: String,
}

/// `POST /settings/keys`: `name`, `current` (the user's password). Shows the key once.
pub async fn add(
    app: AppData,
    agent: Agent,
    layout: Layout,
    confirm: Confirm,
    Form(sent): Form<NewKey>,
) -> Result<HttpResponse> {
    let typed = sent.name;
    let name = match text::required_line("The name", &typed, MAX_NAME).of_field("name") {
        Ok(name) => name,
        Err(error) => return render(&app, &agent, &layout, None, Some((&typed, &error))).await,
    };
    match confirm.password(&app, &agent, sent.current).await {
        Err(error) if error.kind == Kind::Invalid => {
            return render(&app, &agent, &layout, None, Some((&typed, &error))).await;
        }
        confirmed => confirmed?,
    }
    let (key, now) = (keys::generate()?, app.clock.now());
    let stored = key.clone();
    app.write_as_user(&agent, Action::Own, move |conn, owner| {
        keys::add(conn, &owner.into(), owner, &name, &stored, now)
    })
    .await?;
    tracing::info!("API key created");
    render(&app, &agent, &layout, Some(&key), None).await
}

/// `POST /settings/keys/{id}/revoke`
pub async fn revoke(app: AppData, agent: Agent, layout: Layout, path: web::Path<i64>) -> Result<HttpResponse> {
    let (id, now) = (path.into_inner(), app.clock.now());
    app.write_as(&agent, Action::Own, move |conn, actor| keys::revoke(conn, actor, id, now)).await?;
    tracing::info!(revoked = id, "API key revoked");
    layout.see_other_with(
        "/settings/keys",
        &Flash::new("The key is revoked. Programs that use it no longer have access."),
    )
}
