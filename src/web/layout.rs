//! The layout of every page: the signed-in user, the current path, and the message of the
//! previous action.

use crate::app::App;
use crate::config::Config;
use crate::error::{Error, Result};
use crate::web::flash::{Carrier, Flash};
use crate::web::links::Links;
use actix_web::http::StatusCode;
use actix_web::{FromRequest, HttpMessage, HttpRequest, HttpResponse, dev::Payload, web};
use askama::Template;
use std::collections::BTreeSet;
use std::future::{Ready, ready};

/// The signed-in user, as the layout needs them.
#[derive(Clone, Debug)]
pub struct CurrentUser {
    /// Separates the drafts of two users who share a browser.
    pub id: i64,
    pub name: String,
    /// Whether pages react to keyboard shortcuts.
    pub has_keys: bool,
    /// Whether they may change tickets, conversations and submissions.
    pub may_work: bool,
    /// Whether they may change settings and team.
    pub may_configure: bool,
    /// Whether they may create and revoke API keys.
    pub may_own: bool,
    /// The lists that they or the team have saved.
    pub saved_lists: Vec<SavedList>,
}

/// A list in the side bar.
#[derive(Clone, Debug)]
pub struct SavedList {
    pub name: String,
    /// As in its address.
    pub query: String,
}

/// The layout of one page. Handlers extract it and respond with it.
#[derive(Clone, Debug)]
pub struct Layout {
    pub links: Links,
    pub user: Option<CurrentUser>,
    /// The message of the previous action.
    pub flash: Option<Flash>,
    /// The short id of the installation, for names in the browser's storage.
    pub desk: String,
    /// The number of an event: the page shows what happened up to it, and maybe more.
    pub seq: i64,
    /// The query of the list of tickets that this browser showed last.
    pub last_list: String,
    /// Whether this server can send mail.
    pub sends_mail: bool,
    /// What the operator has to say while every change is refused.
    pub maintenance: Option<String>,
    path: String,
    query: String,
    carrier: Carrier,
}

impl Layout {
    pub fn of(req: &HttpRequest) -> Self {
        let app = req.app_data::<web::Data<App>>();
        let config = app.map(|app| &app.config);
        let desk = app.map_or("", |app| app.installation.short()).to_owned();
        let user = req.extensions().get::<CurrentUser>().cloned();
        let links = config.map(Links::new).unwrap_or_default();
        let carrier = Carrier::new(&desk, &links, config.is_some_and(Config::is_https));
        Self {
            // Public pages ignore cookies.
            flash: user.as_ref().and_then(|_| carrier.read(req)),
            last_list: user.as_ref().and_then(|_| carrier.last_list(req)).unwrap_or_default(),
            user,
            desk,
            seq: app.map_or(0, |app| app.live.seq()),
            sends_mail: app.is_some_and(|app| app.mail.is_some()),
            maintenance: config.and_then(|config| config.maintenance.clone()),
            path: links.local(req.path()).to_owned(),
            query: req.query_string().to_owned(),
            links,
            carrier,
        }
    }

    pub fn href(&self, path: &str) -> String {
        self.links.href(path)
    }

    /// The address of a file in `static/`.
    pub fn asset(&self, name: &str) -> String {
        self.links.asset(name)
    }

    /// The first page of a list: the parts of its address, with some of them changed. An
    /// empty value leaves a part out.
    pub fn list<const N: usize>(&self, path: &str, parts: [(&str, &str); N], changes: &[(&str, &str)]) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        let kept = parts.iter().filter(|(word, _)| !changes.iter().any(|(changed, _)| changed == word));
        query.extend_pairs(kept.chain(changes).filter(|(_, value)| !value.is_empty()));
        let query = query.finish();
        self.href(&if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") })
    }

