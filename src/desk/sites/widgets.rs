//! `/settings/chat`: chat bubbles for websites, their texts, and the HTML to copy.

use crate::accounts::agent::Agent;
use crate::accounts::role::Action;
use crate::conversations::texts::{MAX_TEXT, TEXTS, Text, Texts};
use crate::conversations::widgets;
use crate::conversations::widgets::{Settings, Widget};
use crate::desk::sites::list;
use crate::desk::sites::list::{Create, Row, Words};
use crate::error::{Error, Kind, Result};
use crate::values::token;
use crate::web::fields::{Fields, Form};
use crate::web::flash::Flash;
use crate::web::layout::Layout;
use crate::web::{AppData, client};
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

const WORDS: Words = Words {
    path: "/settings/chat",
    title: "Chat bubble",
    noun: "chat bubble",
    none: "No chat bubble yet",
    what_for: "Create one and copy its line into your website. Visitors can then chat from every page.",
    example: "Our shop",
};

async fn rows(app: &AppData, account_id: i64) -> Result<Vec<Row>> {
    let widgets = app.db.read(move |conn| widgets::all(conn, account_id)).await?;
    Ok(widgets.into_iter().map(|widget| Row { id: widget.id, name: widget.name, is_off: widget.is_off }).collect())
}

/// `GET /settings/chat`
pub async fn list(app: AppData, agent: Agent, layout: Layout) -> Result<HttpResponse> {
    list::render(&layout, &WORDS, rows(&app, agent.account_id).await?, None)
}

/// `POST /settings/chat`: `name`
pub async fn add(app: AppData, agent: Agent, layout: Layout, Form(typed): Form<Create>) -> Result<HttpResponse> {
    let name = match typed.parse() {
        Ok(name) => name,
        Err(error) => {
            let rows = rows(&app, agent.account_id).await?;
            return list::render(&layout, &WORDS, rows, Some((&typed.name, &error)));
        }
    };
    let (key, now) = (token::id()?, app.clock.now());
    let widget =
        app.write_as(&agent, Action::Configure, move |conn, actor| widgets::add(conn, actor, &name, &key, now)).await?;
    Ok(layout.see_other(format!("/settings/chat/{}", widget.id)))
}

/// One text of the bubble in the form.
struct TextField {
    text: Text,
    own: String,
}

#[derive(Template)]
#[template(path = "desk/sites/widget.html")]
struct WidgetPage<'a> {
    layout: &'a Layout,
    id: i64,
    typed: &'a Settings,
    texts: Vec<TextField>,
    max_text: usize,
    snippet: String,
    /// The hosted page of the chat.
    address: String,
    error: Option<&'a Error>,
}

fn render(
    req: &HttpRequest,
    app: &AppData,
    layout: &Layout,
    widget: &Widget,
    typed: &Settings,
    texts: Vec<TextField>,
    error: Option<&Error>,
) -> Result<HttpResponse> {
    let origin = client::our_origin(req, &app.config);
    let script = format!("{origin}{}", layout.href("/embed.js"));
    let address = format!("{origin}{}", layout.href(&format!("/c/{}", widget.key)));
    let snippet = format!("<script src=\"{script}\" data-user=\"{}\" async></script>", widget.key);
    let (id, max_text) = (widget.id, MAX_TEXT);
    layout.page_showing(error, &WidgetPage { layout, id, typed, texts, max_text, snippet, address, error })
}

fn text_fields(own: impl Fn(&str) -> String) -> Vec<TextField> {
    TEXTS.iter().map(|text| TextField { text: *text, own: own(text.key) }).collect()
}

/// `GET /settings/chat/{id}`
pub async fn show(
    req: HttpRequest,
    app: AppData,
    agent: Agent,
    layout: Layout,
    path: web::Path<i64>,
) -> Result<HttpResponse> {
    let id = path.into_inner();
    let widget = app.db.read(move |conn| widgets::get(conn, agent.account_id, id)).await?;
    let texts = widget.texts();
    let typed = widget.clone().into();
    render(&req, &app, &layout, &widget, &typed, text_fields(|key| texts.own(key).to_owned()), None)
}

/// `POST /settings/chat/{id}`: `name`, `allowedOrigins`, `askName`, `askEmail`,
/// `colour`, `language`, `off`, and each text as `text-…`
pub async fn save(
    req: HttpRequest,
    app: AppData,
    agent: Agent,
    layout: Layout,
    path: web::Path<i64>,
    sent: Fields,
) -> Result<HttpResponse> {
    let (id, now) = (path.into_inner(), app.clock.now());
    let typed: Settings = sent.read()?;
    let own = |key: &str| sent.get(&format!("text-{key}"));
    let parsed = match Texts::parse(own).and_then(|texts| typed.parse(&texts)) {
        Ok(parsed) => parsed,
        Err(error) if error.kind == Kind::Invalid => {
            let widget = app.db.read(move |conn| widgets::get(conn, agent.account_id, id)).await?;
            return render(&req, &app, &layout, &widget, &typed, text_fields(own), Some(&error));
        }
        Err(error) => return Err(error),
    };
    app.write_as(&agent, Action::Configure, move |conn, actor| widgets::change(conn, actor, id, &parsed, now)).await?;
    layout.see_other_with(format!("/settings/chat/{id}"), &Flash::new("Saved. Visitors see it within a minute."))
}
