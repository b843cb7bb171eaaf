//! Sessions, identified by a random token. The database stores only its hash.

use crate::accounts::devices;
use crate::accounts::user::User;
use crate::config::Config;
use crate::db::Connection;
use crate::db::schema::{sessions, users};
use crate::error::{Error, Result};
use crate::events::actor::Actor;
use crate::events::event::Kind as EventKind;
use crate::events::record::record;
use crate::values::token;
use chrono::{NaiveDateTime, TimeDelta};
use diesel::prelude::*;

/// A session's last use is recorded at most this often.
const TOUCH_EVERY: TimeDelta = TimeDelta::minutes(10);
/// Maximum sessions per user; the least recently used ends.
const MOST: i64 = 100;

#[derive(Clone, Debug, Insertable, Queryable)]
#[diesel(table_name = sessions)]
pub struct Session {
    pub token_hash: String,
    pub user_id: i64,
    pub created_at: NaiveDateTime,
    pub last_seen_at: NaiveDateTime,
    /// Readable description of the browser.
    pub device: String,
    /// The network that last used the session.
    pub network: String,
}

impl Session {
    /// The id in URLs: a prefix of the hash, which gives no access.
    pub fn id(&self) -> &str {
        self.token_hash.get(..20).unwrap_or(&self.token_hash)
    }
}

/// Where and when a session was last used.
#[derive(AsChangeset, Clone, Debug)]
#[diesel(table_name = sessions)]
pub struct Used {
    pub device: String,
    pub network: String,
    pub last_seen_at: NaiveDateTime,
}

impl Used {
    /// Browser and network, for people.
    fn place(&self) -> String {
        let device = if self.device.is_empty() { "Unknown browser" } else { &self.device };
        format!("{device}, {}", self.network)
    }
}

/// Opens a session for a user under a new token, and ends the one under `old`.
pub fn open(conn: &mut Connection, user_id: i64, token: &str, old: Option<&str>, used: &Used) -> Result<()> {
    if let Some(old) = old {
        close(conn, old)?;
    }
    let session = Session {
        token_hash: token::sha256(token.as_bytes()),
        user_id,
        created_at: used.last_seen_at,
        last_seen_at: used.last_seen_at,
        device: used.device.clone(),
        network: used.network.clone(),
    };
    diesel::insert_into(sessions::table).values(session).execute(conn)?;
    let too_many: Vec<String> = sessions::table
        .filter(sessions::user_id.eq(user_id))
        .order(sessions::last_seen_at.desc())
        .offset(MOST)
        .limit(MOST)
        .select(sessions::token_hash)
        .load(conn)?;
    diesel::delete(sessions::table.filter(sessions::token_hash.eq_any(too_many))).execute(conn)?;
    let user: User = users::table.find(user_id).first(conn)?;
    let place = used.place();
    record(conn, &(&user).into(), user.event(EventKind::UserSignedIn).text("", &place), used.last_seen_at)?;
    Ok(())
}

/// The user of a session token, and whether to record the session's last use.
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
    // With a short idle timeout, record more often, or sessions in use would expire.
    let every = TOUCH_EVERY.min(config.session_idle / 10);
    Ok(found.map(|(user, seen)| (user, now - seen > every)))
}

/// Records the last use of a session.
pub fn touch(conn: &mut Connection, token: &str, used: &Used) -> Result<()> {
    let session = sessions::table.find(token::sha256(token.as_bytes()));
    diesel::update(session).set(used).execute(conn)?;
    Ok(())
}

/// A user's active sessions, most recently used first.
pub fn of_user(conn: &mut Connection, config: &Config, user_id: i64, now: NaiveDateTime) -> Result<Vec<Session>> {
    Ok(sessions::table
        .filter(sessions::user_id.eq(user_id))
        .filter(sessions::last_seen_at.gt(now - config.session_idle))
        .filter(sessions::created_at.gt(now - config.session_max))
        .order((sessions::last_seen_at.desc(), sessions::created_at.desc()))
        .load(conn)?)
}

fn close(conn: &mut Connection, token: &str) -> Result<()> {
    diesel::delete(sessions::table.find(token::sha256(token.as_bytes()))).execute(conn)?;
    Ok(())
}

/// Ends the session with this token: its user signs out.
pub fn close_own(conn: &mut Connection, user: &User, token: &str, now: NaiveDateTime) -> Result<()> {
    close(conn, token)?;
    record(conn, &user.into(), user.event(EventKind::UserSignedOut), now)?;
    Ok(())
}

/// Records that somebody could not sign in as this user.
pub fn record_failure(conn: &mut Connection, user: &User, used: &Used) -> Result<()> {
    let stranger = Actor::visitor(user.account_id, "");
    let place = used.place();
    record(conn, &stranger, user.event(EventKind::UserSignInFailed).text("", &place), used.last_seen_at)?;
    Ok(())
}

/// Ends the user's session with this [`Session::id`].
pub fn close_by_id(conn: &mut Connection, by: &User, id: &str, now: NaiveDateTime) -> Result<()> {
    let user_id = by.id;
    let hashes: Vec<String> =
        sessions::table.filter(sessions::user_id.eq(user_id)).select(sessions::token_hash).load(conn)?;
    let hash = hashes.into_iter().find(|hash| hash.get(..20) == Some(id)).ok_or_else(Error::not_found)?;
    diesel::delete(sessions::table.find(hash)).execute(conn)?;
    record(conn, &by.into(), by.event(EventKind::UserSessionsEnded), now)?;
    Ok(())
}

/// Ends all sessions of a user except the one with this token, and forgets all known
/// browsers.
pub fn close_others(conn: &mut Connection, by: &User, token: &str, now: NaiveDateTime) -> Result<()> {
    let others = sessions::table
        .filter(sessions::user_id.eq(by.id))
        .filter(sessions::token_hash.ne(token::sha256(token.as_bytes())));
    diesel::delete(others).execute(conn)?;
    devices::forget_all(conn, by.id)?;
    record(conn, &by.into(), by.event(EventKind::UserSessionsEnded), now)?;
    Ok(())
}

pub fn close_all(conn: &mut Connection, user_id: i64) -> Result<()> {
    diesel::delete(sessions::table.filter(sessions::user_id.eq(user_id))).execute(conn)?;
    Ok(())
}

/// Deletes expired sessions, and returns their number.
pub fn forget_expired(conn: &mut Connection, config: &Config, now: NaiveDateTime) -> Result<usize> {
    let idle = sessions::last_seen_at.le(now - config.session_idle);
    let old = sessions::created_at.le(now - config.session_max);
    Ok(diesel::delete(sessions::table.filter(idle.or(old))).execute(conn)?)
}

/// Ends all sessions of a user and forgets all known browsers.
pub fn sign_out(conn: &mut Connection, id: i64) -> Result<()> {
    close_all(conn, id)?;
    devices::forget_all(conn, id)
}
