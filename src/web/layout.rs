//! The frame of every page: who is signed in, where they are, and what just happened.

use crate::app::App;
use crate::config::Config;
use crate::error::{Error, Result};
use crate::web::flash::{Carrier, Flash};
use crate::web::links::Links;
use actix_web::http::StatusCode;
use actix_web::{FromRequest, HttpMessage, HttpRequest, HttpResponse, dev::Payload, web};
use askama::Template;
use std::future::{Ready, ready};

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
    carrier: Carrier,
}

impl Layout {
    /// The frame for an answer to this request.
    pub fn of(req: &HttpRequest) -> Self {
        let app = req.app_data::<web::Data<App>>();
        let config = app.map(|app| &app.config);
        let desk = app.map_or("", |app| app.installation.short()).to_owned();
        let who = req.extensions().get::<Who>().cloned();
        let links = config.map(Links::new).unwrap_or_default();
        let carrier = Carrier::new(&desk, &links, config.is_some_and(Config::is_https));
        Self {
            // Pages that anybody can open stay blind to cookies.
            flash: who.as_ref().and_then(|_| carrier.read(req)),
            who,
            desk,
            path: links.local(req.path()).to_owned(),
            links,
            carrier,
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
            self.carrier.remove(&mut response)?;
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
        let mut response = self.see_other(path);
        self.carrier.put(&mut response, flash)?;
        Ok(response)
    }
}

fn html(status: StatusCode, page: &impl Template) -> Result<HttpResponse> {
    let body = page.render().map_err(|source| Error::internal("template", source))?;
    Ok(HttpResponse::build(status).content_type("text/html; charset=utf-8").body(body))
}

impl FromRequest for Layout {
    type Error = actix_web::Error;
    type Future = Ready<Result<Self, Self::Error>>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Ok(Self::of(req)))
    }
}
