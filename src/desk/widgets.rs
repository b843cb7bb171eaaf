//! `/settings/chat`: the bubbles for websites, what they say, and the line to copy.

use crate::accounts::agent::Agent;
use crate::accounts::role::Action;
use crate::accounts::user::MAX_NAME;
use crate::conversations::texts::{MAX_TEXT, TEXTS, Text, Texts};
use crate::conversations::widgets;
use crate::conversations::widgets::{Change, Widget};
use crate::error::{Error, Kind, Result};
use crate::values::{text, token};
use crate::web::fields::Fields;
use crate::web::flash::Flash;
use crate::web::layout::Layout;
use crate::web::{AppData, client, cross_origin};
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

#[derive(Template)]
#[template(path = "desk/widgets/list.html")]
struct ListPage<'a> {
    layout: &'a Layout,
    widgets: Vec<Widget>,
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
    let widgets = app.db.read(move |conn| widgets::all(conn, account_id)).await?;
    let status = failed.as_ref().map_or(StatusCode::OK, |(_, error)| error.kind.status());
    let (name, error) = failed.map_or((String::new(), None), |(name, error)| (name, Some(error.message().to_owned())));
    layout.page_with(status, &ListPage { layout, widgets, name, error })
}

/// `GET /settings/chat`
pub async fn list(app: AppData, agent: Agent, layout: Layout) -> Result<HttpResponse> {
    render_list(&app, &agent, &layout, None).await
}

/// `POST /settings/chat`: `name`
pub async fn add(app: AppData, agent: Agent, layout: Layout, sent: Fields) -> Result<HttpResponse> {
    let name = match text::required_line("The name", &sent.get("name"), MAX_NAME) {
        Ok(name) => name,
        Err(error) => return render_list(&app, &agent, &layout, Some((sent.get("name"), error))).await,
    };
    let (key, now) = (token::id()?, app.clock.now());
    let widget = app
        .write_as(&agent, Action::Configure, move |conn, actor| widgets::add(conn, actor.account_id, &name, &key, now))
        .await?;
    Ok(layout.see_other(format!("/settings/chat/{}", widget.id)))
}

/// One text of the bubble in the form.
struct TextField {
    text: Text,
    own: String,
}

#[derive(Template)]
#[template(path = "desk/widgets/show.html")]
struct WidgetPage<'a> {
    layout: &'a Layout,
    id: i64,
    typed: &'a Change,
    texts: Vec<TextField>,
    max_text: usize,
    snippet: String,
    error: Option<&'a str>,
}

fn render(
    req: &HttpRequest,
    app: &AppData,
    layout: &Layout,
    widget: &Widget,
    typed: &Change,
    texts: Vec<TextField>,
    error: Option<&Error>,
) -> Result<HttpResponse> {
    let script = format!("{}{}", client::our_origin(req, &app.config), layout.href("/embed.js"));
    let snippet = format!("<script src=\"{script}\" data-user=\"{}\" async></script>", widget.key);
    let status = error.map_or(StatusCode::OK, |error| error.kind.status());
    let (id, error) = (widget.id, error.map(Error::message));
    layout.page_with(status, &WidgetPage { layout, id, typed, texts, max_text: MAX_TEXT, snippet, error })
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
    let stored = widget.clone();
    let typed = Change {
        name: stored.name,
        allowed_origins: stored.allowed_origins,
        ask_name: stored.ask_name,
        ask_email: stored.ask_email,
        colour: stored.colour,
        language: stored.language,
        texts: stored.texts,
        is_off: stored.is_off,
    };
    let texts = widget.texts();
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
    let id = path.into_inner();
    let typed = Change {
        name: sent.get("name"),
        allowed_origins: sent.get("allowedOrigins"),
        ask_name: sent.get("askName") == "1",
        ask_email: sent.get("askEmail") == "1",
        colour: sent.get("colour"),
        language: sent.get("language"),
        texts: String::new(),
        is_off: sent.get("off") == "1",
    };
    let own = |key: &str| sent.get(&format!("text-{key}"));
    let parsed = match parse(&typed, own) {
        Ok(parsed) => parsed,
        Err(error) if error.kind == Kind::Invalid => {
            let widget = app.db.read(move |conn| widgets::get(conn, agent.account_id, id)).await?;
            return render(&req, &app, &layout, &widget, &typed, text_fields(own), Some(&error));
        }
        Err(error) => return Err(error),
    };
    app.write_as(&agent, Action::Configure, move |conn, actor| widgets::change(conn, actor.account_id, id, &parsed))
        .await?;
    layout.see_other_saying(format!("/settings/chat/{id}"), &Flash::new("Saved. Visitors see it within a minute."))
}

fn parse(typed: &Change, own: impl Fn(&str) -> String) -> Result<Change> {
    Ok(Change {
        name: text::required_line("The name", &typed.name, MAX_NAME)?,
        allowed_origins: cross_origin::parse_origins(&typed.allowed_origins)?,
        colour: parse_colour(&typed.colour)?,
        language: parse_language(&typed.language)?,
        texts: Texts::parse(own)?.to_json()?,
        ..typed.clone()
    })
}

fn parse_colour(colour: &str) -> Result<String> {
    let colour = colour.trim().to_lowercase();
    let digits = colour.strip_prefix('#').unwrap_or("");
    if digits.len() == 6 && digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Ok(colour);
    }
    Err(Error::invalid("A colour is # and six digits, such as #2457c5."))
}

/// A language tag (BCP 47), as far as its form tells.
fn parse_language(language: &str) -> Result<String> {
    let language = language.trim();
    let is_part = |part: &str| (1..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let first = language.split('-').next().unwrap_or("");
    if language.len() <= 35
        && (2..=8).contains(&first.len())
        && first.bytes().all(|byte| byte.is_ascii_alphabetic())
        && language.split('-').all(is_part)
    {
        return Ok(language.to_owned());
    }
    Err(Error::invalid("A language is a tag such as en, de or pt-BR."))
}
