//! What every page's frame needs: links, who is signed in, a message from the
//! action before.

use crate::app::App;
use crate::config::Config;
use crate::error::{Error, Kind, Result};
use crate::web::assets;
use actix_web::cookie::{Cookie, SameSite, time::Duration};
use actix_web::http::{StatusCode, header::LOCATION};
use actix_web::{FromRequest, HttpMessage, HttpRequest, HttpResponse, dev::Payload, web};
use askama::Template;
use serde::{Deserialize, Serialize};
use std::future::{Ready, ready};

/// Browsers keep the cookies of all ports of a host together.
fn flash_name(desk: &str) -> String {
    format!("docket_flash_{desk}")
}

/// Makes every link of the program, so that it can live below a base path.
#[derive(Clone, Debug, Default)]
pub struct Links {
    base: String,
}

impl Links {
    /// Links below the base path of the public URL.
    pub fn new(config: &Config) -> Self {
        Self { base: config.base_path().to_owned() }
    }

    /// The address of a path of ours, such as `/tickets/12`.
    pub fn href(&self, path: impl std::fmt::Display) -> String {
        format!("{}{path}", self.base)
    }

    /// The path of ours in a path that a request names: without the base.
    pub fn local<'a>(&self, path: &'a str) -> &'a str {
        path.strip_prefix(self.base.as_str()).unwrap_or(path)
    }

    /// The address of a file of `static/`.
    pub fn asset(&self, name: &str) -> String {
        self.href(assets::path(name))
    }

    /// `303 See Other` to a path of ours.
    pub fn see_other(&self, path: impl std::fmt::Display) -> HttpResponse {
        HttpResponse::SeeOther().insert_header((LOCATION, self.href(path))).finish()
    }
}

/// Who is signed in, as far as the frame of a page shows it.
#[derive(Clone, Debug)]
pub struct Who {
    /// The user's id, which keeps drafts of two people on one computer apart.
    pub id: i64,
    /// The user's name.
    pub name: String,
    /// Whether they may change tickets, conversations and submissions.
    pub may_work: bool,
    /// Whether they may change settings and team.
    pub may_configure: bool,
    /// Whether they may make and revoke keys.
    pub may_own: bool,
}

/// A message for the next page, perhaps with a way back.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Flash {
    /// What happened.
    pub text: String,
    /// A path of ours that takes a `POST` and undoes it.
    pub undo: Option<String>,
}

impl Flash {
    /// A message alone.
    pub fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), undo: None }
    }

    /// A message with an undo button, which posts to `path`.
    pub fn with_undo(text: impl Into<String>, path: impl Into<String>) -> Self {
        Self { text: text.into(), undo: Some(path.into()) }
    }
}

/// The frame of one page. Handlers take it and answer through it.
#[derive(Clone, Debug)]
pub struct Layout {
    /// Makes links.
    pub links: Links,
    /// Who is signed in, if anybody.
    pub who: Option<Who>,
    /// The message from the action before.
    pub flash: Option<Flash>,
    /// Which desk it is, for what browsers keep.
    pub desk: String,
    path: String,
    https: bool,
}

impl Layout {
    /// The frame for an answer to this request.
    pub fn of(req: &HttpRequest) -> Self {
        let app = req.app_data::<web::Data<App>>();
        let config = app.map(|app| &app.config);
        let desk = app.map_or("", |app| app.installation.short()).to_owned();
        let who = req.extensions().get::<Who>().cloned();
        // Pages that anybody can open stay blind to cookies.
        let cookie = who.as_ref().and_then(|_| req.cookie(&flash_name(&desk)));
        let links = config.map(Links::new).unwrap_or_default();
        Self {
            who,
            desk,
            flash: cookie.and_then(|cookie| read_flash(cookie.value())),
            path: links.local(req.path()).to_owned(),
            links,
            https: config.is_some_and(Config::is_https),
        }
    }

    /// The address of a path of ours.
    pub fn href(&self, path: &str) -> String {
        self.links.href(path)
    }

    /// The address of a file of `static/`.
    pub fn asset(&self, name: &str) -> String {
        self.links.asset(name)
    }

