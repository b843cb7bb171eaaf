//! `GET /f/{formKey}` and `GET /c/{widgetKey}`: a form and a chat as pages of their own, to
//! try them and to link to.

use crate::accounts::account;
use crate::conversations::widgets;
use crate::error::Result;
use crate::submissions::form;
use crate::submissions::form::Form;
use crate::web::AppData;
use crate::web::layout::Layout;
use actix_web::{HttpResponse, web};
use askama::Template;

#[derive(Template)]
#[template(path = "public/form.html")]
struct FormPage<'a> {
    layout: &'a Layout,
    form: &'a Form,
    account: String,
}

/// `GET /f/{formKey}`
///
/// # Errors
/// *Not found* for an unknown key, and while the form is switched off.
pub async fn form(app: AppData, layout: Layout, path: web::Path<String>) -> Result<HttpResponse> {
    let key = path.into_inner();
    let (form, account) = app
        .db
        .read(move |conn| {
            let form = form::by_key(conn, &key)?;
            let account = account::find(conn, form.account_id)?;
            Ok((form, account.name))
        })
        .await?;
    layout.page(&FormPage { layout: &layout, form: &form, account })
}

#[derive(Template)]
#[template(path = "public/chat.html")]
struct ChatPage<'a> {
    layout: &'a Layout,
    key: String,
    title: String,
    welcome: String,
}

/// `GET /c/{widgetKey}`
///
/// # Errors
/// *Not found* for an unknown key, and while the bubble is switched off.
pub async fn chat(app: AppData, layout: Layout, path: web::Path<String>) -> Result<HttpResponse> {
    let key = path.into_inner();
    let widget = app.db.read(move |conn| widgets::by_key(conn, &key)).await?;
    let texts = widget.texts();
    let text = |key: &str| texts.all().get(key).map(ToString::to_string).unwrap_or_default();
    let (title, welcome) = (text("title"), text("welcome"));
    layout.page(&ChatPage { layout: &layout, key: widget.key, title, welcome })
}
