//! A submitted HTML form: its fields in order, repeated ones too.

use crate::error::{Error, Kind, Result};
use crate::values::text;
use crate::web::layout::Who;
use crate::web::{charset, flow};
use actix_web::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use actix_web::{FromRequest, HttpMessage, HttpRequest, dev::Payload};
use futures_util::StreamExt;
use std::future::Future;
use std::pin::Pin;

/// What a form may hold.
#[derive(Clone, Copy, Debug)]
struct Bounds {
    bytes: usize,
    fields: usize,
}

/// Of somebody who is signed in.
const SIGNED_IN: Bounds = Bounds { bytes: 2 * 1024 * 1024, fields: 2_000 };
/// Of anybody: 100,000 characters of notes, of four bytes with three signs for
/// each, and what stands beside them.
const ANYBODY: Bounds = Bounds { bytes: 1_300_000, fields: 100 };

/// So much of a body that is too large is read past before it is answered.
const READ_PAST: usize = 16 * 1024 * 1024;

/// The fields of an `application/x-www-form-urlencoded` body.
#[derive(Clone, Debug, Default)]
pub struct Fields(Vec<(String, String)>);

impl Fields {
    /// These fields, in order.
    pub fn new(pairs: Vec<(String, String)>) -> Self {
        Self(pairs)
    }

    /// The first field of that name, with LF as line end; empty if there is none.
    pub fn get(&self, name: &str) -> String {
        self.find(name).map(text::normalise).unwrap_or_default()
    }

    /// The first field of that name exactly as it was sent: for passwords.
    pub fn exact(&self, name: &str) -> String {
        self.find(name).unwrap_or_default().to_owned()
    }

    /// The same as [`Fields::get`], but a missing field is an error: it must not empty what is stored.
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
        let (req, mut payload) = (req.clone(), payload.take());
        Box::pin(async move {
            if content_type(&req) != "application/x-www-form-urlencoded" {
                let message = "This address takes HTML forms (application/x-www-form-urlencoded).";
                return Err(Error::new(Kind::UnsupportedType, message).into());
            }
            let bounds = if req.extensions().get::<Who>().is_some() { SIGNED_IN } else { ANYBODY };
            let body = read_body(&req, &mut payload, bounds.bytes).await?;
            if body.iter().filter(|byte| **byte == b'&').count() >= bounds.fields {
                let message = format!("The form has too many fields: at most {} can be sent.", bounds.fields);
                return Err(Error::new(Kind::TooLarge, message).into());
            }
            Ok(Self(charset::pairs(&body, charset::declared(&req))))
        })
    }
}

/// The request's media type in lower case, without parameters.
pub fn content_type(req: &HttpRequest) -> String {
    let value = req.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
    value.split(';').next().unwrap_or("").trim().to_ascii_lowercase()
}

/// Reads a whole body of at most `max` bytes, which count in the budget.
///
/// # Errors
/// *Too large*, *too slow*, *unavailable* when the budget is used up, or
/// *unreadable* when the sender stops half way.
pub async fn read_body(req: &HttpRequest, payload: &mut Payload, max: usize) -> Result<Vec<u8>> {
    let share = flow::share(req)?;
    let length = req.headers().get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok()).unwrap_or(0);
    if length > max {
        return Err(too_large(payload, max).await);
    }
    // As large as it becomes, so that it is not copied while it grows.
    let mut body = Vec::with_capacity(length);
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|error| flow::body_error(&error))?;
        if body.len() + chunk.len() > max {
            drop(body);
            return Err(too_large(payload, max).await);
        }
        share.take(chunk.len())?;
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// Reads past what is left, because browsers show an answer only when they have
/// sent all of their request.
async fn too_large(payload: &mut Payload, max: usize) -> Error {
    let mut left = READ_PAST;
    while let Some(Ok(chunk)) = payload.next().await {
        left = left.saturating_sub(chunk.len());
        if left == 0 {
            break;
        }
    }
    let limit = if max < 1024 * 1024 { format!("{} KB", max / 1024) } else { format!("{:.1} MB", max as f64 / 1e6) };
    Error::new(Kind::TooLarge, format!("That’s too large: the limit is {limit}."))
}
