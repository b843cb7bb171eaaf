//! Sessions: a random token in a cookie, its hash in the database.

use crate::config::Config;
use crate::db::Connection;
use crate::db::schema::{sessions, users};
use crate::error::Result;
use crate::people::model::User;
use crate::web::token;
use actix_web::HttpRequest;
use actix_web::cookie::{Cookie, SameSite, time};
use chrono::{NaiveDateTime, TimeDelta};
use diesel::prelude::*;

/// A session ends this long after its last use…
const IDLE_DAYS: i64 = 14;
/// …and this long after signing in, however much it is used.
const ABSOLUTE_DAYS: i64 = 30;
/// Its last use is written down no more often than this.
const TOUCH_EVERY: TimeDelta = TimeDelta::minutes(10);

/// The name of the cookie. With `__Host-` a neighbouring host cannot plant one,
/// but browsers accept it by TLS only.
#[must_use]
pub fn cookie_name(config: &Config) -> &'static str {
    if config.is_https() { "__Host-docket" } else { "docket_session" }
}

/// The token that the request brings.
#[must_use]
pub fn token_of(req: &HttpRequest, config: &Config) -> Option<String> {
    req.cookie(cookie_name(config)).map(|cookie| cookie.value().to_owned()).filter(|token| !token.is_empty())
}

/// The cookie that carries a token.
#[must_use]
pub fn cookie(config: &Config, token: String) -> Cookie<'static> {
    Cookie::build(cookie_name(config), token)
        .path("/")
        .http_only(true)
        .secure(config.is_https())
        .same_site(SameSite::Lax)
        .max_age(time::Duration::days(ABSOLUTE_DAYS))
        .finish()
}

/// The cookie that takes it away again.
#[must_use]
pub fn removal(config: &Config) -> Cookie<'static> {
    let mut cookie = cookie(config, String::new());
    cookie.make_removal();
    cookie
}

/// Opens a session for a user under a new token, and ends the one under `old`.
///
/// # Errors
/// When the database fails.
pub fn open(conn: &mut Connection, user_id: i64, token: &str, old: Option<&str>, now: NaiveDateTime) -> Result<()> {
    if let Some(old) = old {
        close(conn, old)?;
    }
    diesel::insert_into(sessions::table)
        .values((
            sessions::token_hash.eq(token::sha256(token.as_bytes())),
            sessions::user_id.eq(user_id),
            sessions::created_at.eq(now),
            sessions::last_seen_at.eq(now),
        ))
        .execute(conn)?;
    Ok(())
}

/// The user behind a token, and whether the session's last use should be written down.
///
/// # Errors
/// When the database fails.
pub fn find(conn: &mut Connection, token: &str, now: NaiveDateTime) -> Result<Option<(User, bool)>> {
    let found: Option<(User, NaiveDateTime)> = sessions::table
        .inner_join(users::table)
        .filter(sessions::token_hash.eq(token::sha256(token.as_bytes())))
        .filter(sessions::last_seen_at.gt(now - TimeDelta::days(IDLE_DAYS)))
        .filter(sessions::created_at.gt(now - TimeDelta::days(ABSOLUTE_DAYS)))
        .filter(users::disabled_at.is_null())
        .select((users::all_columns, sessions::last_seen_at))
        .first(conn)
        .optional()?;
    Ok(found.map(|(user, seen)| (user, now - seen > TOUCH_EVERY)))
}

/// Writes down that a session is used.
///
/// # Errors
/// When the database fails.
pub fn touch(conn: &mut Connection, token: &str, now: NaiveDateTime) -> Result<()> {
    let session = sessions::table.find(token::sha256(token.as_bytes()));
    diesel::update(session).set(sessions::last_seen_at.eq(now)).execute(conn)?;
    Ok(())
}

/// Ends one session.
///
/// # Errors
/// When the database fails.
pub fn close(conn: &mut Connection, token: &str) -> Result<()> {
    diesel::delete(sessions::table.find(token::sha256(token.as_bytes()))).execute(conn)?;
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
pub fn forget_expired(conn: &mut Connection, now: NaiveDateTime) -> Result<usize> {
    let idle = sessions::last_seen_at.le(now - TimeDelta::days(IDLE_DAYS));
    let old = sessions::created_at.le(now - TimeDelta::days(ABSOLUTE_DAYS));
    Ok(diesel::delete(sessions::table.filter(idle.or(old))).execute(conn)?)
}
