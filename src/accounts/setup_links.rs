//! The one-time link that opens the first account.

use crate::accounts::user::NewUser;
use crate::accounts::{account, user};
use crate::db::Connection;
use crate::db::schema::setup_links;
use crate::error::{Error, Kind, Result};
use crate::values::token;
use chrono::{NaiveDateTime, TimeDelta};
use diesel::prelude::*;

/// Lifetime of a set-up link, in minutes.
pub const LINK_MINUTES: i64 = 30;

#[derive(Insertable)]
#[diesel(table_name = setup_links)]
struct SetupLink {
    token_hash: String,
    expires_at: NaiveDateTime,
}

/// Creates a set-up link if no user exists yet, and returns whether it did. Deletes
/// expired links.
pub fn offer(conn: &mut Connection, secret: &str, now: NaiveDateTime) -> Result<bool> {
    if !user::is_empty(conn)? {
        return Ok(false);
    }
    // Links of other instances stay valid until one of them is used.
    diesel::delete(setup_links::table.filter(setup_links::expires_at.le(now))).execute(conn)?;
    let link =
        SetupLink { token_hash: token::sha256(secret.as_bytes()), expires_at: now + TimeDelta::minutes(LINK_MINUTES) };
    diesel::insert_into(setup_links::table).values(link).execute(conn)?;
    Ok(true)
}

pub fn check(conn: &mut Connection, secret: &str, now: NaiveDateTime) -> Result<()> {
    let link: Option<String> = setup_links::table
        .find(token::sha256(secret.as_bytes()))
        .filter(setup_links::expires_at.gt(now))
        .select(setup_links::token_hash)
        .first(conn)
        .optional()?;
    if link.is_some() {
        return Ok(());
    }
    let message = if user::is_empty(conn)? {
        "This set-up link has expired: it works for 30 minutes. Run “docket setup-link”, or start the server again, for a new one."
    } else {
        "This set-up link was used: the first account exists. Sign in instead."
    };
    Err(Error::new(Kind::NotFound, message))
}

/// Uses up the link and opens the account, or does neither.
pub fn open_account(conn: &mut Connection, secret: &str, user: &NewUser, now: NaiveDateTime) -> Result<i64> {
    check(conn, secret, now)?;
    if diesel::delete(setup_links::table).execute(conn)? == 0 {
        // A concurrent request used it.
        return Err(Error::not_found());
    }
    account::open(conn, user, now)
}
