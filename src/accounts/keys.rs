//! API keys: shown once, stored as a hash, revoked but never deleted.

use crate::accounts::role::{Action, Role};
use crate::accounts::user::User;
use crate::db::Connection;
use crate::db::schema::{api_keys, users};
use crate::error::{Error, Kind, Result};
use crate::events::actor::{Actor, ActorKind};
use crate::events::event::Kind as EventKind;
use crate::events::record::{NewEvent, record};
use crate::values::token;
use chrono::{NaiveDateTime, TimeDelta};
use diesel::prelude::*;

/// Prefix of every key, so that people and secret scanners recognise one.
const PREFIX: &str = "dk_live_";
/// The last use is recorded at most this often.
const TOUCH_EVERY: TimeDelta = TimeDelta::minutes(1);

#[derive(Clone, Debug, Queryable)]
pub struct ApiKey {
    pub id: i64,
    pub account_id: i64,
    pub name: String,
    pub key_hash: String,
    /// The last four characters of the key.
    pub hint: String,
    pub created_at: NaiveDateTime,
    pub last_used_at: Option<NaiveDateTime>,
    pub revoked_at: Option<NaiveDateTime>,
    /// The key is valid only while this user may create keys.
    pub created_by: Option<i64>,
}

#[derive(Insertable)]
#[diesel(table_name = api_keys)]
struct NewKey<'a> {
    account_id: i64,
    created_by: i64,
    name: &'a str,
    key_hash: String,
    hint: String,
    created_at: NaiveDateTime,
}

/// A new random key. Only its owner may see it.
pub fn generate() -> Result<String> {
    Ok(format!("{PREFIX}{}", token::secret()?))
}

pub fn is_well_formed(key: &str) -> bool {
    key.strip_prefix(PREFIX)
        .is_some_and(|rest| rest.len() == 52 && rest.bytes().all(|byte| byte.is_ascii_alphanumeric()))
}

/// Creates a key that belongs to an owner.
pub fn add(conn: &mut Connection, by: &Actor, owner: &User, name: &str, key: &str, now: NaiveDateTime) -> Result<()> {
    let hint: String = key.chars().skip(key.len().saturating_sub(4)).collect();
    let key = NewKey {
        account_id: owner.account_id,
        created_by: owner.id,
        name,
        key_hash: token::sha256(key.as_bytes()),
        hint,
        created_at: now,
    };
    let id: i64 = diesel::insert_into(api_keys::table).values(key).returning(api_keys::id).get_result(conn)?;
    record(conn, by, NewEvent::new(EventKind::KeyCreated, id).about(name), now)?;
    Ok(())
}

/// The account's keys, including revoked ones, newest first.
pub fn all(conn: &mut Connection, account_id: i64) -> Result<Vec<ApiKey>> {
    let keys = api_keys::table.filter(api_keys::account_id.eq(account_id));
    Ok(keys.order(api_keys::id.desc()).limit(200).load(conn)?)
}

pub fn find(conn: &mut Connection, account_id: i64, id: i64) -> Result<ApiKey> {
    Ok(api_keys::table.filter(api_keys::account_id.eq(account_id)).filter(api_keys::id.eq(id)).first(conn)?)
}

/// The role of API clients: everything except settings, team and keys.
pub const ROLE: Role = Role::Editor;

/// The actor for a key's hash, and whether to record the key's last use.
pub fn bearer(conn: &mut Connection, hash: &str, now: NaiveDateTime) -> Result<Option<(Actor, bool)>> {
    let found: Option<(ApiKey, User)> = api_keys::table
        .inner_join(users::table.on(api_keys::created_by.eq(users::id.nullable())))
        .filter(api_keys::key_hash.eq(hash))
        .filter(api_keys::revoked_at.is_null())
        .select((api_keys::all_columns, users::all_columns))
        .first(conn)
        .optional()?;
    let found = found.filter(|(_, creator)| may_hold(creator));
    Ok(found.map(|(key, _)| {
        let name = format!("{} (API)", key.name);
        let actor = Actor::new(key.account_id, &name, ActorKind::Key(key.id));
        (actor, key.last_used_at.is_none_or(|used| now - used > TOUCH_EVERY))
    }))
}

/// Whether keys created by this user are valid.
fn may_hold(creator: &User) -> bool {
    creator.disabled_at.is_none() && creator.role.may(Action::Own)
}

/// Checks that a key is still valid.
///
/// # Errors
/// *Signed out* when it was revoked or its creator may no longer create keys.
pub fn confirm(conn: &mut Connection, account_id: i64, id: i64) -> Result<()> {
    let creator: Option<User> = api_keys::table
        .inner_join(users::table.on(api_keys::created_by.eq(users::id.nullable())))
        .filter(api_keys::account_id.eq(account_id))
        .filter(api_keys::id.eq(id))
        .filter(api_keys::revoked_at.is_null())
        .select(users::all_columns)
        .first(conn)
        .optional()?;
    creator.filter(may_hold).map(drop).ok_or_else(unknown)
}

/// The error for an invalid key.
pub fn unknown() -> Error {
    Error::new(Kind::SignedOut, "Unknown or revoked API key.")
}

/// Revokes all keys that a user created, and returns their number.
pub fn revoke_of(conn: &mut Connection, by: &Actor, creator: i64, now: NaiveDateTime) -> Result<usize> {
    let keys: Vec<i64> = api_keys::table
        .filter(api_keys::created_by.eq(creator))
        .filter(api_keys::revoked_at.is_null())
        .select(api_keys::id)
        .load(conn)?;
    keys.iter().try_for_each(|id| revoke(conn, by, *id, now))?;
    Ok(keys.len())
}

/// Records the last use of a key.
pub fn touch(conn: &mut Connection, hash: &str, now: NaiveDateTime) -> Result<()> {
    let key = api_keys::table.filter(api_keys::key_hash.eq(hash));
    diesel::update(key).set(api_keys::last_used_at.eq(now)).execute(conn)?;
    Ok(())
}

/// Revokes a key permanently.
pub fn revoke(conn: &mut Connection, by: &Actor, id: i64, now: NaiveDateTime) -> Result<()> {
    let key = find(conn, by.account_id, id)?;
    let valid = api_keys::table.find(id).filter(api_keys::revoked_at.is_null());
    if diesel::update(valid).set(api_keys::revoked_at.eq(now)).execute(conn)? == 0 {
        return Ok(());
    }
    record(conn, by, NewEvent::new(EventKind::KeyRevoked, id).about(&key.name), now)?;
    Ok(())
}