    /// The program's version.
    pub fn version(&self) -> &'static str {
        env!("CARGO_PKG_VERSION")
    }

    /// `page` where the current page lies at or below `path`, for `aria-current`.
    pub fn current(&self, path: &str) -> &'static str {
        let rest = self.path.strip_prefix(path);
        if rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/')) { "page" } else { "false" }
    }

    /// The same, where only the path itself counts.
    pub fn current_exactly(&self, path: &str) -> &'static str {
        if self.path == path { "page" } else { "false" }
    }

    /// The number of the ticket on which something was tried, where the path says so.
    pub fn ticket_number(&self) -> Option<i64> {
        let (number, _) = self.path.strip_prefix("/tickets/")?.split_once('/')?;
        number.parse().ok()
    }

    /// Whether people on other websites see this page, who know nothing of a desk.
    pub fn is_for_visitors(&self) -> bool {
        self.path.starts_with("/f/")
    }

    /// Whether only programs ask for this address.
    pub fn is_for_programs(&self) -> bool {
        self.path.starts_with("/api/") || self.path.starts_with("/chat/")
    }

    /// Whether the person may change tickets, conversations and submissions.
    pub fn may_work(&self) -> bool {
        self.who.as_ref().is_some_and(|who| who.may_work)
    }

    /// Whether the person may change settings and team.
    pub fn may_configure(&self) -> bool {
        self.who.as_ref().is_some_and(|who| who.may_configure)
    }

    /// Whether the person may make and revoke keys.
    pub fn may_own(&self) -> bool {
        self.who.as_ref().is_some_and(|who| who.may_own)
    }

    /// `200` with a page.
    pub fn page(&self, page: &impl Template) -> Result<HttpResponse> {
        self.page_with(StatusCode::OK, page)
    }

    /// A page of any status.
    pub fn page_with(&self, status: StatusCode, page: &impl Template) -> Result<HttpResponse> {
        let mut response = html(status, page)?;
        if self.flash.is_some() {
            let mut cookie = self.flash_cookie(String::new());
            cookie.make_removal();
            add_cookie(&mut response, &cookie)?;
        }
        Ok(response)
    }

    /// `303` to a path of ours.
    pub fn see_other(&self, path: impl std::fmt::Display) -> HttpResponse {
        self.links.see_other(path)
    }

    /// `303` to a path of ours, where a message waits.
    ///
    /// # Errors
    /// *Internal* when the message cannot be written as a cookie.
    pub fn see_other_saying(&self, path: impl std::fmt::Display, flash: &Flash) -> Result<HttpResponse> {
        let json = serde_json::to_string(flash).map_err(|source| Error::internal("flash", source))?;
        let value = percent_encoding::utf8_percent_encode(&json, percent_encoding::NON_ALPHANUMERIC);
        let mut response = self.see_other(path);
        add_cookie(&mut response, &self.flash_cookie(value.to_string()))?;
        Ok(response)
    }

    fn flash_cookie(&self, value: String) -> Cookie<'static> {
        Cookie::build(flash_name(&self.desk), value)
            .path(self.links.href("/"))
            .http_only(true)
            .secure(self.https)
            .same_site(SameSite::Lax)
            .max_age(Duration::minutes(2))
            .finish()
    }
}

fn html(status: StatusCode, page: &impl Template) -> Result<HttpResponse> {
    let body = page.render().map_err(|source| Error::internal("template", source))?;
    Ok(HttpResponse::build(status).content_type("text/html; charset=utf-8").body(body))
}

fn read_flash(value: &str) -> Option<Flash> {
    let json = percent_encoding::percent_decode_str(value).decode_utf8().ok()?;
    let flash: Flash = serde_json::from_str(&json).ok()?;
    // A cookie is somebody's word: an undo may only lead to a path of ours.
    Some(Flash { undo: flash.undo.filter(|path| is_local_path(path)), ..flash })
}

fn add_cookie(response: &mut HttpResponse, cookie: &Cookie<'_>) -> Result<()> {
    response.add_cookie(cookie).map_err(|source| Error::internal("cookie", source))
}

/// Whether an address can only lead to this server: a path that starts with
/// exactly one slash and has nothing that a browser would read as another host.
pub fn is_local_path(path: &str) -> bool {
    path.starts_with('/') && !path.starts_with("//") && !path.chars().any(|c| c == '\\' || c.is_control())
}

impl FromRequest for Layout {
    type Error = actix_web::Error;
    type Future = Ready<Result<Self, Self::Error>>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Ok(Self::of(req)))
    }
}

/// The page of an error.
#[derive(Template)]
#[template(path = "web/error.html")]
pub(crate) struct ErrorPage<'a> {
    pub(crate) layout: &'a Layout,
    pub(crate) title: &'static str,
    pub(crate) message: &'a str,
    pub(crate) request_id: &'a str,
}

/// The heading of an error page.
pub(crate) fn error_title(kind: Kind) -> &'static str {
    match kind {
        Kind::Unreadable => "That could not be read",
        Kind::SignedOut => "Please sign in",
        Kind::Forbidden => "You may not do that",
        Kind::NotFound => "Not found",
        Kind::TooSlow => "The request took too long",
        Kind::Conflict => "Somebody else was first",
        Kind::TooLarge => "Too large",
        Kind::UnsupportedType => "That type is not taken",
        Kind::Misdirected => "Wrong address",
        Kind::Invalid => "Something is not right yet",
        Kind::TooMany => "Slow down a little",
        Kind::Internal => "Something went wrong",
        Kind::Unavailable => "Not available right now",
        Kind::Full => "No room left",
    }
}

#[cfg(test)]
mod tests {
    use super::is_local_path;

    #[test]
    fn only_our_own_paths_are_followed() {
        assert!(is_local_path("/tickets?status=all"));
        for bad in
            ["", "tickets", "//evil.example", "/\\evil.example", "https://evil.example", "/a\nb", "/\t/evil.example"]
        {
            assert!(!is_local_path(bad), "{bad:?}");
        }
    }
}
