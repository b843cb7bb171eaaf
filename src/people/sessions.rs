//! Sessions: a random token in a cookie, its hash in the database.

use crate::app::App;
use crate::config::Config;
use crate::db::Connection;
use crate::db::schema::{sessions, users};
use crate::error::{Error, Result};
use crate::people::model::User;
use crate::web::token;
use actix_web::HttpRequest;
use actix_web::cookie::{Cookie, SameSite, time};
use chrono::{NaiveDateTime, TimeDelta};
use diesel::prelude::*;

/// Its last use is written down no more often than this.
const TOUCH_EVERY: TimeDelta = TimeDelta::minutes(10);
/// Most sessions of a user; the one that was used longest ago ends.
const MOST: i64 = 100;

/// A session's row.
#[derive(Clone, Debug, Queryable)]
#[allow(missing_docs)]
pub struct Session {
    pub token_hash: String,
    pub user_id: i64,
    pub created_at: NaiveDateTime,
    pub last_seen_at: NaiveDateTime,
    /// The browser, in words.
    pub device: String,
    /// From where it was used last.
    pub network: String,
}

impl Session {
    /// What it is called in addresses. A part of a hash, which opens nothing.
    #[must_use]
    pub fn id(&self) -> &str {
        self.token_hash.get(..20).unwrap_or(&self.token_hash)
    }
}

/// Where a session is used.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub struct Used {
    pub device: String,
    pub network: String,
    pub at: NaiveDateTime,
}

/// The name of a cookie of this installation: browsers keep those of all ports of
/// a host together. With `__Host-` a neighbouring host cannot plant one, but
/// browsers accept it by TLS only.
#[must_use]
pub fn own_name(app: &App, word: &str) -> String {
    let prefix = if app.config.is_https() { "__Host-" } else { "" };
    format!("{prefix}docket_{word}_{}", app.installation.short())
}

fn cookie_name(app: &App) -> String {
    own_name(app, "session")
}

/// The token that the request brings.
#[must_use]
pub fn token_of(req: &HttpRequest, app: &App) -> Option<String> {
    req.cookie(&cookie_name(app)).map(|cookie| cookie.value().to_owned()).filter(|token| !token.is_empty())
}

/// A cookie that only the server reads.
#[must_use]
pub fn cookie_of(app: &App, name: String, value: String, age: time::Duration) -> Cookie<'static> {
    Cookie::build(name, value)
        .path("/")
        .http_only(true)
        .secure(app.config.is_https())
        .same_site(SameSite::Lax)
        .max_age(age)
        .finish()
}

/// The cookie that carries a token.
#[must_use]
pub fn cookie(app: &App, token: String) -> Cookie<'static> {
    cookie_of(app, cookie_name(app), token, time::Duration::seconds(app.config.session_max.num_seconds()))
}

/// The cookie that takes it away again.
#[must_use]
pub fn removal(app: &App) -> Cookie<'static> {
    let mut cookie = cookie(app, String::new());
    cookie.make_removal();
    cookie
}

/// Opens a session for a user under a new token, and ends the one under `old`.
///
/// # Errors
/// When the database fails.
pub fn open(conn: &mut Connection, user_id: i64, token: &str, old: Option<&str>, used: &Used) -> Result<()> {
    if let Some(old) = old {
        close(conn, old)?;
    }
    diesel::insert_into(sessions::table)
        .values((
            sessions::token_hash.eq(token::sha256(token.as_bytes())),
            sessions::user_id.eq(user_id),
            sessions::created_at.eq(used.at),
            sessions::last_seen_at.eq(used.at),
            sessions::device.eq(&used.device),
            sessions::network.eq(&used.network),
        ))
        .execute(conn)?;
    let too_many: Vec<String> = sessions::table
        .filter(sessions::user_id.eq(user_id))
        .order(sessions::last_seen_at.desc())
        .offset(MOST)
        .limit(MOST)
        .select(sessions::token_hash)
        .load(conn)?;
    diesel::delete(sessions::table.filter(sessions::token_hash.eq_any(too_many))).execute(conn)?;
    Ok(())
}

