//! `/setup`: opening the first account with a one-time link.

use crate::accounts::setup_links;
use crate::desk::join::{NewMember, new_user, welcome};
use crate::desk::sign_in;
use crate::error::{Error, Kind, Result};
use crate::upkeep::sample as sample_data;
use crate::web::AppData;
use crate::web::fields::Fields;
use crate::web::layout::Layout;
use crate::web::query::Query;
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;
use serde::Deserialize;

/// Query of `/setup`.
#[derive(Deserialize)]
pub struct Link {
    #[serde(default)]
    token: String,
}

#[derive(Template)]
#[template(path = "desk/setup.html")]
struct SetupPage<'a> {
    layout: &'a Layout,
    token: &'a str,
    name: &'a str,
    email: &'a str,
    sample: bool,
    error: Option<&'a Error>,
}

/// `GET /setup?token=…`
///
/// # Errors
/// *Not found* when the link was used or has expired.
pub async fn show(app: AppData, layout: Layout, link: Query<Link>) -> Result<HttpResponse> {
    let (secret, now) = (link.into_inner().token, app.clock.now());
    let wanted = secret.clone();
    app.db.read(move |conn| setup_links::check(conn, &wanted, now)).await?;
    let page = SetupPage { layout: &layout, token: &secret, name: "", email: "", sample: false, error: None };
    layout.page(&page)
}

/// `POST /setup?token=…`
///
/// # Errors
/// *Not found* when the link was used or has expired.
pub async fn open(
    req: HttpRequest,
    app: AppData,
    layout: Layout,
    link: Query<Link>,
    sent: Fields,
) -> Result<HttpResponse> {
    let (secret, now) = (link.into_inner().token, app.clock.now());
    let wanted = secret.clone();
    app.db.read(move |conn| setup_links::check(conn, &wanted, now)).await?;
    let typed: NewMember = sent.read()?;
    let sample = !sent.get("sample").is_empty();
    let user = match new_user(&app, &typed, &typed.email, "").await {
        Ok(user) => user,
        Err(error) if error.kind == Kind::Invalid => {
            let (name, email) = (&typed.name, &typed.email);
            let error = Some(&error);
            let page = SetupPage { layout: &layout, token: &secret, name, email, sample, error };
            return layout.page_showing(page.error, &page);
        }
        Err(error) => return Err(error),
    };
    let id = app.db.write(move |conn| setup_links::open_account(conn, &secret, &user, now)).await?;
    if sample {
        sample_data::load(&app, id, &sample_data::Plan::default(), |_| {}).await?;
    }
    let mut response = welcome(&layout, &typed.time_zone)?;
    sign_in::start_session(&req, &app, id, &mut response).await?;
    Ok(response)
}