    pub fn version(&self) -> &'static str {
        env!("CARGO_PKG_VERSION")
    }

    /// The value of `aria-current`: `page` if the current page is at or below `path`.
    pub fn current(&self, path: &str) -> &'static str {
        let rest = self.path.strip_prefix(path);
        if rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/')) { "page" } else { "false" }
    }

    /// The same, but only for `path` itself.
    pub fn current_exactly(&self, path: &str) -> &'static str {
        if self.path == path { "page" } else { "false" }
    }

    /// The value of `aria-current` for the list of open tickets of an assignee; empty for
    /// everybody's.
    pub fn current_list(&self, assignee: &str) -> &'static str {
        let (mut wanted, mut is_whole) = (String::new(), self.path == "/tickets");
        for (word, value) in form_urlencoded::parse(self.query.as_bytes()) {
            match &*word {
                "assignee" => wanted = value.into_owned(),
                "status" => is_whole &= matches!(&*value, "" | "open"),
                "q" | "tag" | "source" => is_whole &= value.is_empty(),
                _ => {}
            }
        }
        if is_whole && wanted == assignee { "page" } else { "false" }
    }

    /// The value of `aria-current` for a saved list.
    pub fn current_saved(&self, query: &str) -> &'static str {
        let parts = |query: &str| {
            let pairs = form_urlencoded::parse(query.as_bytes()).into_owned();
            let kept = pairs.filter(|(word, value)| !value.is_empty() && !matches!(word.as_str(), "after" | "before"));
            kept.collect::<BTreeSet<_>>()
        };
        if self.path == "/tickets" && parts(query) == parts(&self.query) { "page" } else { "false" }
    }

    /// The ticket number, if the path is that of an action on a ticket.
    pub fn ticket_number(&self) -> Option<i64> {
        let (number, _) = self.path.strip_prefix("/tickets/")?.split_once('/')?;
        number.parse().ok()
    }

    /// Whether the page is for visitors of other websites, who don't know the desk.
    pub fn is_for_visitors(&self) -> bool {
        ["/f/", "/c/", "/thread/"].iter().any(|path| self.path.starts_with(path))
    }

    /// Whether only programs request this address.
    pub fn is_for_programs(&self) -> bool {
        self.path.starts_with("/api/") || self.path.starts_with("/chat/")
    }

    /// Whether the user may change tickets, conversations and submissions.
    pub fn may_work(&self) -> bool {
        self.user.as_ref().is_some_and(|user| user.may_work)
    }

    /// Whether the user may change settings and team.
    pub fn may_configure(&self) -> bool {
        self.user.as_ref().is_some_and(|user| user.may_configure)
    }

    /// Whether the user may create and revoke API keys.
    pub fn may_own(&self) -> bool {
        self.user.as_ref().is_some_and(|user| user.may_own)
    }

    /// A page that shows an error, with the error's status; without an error, `200`.
    pub fn page_showing(&self, error: Option<&Error>, page: &impl Template) -> Result<HttpResponse> {
        self.page_with(error.map_or(StatusCode::OK, |error| error.kind.status()), page)
    }

    /// `200` with a page.
    pub fn page(&self, page: &impl Template) -> Result<HttpResponse> {
        self.page_with(StatusCode::OK, page)
    }

    pub fn page_with(&self, status: StatusCode, page: &impl Template) -> Result<HttpResponse> {
        let mut response = html(status, page)?;
        if self.flash.is_some() {
            self.carrier.remove(&mut response)?;
        }
        Ok(response)
    }

    /// `303` to a local path.
    pub fn see_other(&self, path: impl std::fmt::Display) -> HttpResponse {
        self.links.see_other(path)
    }

    /// The same page, whose list the browser then knows as the last one.
    pub fn page_of_list(&self, error: Option<&Error>, query: &str, page: &impl Template) -> Result<HttpResponse> {
        let mut response = self.page_showing(error, page)?;
        if query != self.last_list {
            self.carrier.put_last_list(&mut response, query)?;
        }
        Ok(response)
    }

    /// `303` to a local path, with a message for its page.
    pub fn see_other_with(&self, path: impl std::fmt::Display, flash: &Flash) -> Result<HttpResponse> {
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
