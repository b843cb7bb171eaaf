//! Reads a submitted HTML form, into a struct or as a list of fields.

use crate::error::{Error, Kind, Result};
use crate::values::text;
use crate::web::layout::CurrentUser;
use crate::web::multipart::{file_name, multipart_error};
use crate::web::{charset, flow, multipart};
use actix_multipart::Multipart;
use actix_web::http::header::CONTENT_TYPE;
use actix_web::{FromRequest, HttpMessage, HttpRequest, dev::Payload};
use form_urlencoded::Serializer;
use futures_util::{StreamExt, TryStreamExt};
use serde::de::DeserializeOwned;
use std::future::Future;
use std::pin::Pin;

/// The maximum size of a form.
#[derive(Clone, Copy, Debug)]
struct Bounds {
    bytes: usize,
    fields: usize,
}

/// For signed-in users.
const SIGNED_IN: Bounds = Bounds { bytes: 2 * 1024 * 1024, fields: 2_000 };
/// For everyone else. Leaves room for 100,000 characters of notes (four bytes each, every
/// byte encoded as three characters) and the other fields.
const ANYBODY: Bounds = Bounds { bytes: 1_300_000, fields: 100 };

/// How much of a body that is too large is read and discarded before the response.
const READ_PAST: usize = 16 * 1024 * 1024;

/// The fields of a form, in order.
#[derive(Clone, Debug, Default)]
pub struct Fields(Vec<(String, String)>);

impl Fields {
    pub fn new(fields: Vec<(String, String)>) -> Self {
        Self(fields)
    }

    /// Reads the fields into a struct. Except in passwords, line ends become LF and NUL is
    /// removed.
    ///
    /// # Errors
    /// *Invalid*, naming the field that is missing or wrong.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T> {
        let mut encoded = Serializer::new(String::new());
        for (name, value) in &self.0 {
            match is_secret(name) {
                true => encoded.append_pair(name, value),
                false => encoded.append_pair(name, &text::normalise(value)),
            };
        }
        let encoded = encoded.finish();
        let pairs = serde_html_form::Deserializer::new(form_urlencoded::parse(encoded.as_bytes()));
        serde_path_to_error::deserialize(pairs).map_err(|error| wrong_field(&error))
    }

    /// The first field with this name, with LF as line end. Empty if there is none.
    pub fn get(&self, name: &str) -> String {
        let found = self.0.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| text::normalise(value)).unwrap_or_default()
    }

    /// All fields, in order.
    pub fn iter(&self) -> std::slice::Iter<'_, (String, String)> {
        self.0.iter()
    }
}

/// Whether a field contains a password. It is kept as typed and never written into a page.
pub fn is_secret(name: &str) -> bool {
    name == "current" || name.to_lowercase().contains("password")
}

fn wrong_field(error: &serde_path_to_error::Error<serde_html_form::de::Error>) -> Error {
    let (field, reason) = (error.path().to_string(), error.inner().to_string());
    if let Some(name) = reason.strip_prefix("missing field `").and_then(|rest| rest.strip_suffix('`')) {
        return Error::invalid(format!("The field {name} is missing."));
    }
    // A full sentence is one of our own messages: use it as it is.
    Error::invalid(if reason.ends_with('.') { reason } else { format!("{field}: {reason}.") })
}

/// An HTML form, read into a struct.
#[derive(Clone, Debug)]
pub struct Form<T>(pub T);

impl<T: DeserializeOwned + 'static> FromRequest for Form<T> {
    type Error = actix_web::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Self::Error>>>>;

    fn from_request(req: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let fields = Fields::from_request(req, payload);
        Box::pin(async move { Ok(Self(fields.await?.read()?)) })
    }
}

impl FromRequest for Fields {
    type Error = actix_web::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Self::Error>>>>;

    fn from_request(req: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (req, mut payload) = (req.clone(), payload.take());
        Box::pin(async move {
            let bounds = if req.extensions().get::<CurrentUser>().is_some() { SIGNED_IN } else { ANYBODY };
            match content_type(&req).as_str() {
                "application/x-www-form-urlencoded" => {}
                "multipart/form-data" => return Ok(Self(texts(multipart::parts(&req, payload), bounds).await?)),
                _ => {
                    let message = "This address takes HTML forms (application/x-www-form-urlencoded).";
                    return Err(Error::new(Kind::UnsupportedType, message).into());
                }
            }
            let body = read_body(&req, &mut payload, bounds.bytes).await?;
            if body.iter().filter(|byte| **byte == b'&').count() >= bounds.fields {
                let message = format!("The form has too many fields: at most {} can be sent.", bounds.fields);
                return Err(Error::new(Kind::TooLarge, message).into());
            }
            Ok(Self(charset::pairs(&body, charset::declared(&req))))
        })
    }
}

/// The fields of a multipart form. Its files are skipped.
async fn texts(mut parts: Multipart, bounds: Bounds) -> Result<Vec<(String, String)>> {
    let (mut fields, mut left, mut all_left, mut parts_left) = (Vec::new(), bounds.bytes, READ_PAST, bounds.fields);
    let too_large = || Error::new(Kind::TooLarge, "The form is too large.");
    while let Some(mut part) = parts.try_next().await.map_err(|error| multipart_error(&error))? {
        parts_left = parts_left.checked_sub(1).ok_or_else(too_large)?;
        let is_file = part.content_disposition().and_then(file_name).is_some();
        let mut value = Vec::new();
        while let Some(chunk) = part.try_next().await.map_err(|error| multipart_error(&error))? {
            all_left = all_left.checked_sub(chunk.len()).ok_or_else(too_large)?;
            if !is_file {
                left = left.checked_sub(chunk.len()).ok_or_else(too_large)?;
                value.extend_from_slice(&chunk);
            }
        }
        if !is_file {
            fields.push((part.name().unwrap_or_default().to_owned(), String::from_utf8_lossy(&value).into_owned()));
        }
    }
    Ok(fields)
}

/// The request's media type in lower case, without parameters.
pub fn content_type(req: &HttpRequest) -> String {
    let value = req.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
    value.split(';').next().unwrap_or("").trim().to_ascii_lowercase()
}

/// Reads a whole body of at most `max` bytes, which count against the memory budget.
///
/// # Errors
/// *Too large*, *too slow*, *unavailable* when the budget is used up, or
/// *unreadable* when the sender stops half way.
pub async fn read_body(req: &HttpRequest, payload: &mut Payload, max: usize) -> Result<Vec<u8>> {
    let share = flow::share(req)?;
    let length = flow::declared_length(req.headers()).and_then(|length| usize::try_from(length).ok()).unwrap_or(0);
    if length > max {
        return Err(too_large(payload, max).await);
    }
    // Reserve the declared length, so that the buffer isn't copied while it grows.
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

/// Reads and discards the rest of the body, because browsers show a response only after
/// they have sent the whole request.
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
