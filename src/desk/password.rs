//! `/password`: a new password for users who forgot theirs, by a one-time link.
//!
//! Opening the link changes nothing, because mail scanners open it, too. It hands its token to a
//! cookie, so that the form's address holds no secret.

use crate::accounts::password_links;
use crate::app::App;
use crate::desk::{cookies, sign_in};
use crate::error::{Error, Kind, OfField, Result};
use crate::limits::passwords;
use crate::limits::passwords::Turn;
use crate::upkeep::link_mails;
use crate::values::email::Email;
use crate::web::fields::Form;
use crate::web::flash::Flash;
use crate::web::layout::Layout;
use crate::web::{AppData, client};
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use serde::Deserialize;

#[derive(Template)]
#[template(path = "desk/password_forgot.html")]
struct ForgotPage<'a> {
    layout: &'a Layout,
    /// Whether the form was sent.
    is_sent: bool,
    email: &'a str,
    error: Option<Error>,
}

#[derive(Template)]
#[template(path = "desk/password_new.html")]
struct NewPage<'a> {
    layout: &'a Layout,
    email: &'a str,
    error: Option<Error>,
}

/// `GET /password/forgot`
pub async fn forgot(layout: Layout) -> Result<HttpResponse> {
    layout.page(&ForgotPage { layout: &layout, is_sent: false, email: "", error: None })
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Asked {
    email: String,
}

/// `POST /password/forgot`: `email`. The response is the same whether or not the address belongs
/// to a user, and as quick.
///
/// # Errors
/// *Too many* after many requests from one network.
pub async fn ask(req: HttpRequest, app: AppData, layout: Layout, Form(sent): Form<Asked>) -> Result<HttpResponse> {
    if !layout.sends_mail {
        return forgot(layout).await;
    }
    app.limits.password_network.check(client::network(&req, &app.config))?;
    let (error, is_sent) = match Email::parse(&sent.email).of_field("email") {
        Ok(email) => {
            // Beside the response, so that its time tells nothing. Mails beyond the limit of an
            // address are left out without a word.
            if app.limits.password_address.check(email.as_str()).is_ok() {
                actix_web::rt::spawn(request(app.clone(), email));
            }
            (None, true)
        }
        Err(error) => (Some(error), false),
    };
    let page = ForgotPage { layout: &layout, is_sent, email: &sent.email, error };
    layout.page_showing(page.error.as_ref(), &page)
}

async fn request(app: AppData, email: Email) {
    if let Err(error) = link_mails::request_password(&app, email).await {
        tracing::error!(cause = error.cause(), "a link for a new password could not be requested");
    }
}

/// `GET /password/{token}`: the link
///
/// # Errors
/// *Not found* when the link was used or has expired.
pub async fn open(app: AppData, layout: Layout, path: web::Path<String>) -> Result<HttpResponse> {
    let (secret, now) = (path.into_inner(), app.clock.now());
    let wanted = secret.clone();
    app.db.read(move |conn| password_links::find(conn, &wanted, now)).await?;
    let mut response = layout.see_other("/password/new");
    let cookie = cookies::cookie(&app, cookies::Kind::PasswordLink, secret);
    response.add_cookie(&cookie).map_err(|source| Error::internal("cookie", source))?;
    Ok(response)
}

/// The secret of the link that this browser opened.
fn secret(req: &HttpRequest, app: &App) -> Result<String> {
    let message = "Open the link for your new password again. If it doesn’t work any more, ask for a new one.";
    cookies::token(req, app, cookies::Kind::PasswordLink).ok_or_else(|| Error::new(Kind::NotFound, message))
}

/// `GET /password/new`
///
/// # Errors
/// *Not found* when the link was used or has expired.
pub async fn show(req: HttpRequest, app: AppData, layout: Layout) -> Result<HttpResponse> {
    let (secret, now) = (secret(&req, &app)?, app.clock.now());
    let user = app.db.read(move |conn| password_links::find(conn, &secret, now)).await?;
    layout.page(&NewPage { layout: &layout, email: &user.email, error: None })
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct NewPassword {
    password: String,
}

/// `POST /password/new`: `password`. Ends all sessions of the user, and signs them in here.
///
/// # Errors
/// *Not found* when the link was used or has expired.
pub async fn save(
    req: HttpRequest,
    app: AppData,
    layout: Layout,
    Form(sent): Form<NewPassword>,
) -> Result<HttpResponse> {
    let (secret, now) = (secret(&req, &app)?, app.clock.now());
    let wanted = secret.clone();
    let user = app.db.read(move |conn| password_links::find(conn, &wanted, now)).await?;
    if let Err(error) = passwords::check(&sent.password, &[&user.email, &user.name]).of_field("password") {
        let page = NewPage { layout: &layout, email: &user.email, error: Some(error) };
        return layout.page_showing(page.error.as_ref(), &page);
    }
    let turn = Turn { user: user.email, is_known: false };
    let hash = app.passwords.hash(turn, sent.password).await?;
    let user = app.db.write(move |conn| password_links::set_password(conn, &secret, &hash, now)).await?;
    tracing::info!(user = user.id, "password set by a link");
    let mut response = layout
        .see_other_with("/tickets", &Flash::new("Your new password is set. You were signed out everywhere else."))?;
    sign_in::start_session(&req, &app, user.id, &mut response).await?;
    let removal = cookies::removal(&app, cookies::Kind::PasswordLink);
    response.add_removal_cookie(&removal).map_err(|source| Error::internal("cookie", source))?;
    Ok(response)
}
