//! What programs send: JSON bodies, queries, and idempotency keys.

use crate::accounts::stored_responses;
use crate::accounts::stored_responses::Reserved;
use crate::db::Connection;
use crate::error::{Error, Kind, Result};
use crate::values::page::{Cursor, Place, Window};
use crate::values::{text, time, token};
use crate::web::charset;
use crate::web::fields::{content_type, read_body};
use actix_web::http::StatusCode;
use actix_web::{FromRequest, HttpRequest, dev::Payload};
use chrono::NaiveDateTime;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use std::pin::Pin;
use utoipa::IntoParams;

/// Most bytes of a body: 500 messages of a usual length, or one of the longest notes.
const MAX_BYTES: usize = 8 * 1024 * 1024;
/// How many rows a list has unless it is asked for more or fewer.
const LIMIT: usize = 50;
/// How many rows a list has at most.
const MAX_LIMIT: usize = 100;
/// Longest `Idempotency-Key`, in characters.
const MAX_KEY: usize = 255;

/// A JSON body, and what makes a repeated request the same one.
pub struct Body<T> {
    /// What was sent.
    pub value: T,
    /// How the sender names the request, if at all.
    pub once: Once,
}

impl<T: DeserializeOwned + 'static> FromRequest for Body<T> {
    type Error = actix_web::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Self::Error>>>>;

    fn from_request(req: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (req, mut payload) = (req.clone(), payload.take());
        Box::pin(async move {
            if content_type(&req) != "application/json" {
                return Err(Error::new(Kind::UnsupportedType, "Send application/json to this address.").into());
            }
            let bytes = read_body(&req, &mut payload, MAX_BYTES).await?;
            let once = Once::new(&req, &bytes)?;
            let text = charset::body(bytes, charset::declared(&req));
            Ok(Self { value: serde_json::from_str(&text).map_err(|error| refused(&error))?, once })
        })
    }
}

/// JSON that cannot be read, or that says something we do not know.
fn refused(error: &serde_json::Error) -> Error {
    let kind = if error.is_data() { Kind::Invalid } else { Kind::Unreadable };
    Error::new(kind, format!("The JSON isn’t valid: {error}."))
}

/// The `Idempotency-Key` of a request, if it has one.
#[derive(Clone, Debug)]
pub struct Once {
    key: Option<String>,
    digest: String,
}

impl Once {
    fn new(req: &HttpRequest, body: &[u8]) -> Result<Self> {
        let key = req.headers().get("idempotency-key").map(|value| value.to_str().unwrap_or("").trim().to_owned());
        let is_fine =
            |key: &String| (1..=MAX_KEY).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic());
        if key.as_ref().is_some_and(|key| !is_fine(key)) {
            let message = format!("An Idempotency-Key has 1 to {MAX_KEY} ASCII characters, without spaces.");
            return Err(Error::new(Kind::Unreadable, message));
        }
        let digest = token::sha256(&[req.path().as_bytes(), b"\n", body].concat());
        Ok(Self { key, digest })
    }

    /// Runs `job` in the caller's transaction, unless a request of the same key
    /// has been answered in the last day: then that answer is given again. The
    /// answer is stored with what it speaks of, so there is never one without the other.
    ///
    /// # Errors
    /// *Conflict* when the key was used for another request; those of `job`.
    pub fn run(
        &self,
        conn: &mut Connection,
        account_id: i64,
        now: NaiveDateTime,
        job: impl FnOnce(&mut Connection) -> Result<(StatusCode, Value)>,
    ) -> Result<(StatusCode, Value)> {
        let Some(key) = &self.key else { return job(conn) };
        match stored_responses::reserve(conn, account_id, key, &self.digest, now)? {
            Reserved::New => {}
            Reserved::Earlier { status, body } => {
                let status = u16::try_from(status).ok().and_then(|status| StatusCode::from_u16(status).ok());
                let body = serde_json::from_str(&body).map_err(|source| Error::internal("stored response", source))?;
                return Ok((status.unwrap_or(StatusCode::OK), body));
            }
        }
        let (status, body) = job(conn)?;
        stored_responses::keep(conn, account_id, key, status.as_u16(), &body.to_string())?;
        Ok((status, body))
    }
}

/// Makes a request safe to send again.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[allow(dead_code, reason = "only describes the header that Once reads")]
pub struct OnceHeader {
    /// The same key within 24 hours gets the same response, or 410 if a person was erased since.
    #[param(rename = "Idempotency-Key", min_length = 1, max_length = 255, pattern = "^[!-~]+$", required = false)]
    key: String,
}

/// How many rows of a list a program wants.
///
/// # Errors
/// *Invalid* for a limit that is too small or too large.
pub fn limit(limit: Option<i64>) -> Result<usize> {
    let Some(limit) = limit else { return Ok(LIMIT) };
    let limit = usize::try_from(limit).ok().filter(|limit| (1..=MAX_LIMIT).contains(limit));
    limit.ok_or_else(|| Error::invalid(format!("limit must be 1 to {MAX_LIMIT}.")))
}

/// Which rows of a list a program wants.
///
/// # Errors
/// *Invalid* for a wrong limit or cursor.
pub fn window(wanted: Option<i64>, cursor: Option<&str>) -> Result<Window> {
    let size = limit(wanted)?;
    let place = match cursor {
        None => Place::First,
        Some(cursor) => Cursor::parse(cursor)
            .map(Place::After)
            .ok_or_else(|| Error::invalid("cursor must be the nextCursor of an earlier response."))?,
    };
    Ok(Window { place, size })
}

/// What a request does to a field that may be empty.
#[derive(Clone, Copy, Debug, Default)]
pub enum Change<T> {
    /// It was left out: the field stays.
    #[default]
    Keep,
    /// It was sent as `null`.
    Clear,
    /// It was sent.
    Set(T),
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Change<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Option::deserialize(deserializer)?.map_or(Self::Clear, Self::Set))
    }
}

/// The address of a page that a program names.
///
/// # Errors
/// *Invalid* when it is no web address.
pub fn page_url(url: Option<&str>) -> Result<Option<String>> {
    let Some(url) = url.filter(|url| !url.trim().is_empty()) else { return Ok(None) };
    text::page_url(url)
        .map(Some)
        .ok_or_else(|| Error::invalid("pageUrl must be an http or https address of at most 2,000 bytes."))
}

/// A country that a program names.
///
/// # Errors
/// *Invalid* when it is no code of two letters.
pub fn country(code: Option<&str>) -> Result<Option<String>> {
    let Some(code) = code.filter(|code| !code.is_empty()) else { return Ok(None) };
    if code.len() == 2 && code.bytes().all(|byte| byte.is_ascii_alphabetic()) {
        return Ok(Some(code.to_ascii_uppercase()));
    }
    Err(Error::invalid("country must be two letters (ISO 3166-1 alpha-2)."))
}

/// An id of a conversation or submission that a program brings, or a new one.
///
/// # Errors
/// *Invalid* when it cannot be an id.
pub fn source_id(id: Option<String>) -> Result<String> {
    let Some(id) = id else { return token::id() };
    if crate::tickets::source::is_source_id(&id) {
        return Ok(id);
    }
    Err(Error::invalid("An id must have 1 to 128 characters: letters, digits and _ - . : (not only dots)."))
}

/// A time as the database keeps it: in UTC, cut to microseconds.
pub fn stored(at: Option<chrono::DateTime<chrono::Utc>>, now: NaiveDateTime) -> NaiveDateTime {
    // What has not happened yet cannot have been said.
    at.map_or(now, time::exact_utc).min(now).max(chrono::DateTime::UNIX_EPOCH.naive_utc())
}
