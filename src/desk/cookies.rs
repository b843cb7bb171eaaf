//! The cookies of the desk: the session, the browser in which a user has signed in before,
//! and the link with which they set a new password.

use crate::accounts::{devices, password_links};
use crate::app::App;
use actix_web::HttpRequest;
use actix_web::cookie::{Cookie, SameSite, time};

/// What a cookie holds.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The token of a session.
    Session,
    /// The token of a known browser.
    Device,
    /// The token of a link for a new password.
    PasswordLink,
}

/// A cookie's name contains the installation's id, because browsers share cookies between
/// all ports of a host. With `__Host-`, a neighbouring host cannot set the cookie, but
/// browsers accept the prefix only over TLS.
fn name(app: &App, kind: Kind) -> String {
    let prefix = if app.config.is_https() { "__Host-" } else { "" };
    let word = match kind {
        Kind::Session => "session",
        Kind::Device => "device",
        Kind::PasswordLink => "password",
    };
    format!("{prefix}docket_{word}_{}", app.installation.short())
}

pub fn token(req: &HttpRequest, app: &App, kind: Kind) -> Option<String> {
    req.cookie(&name(app, kind)).map(|cookie| cookie.value().to_owned()).filter(|token| !token.is_empty())
}

/// A cookie with a token, which scripts can't read.
pub fn cookie(app: &App, kind: Kind, token: String) -> Cookie<'static> {
    let age = match kind {
        Kind::Session => time::Duration::seconds(app.config.session_max.num_seconds()),
        Kind::Device => time::Duration::days(devices::DAYS),
        Kind::PasswordLink => time::Duration::hours(password_links::HANDED_OVER_HOURS),
    };
    Cookie::build(name(app, kind), token)
        .path("/")
        .http_only(true)
        .secure(app.config.is_https())
        .same_site(SameSite::Lax)
        .max_age(age)
        .finish()
}

/// Removes a cookie from the browser.
pub fn removal(app: &App, kind: Kind) -> Cookie<'static> {
    let mut cookie = cookie(app, kind, String::new());
    cookie.make_removal();
    cookie
}
