//! `/settings/forms`: making a form and the HTML that a website copies.

use crate::accounts::agent::Agent;
use crate::accounts::role::Action;
use crate::accounts::user::MAX_NAME;
use crate::error::{Error, Kind, Result};
use crate::submissions::form;
use crate::submissions::form::{Change, Form};
use crate::values::{text, token};
use crate::web::fields::Fields;
use crate::web::flash::Flash;
use crate::web::layout::Layout;
use crate::web::{AppData, client, cross_origin};
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

#[derive(Template)]
#[template(path = "desk/forms/list.html")]
struct FormsPage<'a> {
    layout: &'a Layout,
    forms: Vec<Form>,
    name: String,
    error: Option<String>,
}

async fn render_list(
    app: &AppData,
    agent: &Agent,
    layout: &Layout,
    failed: Option<(String, Error)>,
) -> Result<HttpResponse> {
    let account_id = agent.account_id;
    let forms = app.db.read(move |conn| form::all(conn, account_id)).await?;
    let status = failed.as_ref().map_or(actix_web::http::StatusCode::OK, |(_, error)| error.kind.status());
    let (name, error) = failed.map_or((String::new(), None), |(name, error)| (name, Some(error.message().to_owned())));
    layout.page_with(status, &FormsPage { layout, forms, name, error })
}

/// `GET /settings/forms`
pub async fn list(app: AppData, agent: Agent, layout: Layout) -> Result<HttpResponse> {
    render_list(&app, &agent, &layout, None).await
}

/// `POST /settings/forms`: `name`
pub async fn add(app: AppData, agent: Agent, layout: Layout, sent: Fields) -> Result<HttpResponse> {
    let name = match text::required_line("The name", &sent.get("name"), MAX_NAME) {
        Ok(name) => name,
        Err(error) => return render_list(&app, &agent, &layout, Some((sent.get("name"), error))).await,
    };
    let (key, now) = (token::id()?, app.clock.now());
    let form = app
        .write_as(&agent, Action::Configure, move |conn, actor| form::add(conn, actor.account_id, &name, &key, now))
        .await?;
    Ok(layout.see_other(format!("/settings/forms/{}", form.id)))
}

#[derive(Template)]
#[template(path = "desk/forms/show.html")]
struct FormPage<'a> {
    layout: &'a Layout,
    form: &'a Form,
    address: String,
    script: String,
    error: Option<&'a str>,
}

fn render(
    req: &HttpRequest,
    app: &AppData,
    layout: &Layout,
    form: &Form,
    error: Option<&Error>,
) -> Result<HttpResponse> {
    let origin = client::our_origin(req, &app.config);
    let address = format!("{origin}{}", layout.href(&format!("/f/{}", form.key)));
    let script = format!("{origin}{}", layout.href("/form.js"));
    let status = error.map_or(actix_web::http::StatusCode::OK, |error| error.kind.status());
    layout.page_with(status, &FormPage { layout, form, address, script, error: error.map(Error::message) })
}

/// `GET /settings/forms/{id}`
pub async fn show(
    req: HttpRequest,
    app: AppData,
    agent: Agent,
    layout: Layout,
    path: web::Path<i64>,
) -> Result<HttpResponse> {
    let id = path.into_inner();
    let form = app.db.read(move |conn| form::find(conn, agent.account_id, id)).await?;
    render(&req, &app, &layout, &form, None)
}

/// `POST /settings/forms/{id}`: `name`, `allowedOrigins`, `next`, `thanks`, `off`
pub async fn save(
    req: HttpRequest,
    app: AppData,
    agent: Agent,
    layout: Layout,
    path: web::Path<i64>,
    sent: Fields,
) -> Result<HttpResponse> {
    let id = path.into_inner();
    let parsed = match parse(&sent) {
        Ok(parsed) => parsed,
        Err(error) if error.kind == Kind::Invalid => {
            let form = app.db.read(move |conn| form::find(conn, agent.account_id, id)).await?;
            let (name, allowed_origins) = (sent.get("name"), sent.get("allowedOrigins"));
            let (next_url, thanks) = (sent.get("next"), sent.get("thanks"));
            let is_off = sent.get("off") == "1";
            let form = Form { name, allowed_origins, next_url, thanks, is_off, ..form };
            return render(&req, &app, &layout, &form, Some(&error));
        }
        Err(error) => return Err(error),
    };
    app.write_as(&agent, Action::Configure, move |conn, actor| form::change(conn, actor.account_id, id, &parsed))
        .await?;
    layout.see_other_saying(format!("/settings/forms/{id}"), &Flash::new("Saved."))
}

/// Longest text of the page after sending, in characters.
const MAX_THANKS: usize = 1_000;

fn parse(sent: &Fields) -> Result<Change> {
    let next_url = sent.get("next").trim().to_owned();
    if !next_url.is_empty() && text::web_url(&next_url).is_none() {
        return Err(Error::invalid("The redirect must start with https:// or http://."));
    }
    Ok(Change {
        name: text::required_line("The name", &sent.get("name"), MAX_NAME)?,
        allowed_origins: cross_origin::parse_origins(&sent.get("allowedOrigins"))?,
        next_url,
        thanks: text::block("The thanks", sent.get("thanks").trim(), MAX_THANKS)?,
        is_off: sent.get("off") == "1",
    })
}