/// The user behind a token, and whether the session's last use should be written down.
///
/// # Errors
/// When the database fails.
pub fn find(conn: &mut Connection, config: &Config, token: &str, now: NaiveDateTime) -> Result<Option<(User, bool)>> {
    let found: Option<(User, NaiveDateTime)> = sessions::table
        .inner_join(users::table)
        .filter(sessions::token_hash.eq(token::sha256(token.as_bytes())))
        .filter(sessions::last_seen_at.gt(now - config.session_idle))
        .filter(sessions::created_at.gt(now - config.session_max))
        .filter(users::disabled_at.is_null())
        .select((users::all_columns, sessions::last_seen_at))
        .first(conn)
        .optional()?;
    // A short life must not end for want of a note.
    let every = TOUCH_EVERY.min(config.session_idle / 10);
    Ok(found.map(|(user, seen)| (user, now - seen > every)))
}

/// Writes down that a session is used.
///
/// # Errors
/// When the database fails.
pub fn touch(conn: &mut Connection, token: &str, used: &Used) -> Result<()> {
    let session = sessions::table.find(token::sha256(token.as_bytes()));
    let now =
        (sessions::last_seen_at.eq(used.at), sessions::device.eq(&used.device), sessions::network.eq(&used.network));
    diesel::update(session).set(now).execute(conn)?;
    Ok(())
}

/// The live sessions of a user, the last used first.
///
/// # Errors
/// When the database fails.
pub fn of_user(conn: &mut Connection, config: &Config, user_id: i64, now: NaiveDateTime) -> Result<Vec<Session>> {
    Ok(sessions::table
        .filter(sessions::user_id.eq(user_id))
        .filter(sessions::last_seen_at.gt(now - config.session_idle))
        .filter(sessions::created_at.gt(now - config.session_max))
        .order((sessions::last_seen_at.desc(), sessions::created_at.desc()))
        .load(conn)?)
}

/// Ends one session.
///
/// # Errors
/// When the database fails.
pub fn close(conn: &mut Connection, token: &str) -> Result<()> {
    diesel::delete(sessions::table.find(token::sha256(token.as_bytes()))).execute(conn)?;
    Ok(())
}

/// Ends the session of a user that is called so in addresses.
///
/// # Errors
/// *Not found*, also for those of other users.
pub fn close_by_id(conn: &mut Connection, user_id: i64, id: &str) -> Result<()> {
    let hashes: Vec<String> =
        sessions::table.filter(sessions::user_id.eq(user_id)).select(sessions::token_hash).load(conn)?;
    let hash = hashes.into_iter().find(|hash| hash.get(..20) == Some(id)).ok_or_else(Error::not_found)?;
    diesel::delete(sessions::table.find(hash)).execute(conn)?;
    Ok(())
}

/// Ends all sessions of a user but the one of a token.
///
/// # Errors
/// When the database fails.
pub fn close_others(conn: &mut Connection, user_id: i64, token: &str) -> Result<()> {
    let others = sessions::table
        .filter(sessions::user_id.eq(user_id))
        .filter(sessions::token_hash.ne(token::sha256(token.as_bytes())));
    diesel::delete(others).execute(conn)?;
    Ok(())
}

/// Ends all sessions of a user.
///
/// # Errors
/// When the database fails.
pub fn close_all(conn: &mut Connection, user_id: i64) -> Result<()> {
    diesel::delete(sessions::table.filter(sessions::user_id.eq(user_id))).execute(conn)?;
    Ok(())
}

/// Forgets sessions that have ended by time.
///
/// # Errors
/// When the database fails.
pub fn forget_expired(conn: &mut Connection, config: &Config, now: NaiveDateTime) -> Result<usize> {
    let idle = sessions::last_seen_at.le(now - config.session_idle);
    let old = sessions::created_at.le(now - config.session_max);
    Ok(diesel::delete(sessions::table.filter(idle.or(old))).execute(conn)?)
}
