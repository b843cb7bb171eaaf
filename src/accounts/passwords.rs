//! The stored hashes of users' passwords.

use crate::accounts::user::User;
use crate::accounts::{sessions, user};
use crate::db::Connection;
use crate::db::schema::{password_links, users};
use crate::error::Result;
use crate::events::actor::Actor;
use crate::events::event::Kind as EventKind;
use crate::events::record::record;
use crate::values::email::Email;
use chrono::NaiveDateTime;
use diesel::prelude::*;

/// Stores a new hash of the same password.
pub fn renew_hash(conn: &mut Connection, id: i64, hash: &str) -> Result<()> {
    diesel::update(users::table.find(id)).set(users::password_hash.eq(hash)).execute(conn)?;
    Ok(())
}

/// Ends the links with which a user may set a new password, and returns how many there were.
pub fn forget_links(conn: &mut Connection, user_id: i64) -> Result<usize> {
    Ok(diesel::delete(password_links::table.filter(password_links::user_id.eq(user_id))).execute(conn)?)
}

/// Stores the hash of a new password. Ends all sessions and links, and forgets all known browsers.
pub fn replace_password(conn: &mut Connection, by: &Actor, user: &User, hash: &str, now: NaiveDateTime) -> Result<()> {
    renew_hash(conn, user.id, hash)?;
    sessions::sign_out(conn, user.id)?;
    forget_links(conn, user.id)?;
    record(conn, by, user.event(EventKind::UserPasswordChanged), now)?;
    Ok(())
}

/// Sets a user's password, for the operator, and ends all their sessions.
///
/// # Errors
/// *Invalid* when no user has that address.
pub fn set_password(conn: &mut Connection, email: &Email, hash: &str, now: NaiveDateTime) -> Result<()> {
    let user = user::known(conn, email)?;
    replace_password(conn, &Actor::system(user.account_id), &user, hash, now)
}
