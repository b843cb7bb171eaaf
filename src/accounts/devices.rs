//! Browsers in which a user signed in before, identified by a random token. Password
//! guesses from elsewhere do not slow down sign-in from these browsers.

use crate::db::Connection;
use crate::db::schema::devices;
use crate::error::Result;
use crate::values::token;
use chrono::{NaiveDateTime, TimeDelta};
use diesel::prelude::*;

/// How long a browser stays known after a sign-in, in days.
pub const DAYS: i64 = 180;
/// Maximum browsers per user; the oldest is deleted.
const MOST: i64 = 20;

#[derive(Insertable)]
#[diesel(table_name = devices)]
struct Device {
    token_hash: String,
    user_id: i64,
    created_at: NaiveDateTime,
}

/// Whether a user has signed in with this token before.
pub fn is_known(conn: &mut Connection, user_id: i64, token: &str, now: NaiveDateTime) -> Result<bool> {
    let device = devices::table
        .find((token::sha256(token.as_bytes()), user_id))
        .filter(devices::created_at.gt(now - TimeDelta::days(DAYS)));
    Ok(device.select(devices::user_id).first::<i64>(conn).optional()?.is_some())
}

/// Remembers the browser of a new sign-in under a new token, so that a token planted by
/// an attacker becomes worthless.
pub fn remember(conn: &mut Connection, user_id: i64, old: Option<&str>, new: &str, now: NaiveDateTime) -> Result<()> {
    let hash = token::sha256(new.as_bytes());
    if let Some(old) = old.map(|old| token::sha256(old.as_bytes())) {
        diesel::delete(devices::table.find((&old, user_id))).execute(conn)?;
        // Other users of the same browser.
        let others = devices::table.filter(devices::token_hash.eq(&old));
        diesel::update(others).set(devices::token_hash.eq(&hash)).execute(conn)?;
    }
    let device = Device { token_hash: hash, user_id, created_at: now };
    diesel::insert_into(devices::table).values(device).execute(conn)?;
    let of_user = devices::table.filter(devices::user_id.eq(user_id));
    let too_many: Vec<String> =
        of_user.order(devices::created_at.desc()).offset(MOST).limit(MOST).select(devices::token_hash).load(conn)?;
    diesel::delete(of_user.filter(devices::token_hash.eq_any(too_many))).execute(conn)?;
    Ok(())
}

/// Forgets all browsers of a user, for example after a password change.
pub fn forget_all(conn: &mut Connection, user_id: i64) -> Result<()> {
    diesel::delete(devices::table.filter(devices::user_id.eq(user_id))).execute(conn)?;
    Ok(())
}

/// Forgets browsers whose last sign-in was more than [`DAYS`] ago.
pub fn forget_old(conn: &mut Connection, now: NaiveDateTime) -> Result<()> {
    diesel::delete(devices::table.filter(devices::created_at.le(now - TimeDelta::days(DAYS)))).execute(conn)?;
    Ok(())
}
