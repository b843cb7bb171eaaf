//! What one page hands to the next in a cookie: the result of an action, and the list that
//! was shown last.

use crate::error::{Error, Result};
use crate::web::links::{Links, is_local_path};
use actix_web::HttpRequest;
use actix_web::HttpResponse;
use actix_web::cookie::{Cookie, SameSite, time::Duration};
use serde::{Deserialize, Serialize};

/// A message for the next page, optionally with an undo button.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Flash {
    pub text: String,
    /// The local path to which the undo button posts.
    pub undo: Option<String>,
}

impl Flash {
    pub fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), undo: None }
    }

    /// A message with an undo button, which posts to `path`.
    pub fn with_undo(text: impl Into<String>, path: impl Into<String>) -> Self {
        Self { text: text.into(), undo: Some(path.into()) }
    }
}

/// The cookies of one installation, named after it because browsers share cookies between
/// all ports of a host.
#[derive(Clone, Debug)]
pub(super) struct Carrier {
    flash: String,
    list: String,
    path: String,
    https: bool,
}

impl Carrier {
    pub(super) fn new(desk: &str, links: &Links, https: bool) -> Self {
        Self {
            flash: format!("docket_flash_{desk}"),
            list: format!("docket_list_{desk}"),
            path: links.href("/"),
            https,
        }
    }

    pub(super) fn read(&self, req: &HttpRequest) -> Option<Flash> {
        let flash: Flash = serde_json::from_str(&value(req, &self.flash)?).ok()?;
        // Cookies can be forged, so undo may only post to a local path.
        Some(Flash { undo: flash.undo.filter(|path| is_local_path(path)), ..flash })
    }

    pub(super) fn last_list(&self, req: &HttpRequest) -> Option<String> {
        value(req, &self.list)
    }

    pub(super) fn put(&self, response: &mut HttpResponse, flash: &Flash) -> Result<()> {
        let json = serde_json::to_string(flash).map_err(|source| Error::internal("flash", source))?;
        let mut cookie = self.cookie(&self.flash, &json);
        cookie.set_max_age(Duration::minutes(2));
        add(response, &cookie)
    }

    pub(super) fn put_last_list(&self, response: &mut HttpResponse, query: &str) -> Result<()> {
        add(response, &self.cookie(&self.list, query))
    }

    pub(super) fn remove(&self, response: &mut HttpResponse) -> Result<()> {
        let mut cookie = self.cookie(&self.flash, "");
        cookie.make_removal();
        add(response, &cookie)
    }

    fn cookie(&self, name: &str, value: &str) -> Cookie<'static> {
        let value = percent_encoding::utf8_percent_encode(value, percent_encoding::NON_ALPHANUMERIC).to_string();
        Cookie::build(name.to_owned(), value)
            .path(self.path.clone())
            .http_only(true)
            .secure(self.https)
            .same_site(SameSite::Lax)
            .finish()
    }
}

fn value(req: &HttpRequest, name: &str) -> Option<String> {
    let cookie = req.cookie(name)?;
    Some(percent_encoding::percent_decode_str(cookie.value()).decode_utf8().ok()?.into_owned())
}

fn add(response: &mut HttpResponse, cookie: &Cookie<'_>) -> Result<()> {
    response.add_cookie(cookie).map_err(|source| Error::internal("cookie", source))
}
