//! Responses to requests with an `Idempotency-Key`, kept for a day, so that the same
//! request gets the same response however often it is sent.

use crate::db::schema::idempotent_answers;
use crate::db::{Connection, unless_taken};
use crate::error::{Error, Kind, Result};
use chrono::NaiveDateTime;
use diesel::prelude::*;

/// The result of reserving a key.
pub enum Reserved {
    /// The key is new. The caller handles the request and stores the response in the same
    /// transaction.
    New,
    /// The stored response to an earlier copy of the request.
    Earlier { status: i64, body: String },
}

/// The status is 0 until the request has a response.
#[derive(Insertable)]
#[diesel(table_name = idempotent_answers)]
struct StoredResponse<'a> {
    account_id: i64,
    key: &'a str,
    digest: &'a str,
    status: i64,
    body: &'a str,
    created_at: NaiveDateTime,
}

/// Reserves a key for a request. A concurrent request with the same key waits.
///
/// # Errors
/// *Conflict* when the key was used for another request, *gone* when the response is not known any
/// more.
pub fn reserve(
    conn: &mut Connection,
    account_id: i64,
    key: &str,
    digest: &str,
    now: NaiveDateTime,
) -> Result<Reserved> {
    let row = StoredResponse { account_id, key, digest, status: 0, body: "", created_at: now };
    let place = unless_taken(conn, |conn| diesel::insert_into(idempotent_answers::table).values(row).execute(conn))?;
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
    if body.is_empty() {
        let message = "This request was handled before. Its response is no longer kept.";
        return Err(Error::new(Kind::Gone, message));
    }
    Ok(Reserved::Earlier { status, body })
}

/// Stores the response to a request whose key is reserved.
pub fn keep(conn: &mut Connection, account_id: i64, key: &str, status: u16, body: &str) -> Result<()> {
    diesel::update(idempotent_answers::table.find((account_id, key)))
        .set((idempotent_answers::status.eq(i64::from(status)), idempotent_answers::body.eq(body)))
        .execute(conn)?;
    Ok(())
}

/// Forgets what the responses of an account say. That the requests were handled stays, so that none
/// is handled again.
pub fn forget_contents(conn: &mut Connection, account_id: i64) -> Result<()> {
    let of_account = idempotent_answers::table.filter(idempotent_answers::account_id.eq(account_id));
    diesel::update(of_account).set(idempotent_answers::body.eq("")).execute(conn)?;
    Ok(())
}

/// Deletes responses older than `before`, and returns their number.
pub fn forget(conn: &mut Connection, before: NaiveDateTime) -> Result<usize> {
    Ok(diesel::delete(idempotent_answers::table.filter(idempotent_answers::created_at.lt(before))).execute(conn)?)
}
