//! A submitted HTML form: its fields in order, repeated ones too.

use crate::error::{Error, Kind, Result};
use crate::web::text;
use actix_web::http::header::CONTENT_TYPE;
use actix_web::{FromRequest, HttpRequest, dev::Payload};
use futures_util::StreamExt;
use std::future::Future;
use std::pin::Pin;

/// Enough for 100,000 characters of notes when each takes four escaped bytes.
const MAX_BYTES: usize = 2 * 1024 * 1024;

/// The fields of an `application/x-www-form-urlencoded` body.
#[derive(Clone, Debug, Default)]
pub struct Fields(Vec<(String, String)>);

impl Fields {
    /// Reads an encoded body. Never fails: bytes that are no UTF-8 are replaced.
    #[must_use]
    pub fn parse(body: &[u8]) -> Self {
        Self(form_urlencoded::parse(body).into_owned().collect())
    }

    /// The first field of that name, with LF as line end; empty if there is none.
    #[must_use]
    pub fn get(&self, name: &str) -> String {
        self.find(name).map(text::normalise).unwrap_or_default()
    }

    /// The same, but a missing field is an error: it must not empty what is stored.
    ///
    /// # Errors
    /// *Invalid*, naming the field.
    pub fn require(&self, name: &str) -> Result<String> {
        self.find(name).map(text::normalise).ok_or_else(|| Error::invalid(format!("The field {name} is missing.")))
    }

    /// A required whole number.
    ///
    /// # Errors
    /// *Invalid*, naming the field.
    pub fn number(&self, name: &str) -> Result<i64> {
        self.require(name)?.trim().parse().map_err(|_| Error::invalid(format!("{name} is not a whole number.")))
    }

    /// All fields of that name.
    #[must_use]
    pub fn all(&self, name: &str) -> Vec<String> {
        self.iter().filter(|(key, _)| key == name).map(|(_, value)| text::normalise(value)).collect()
    }

    /// All fields, in order.
    pub fn iter(&self) -> std::slice::Iter<'_, (String, String)> {
        self.0.iter()
    }

    fn find(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

impl FromRequest for Fields {
    type Error = actix_web::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Self::Error>>>>;

    fn from_request(req: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let content_type = content_type(req);
        let mut payload = payload.take();
        Box::pin(async move {
            if content_type != "application/x-www-form-urlencoded" {
                let message = "This address takes HTML forms (application/x-www-form-urlencoded).";
                return Err(Error::new(Kind::UnsupportedType, message).into());
            }
            Ok(Self::parse(&read_body(&mut payload, MAX_BYTES).await?))
        })
    }
}

/// The request's media type in lower case, without parameters.
#[must_use]
pub fn content_type(req: &HttpRequest) -> String {
    let value = req.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
    value.split(';').next().unwrap_or("").trim().to_ascii_lowercase()
}

/// Reads a whole body of at most `max` bytes.
///
/// # Errors
/// *Too large*, or *unreadable* when the sender stops half way.
pub async fn read_body(payload: &mut Payload, max: usize) -> Result<Vec<u8>> {
    let mut body = Vec::new();
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|_| Error::new(Kind::Unreadable, "The request ended before all of it arrived."))?;
        if body.len() + chunk.len() > max {
            let message = format!("That is more than the {} KB that this address takes.", max / 1024);
            return Err(Error::new(Kind::TooLarge, message));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}
