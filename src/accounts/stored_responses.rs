//! Responses to requests with an `Idempotency-Key`, kept for a day, so that the same
//! request gets the same response however often it is sent.

use crate::db::schema::idempotent_answers;
use crate::db::{Connection, unless_taken};
use crate::error::{Error, Kind, Result};
use chrono::NaiveDateTime;
use diesel::prelude::*;

/// What is known of a key.
pub enum Reserved {
    /// The key is new: the caller answers, and keeps the response in the same transaction.
    New,
    /// The same request was answered before.
    Earlier { status: i64, body: String },
}

/// Reserves a key for a request. Of two at once, the second waits for the first.
///
/// # Errors
/// *Conflict* when the key was used for another request.
pub fn reserve(
    conn: &mut Connection,
    account_id: i64,
    key: &str,
    digest: &str,
    now: NaiveDateTime,
) -> Result<Reserved> {
    let place = unless_taken(conn, |conn| {
        diesel::insert_into(idempotent_answers::table)
            .values((
                idempotent_answers::account_id.eq(account_id),
                idempotent_answers::key.eq(key),
                idempotent_answers::digest.eq(digest),
                idempotent_answers::status.eq(0),
                idempotent_answers::body.eq(""),
                idempotent_answers::created_at.eq(now),
            ))
            .execute(conn)
    })?;
    if place.is_some() {
        return Ok(Reserved::New);
    }
    let (known, status, body): (String, i64, String) = idempotent_answers::table
        .find((account_id, key))
        .select((idempotent_answers::digest, idempotent_answers::status, idempotent_answers::body))
        .first(conn)?;
    if known != digest {
        let message = "This Idempotency-Key was used for another request in the last 24 hours.";
        return Err(Error::new(Kind::Conflict, message));
    }
    Ok(Reserved::Earlier { status, body })
}

/// Keeps the response to a request whose key is reserved.
pub fn keep(conn: &mut Connection, account_id: i64, key: &str, status: u16, body: &str) -> Result<()> {
    diesel::update(idempotent_answers::table.find((account_id, key)))
        .set((idempotent_answers::status.eq(i64::from(status)), idempotent_answers::body.eq(body)))
        .execute(conn)?;
    Ok(())
}

/// Forgets responses from before a time.
pub fn forget(conn: &mut Connection, before: NaiveDateTime) -> Result<usize> {
    Ok(diesel::delete(idempotent_answers::table.filter(idempotent_answers::created_at.lt(before))).execute(conn)?)
}
