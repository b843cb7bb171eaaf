//! `/settings/forms`: creating a form, and the HTML that a website copies.

use crate::accounts::agent::Agent;
use crate::accounts::role::Action;
use crate::desk::sites::list;
use crate::desk::sites::list::{Create, Row, Words};
use crate::error::{Error, Kind, Result};
use crate::submissions::form;
use crate::submissions::form::{Form as WebsiteForm, Settings};
use crate::values::token;
use crate::web::fields::Form;
use crate::web::flash::Flash;
use crate::web::layout::Layout;
use crate::web::{AppData, client};
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

const WORDS: Words = Words {
    path: "/settings/forms",
    title: "Forms",
    noun: "form",
    none: "No form yet",
    what_for: "Create one and copy its HTML into your website. Submissions appear in the desk.",
    example: "Contact form",
};

async fn rows(app: &AppData, account_id: i64) -> Result<Vec<Row>> {
    let forms = app.db.read(move |conn| form::all(conn, account_id)).await?;
    Ok(forms.into_iter().map(|form| Row { id: form.id, name: form.name, is_off: form.is_off }).collect())
}

/// `GET /settings/forms`
pub async fn list(app: AppData, agent: Agent, layout: Layout) -> Result<HttpResponse> {
    list::render(&layout, &WORDS, rows(&app, agent.account_id).await?, None)
}

/// `POST /settings/forms`: `name`
pub async fn add(app: AppData, agent: Agent, layout: Layout, Form(typed): Form<Create>) -> Result<HttpResponse> {
    let name = match typed.parse() {
        Ok(name) => name,
        Err(error) => {
            let rows = rows(&app, agent.account_id).await?;
            return list::render(&layout, &WORDS, rows, Some((&typed.name, &error)));
        }
    };
    let (key, now) = (token::id()?, app.clock.now());
    let form =
        app.write_as(&agent, Action::Configure, move |conn, actor| form::add(conn, actor, &name, &key, now)).await?;
    Ok(layout.see_other(format!("/settings/forms/{}", form.id)))
}

#[derive(Template)]
#[template(path = "desk/sites/form.html")]
struct FormPage<'a> {
    layout: &'a Layout,
    id: i64,
    typed: &'a Settings,
    address: String,
    script: String,
    error: Option<&'a Error>,
}

fn render(
    req: &HttpRequest,
    app: &AppData,
    layout: &Layout,
    form: &WebsiteForm,
    typed: &Settings,
    error: Option<&Error>,
) -> Result<HttpResponse> {
    let origin = client::our_origin(req, &app.config);
    let address = format!("{origin}{}", layout.href(&format!("/f/{}", form.key)));
    let script = format!("{origin}{}", layout.href("/form.js"));
    layout.page_showing(error, &FormPage { layout, id: form.id, typed, address, script, error })
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
    render(&req, &app, &layout, &form, &form.clone().into(), None)
}

/// `POST /settings/forms/{id}`: `name`, `allowedOrigins`, `next`, `thanks`, `off`
pub async fn save(
    req: HttpRequest,
    app: AppData,
    agent: Agent,
    layout: Layout,
    path: web::Path<i64>,
    Form(typed): Form<Settings>,
) -> Result<HttpResponse> {
    let (id, now) = (path.into_inner(), app.clock.now());
    let parsed = match typed.parse() {
        Ok(parsed) => parsed,
        Err(error) if error.kind == Kind::Invalid => {
            let form = app.db.read(move |conn| form::find(conn, agent.account_id, id)).await?;
            return render(&req, &app, &layout, &form, &typed, Some(&error));
        }
        Err(error) => return Err(error),
    };
    app.write_as(&agent, Action::Configure, move |conn, actor| form::change(conn, actor, id, &parsed, now)).await?;
    layout.see_other_with(format!("/settings/forms/{id}"), &Flash::new("Saved."))
}
