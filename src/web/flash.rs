//! Flash messages: the result of an action, stored in a short-lived cookie and shown on the
//! next page.

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

/// The cookie of one installation, named after it because browsers share cookies between
/// all ports of a host.
#[derive(Clone, Debug)]
pub(super) struct Carrier {
    name: String,
    path: String,
    https: bool,
}

impl Carrier {
    pub(super) fn new(desk: &str, links: &Links, https: bool) -> Self {
        Self { name: format!("docket_flash_{desk}"), path: links.href("/"), https }
    }

    pub(super) fn read(&self, req: &HttpRequest) -> Option<Flash> {
        let cookie = req.cookie(&self.name)?;
        let json = percent_encoding::percent_decode_str(cookie.value()).decode_utf8().ok()?;
        let flash: Flash = serde_json::from_str(&json).ok()?;
        // Cookies can be forged, so undo may only post to a local path.
        Some(Flash { undo: flash.undo.filter(|path| is_local_path(path)), ..flash })
    }

    pub(super) fn put(&self, response: &mut HttpResponse, flash: &Flash) -> Result<()> {
        let json = serde_json::to_string(flash).map_err(|source| Error::internal("flash", source))?;
        let value = percent_encoding::utf8_percent_encode(&json, percent_encoding::NON_ALPHANUMERIC);
        add(response, &self.cookie(value.to_string()))
    }

    pub(super) fn remove(&self, response: &mut HttpResponse) -> Result<()> {
        let mut cookie = self.cookie(String::new());
        cookie.make_removal();
        add(response, &cookie)
    }

    fn cookie(&self, value: String) -> Cookie<'static> {
        Cookie::build(self.name.clone(), value)
            .path(self.path.clone())
            .http_only(true)
            .secure(self.https)
            .same_site(SameSite::Lax)
            .max_age(Duration::minutes(2))
            .finish()
    }
}

fn add(response: &mut HttpResponse, cookie: &Cookie<'_>) -> Result<()> {
    response.add_cookie(cookie).map_err(|source| Error::internal("cookie", source))
}
