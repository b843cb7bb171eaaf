//! Email addresses to which an account sends no more mails.

use crate::db::schema::stopped_addresses;
use crate::db::{Connection, unless_taken};
use crate::error::Result;
use crate::words;
use chrono::NaiveDateTime;
use diesel::deserialize::FromSqlRow;
use diesel::expression::AsExpression;
use diesel::prelude::*;

#[derive(AsExpression, Clone, Copy, Debug, Eq, FromSqlRow, PartialEq)]
#[diesel(sql_type = diesel::sql_types::Text)]
pub enum Reason {
    /// The person wants no more mails.
    Unsubscribed,
    /// A mail server has refused the address.
    Refused,
}

words!(Reason, "unknown reason");

impl Reason {
    const ALL: [Self; 2] = [Self::Unsubscribed, Self::Refused];

    fn as_str(self) -> &'static str {
        match self {
            Self::Unsubscribed => "unsubscribed",
            Self::Refused => "refused",
        }
    }
}

#[derive(Insertable)]
#[diesel(table_name = stopped_addresses)]
struct Stopped<'a> {
    account_id: i64,
    address: &'a str,
    reason: Reason,
    stopped_at: NaiveDateTime,
}

/// Why the account sends no mails to an address; `None` if it does.
pub fn reason(conn: &mut Connection, account_id: i64, address: &str) -> Result<Option<Reason>> {
    let row = stopped_addresses::table.find((account_id, address.to_lowercase()));
    Ok(row.select(stopped_addresses::reason).first(conn).optional()?)
}

/// Sends no more mails to an address. An earlier reason stays.
pub fn stop(conn: &mut Connection, account_id: i64, address: &str, reason: Reason, now: NaiveDateTime) -> Result<()> {
    let address = address.to_lowercase();
    let row = Stopped { account_id, address: &address, reason, stopped_at: now };
    unless_taken(conn, |conn| diesel::insert_into(stopped_addresses::table).values(&row).execute(conn))?;
    Ok(())
}

/// Sends mails again to an address that a mail server has refused.
pub fn try_again(conn: &mut Connection, account_id: i64, address: &str) -> Result<()> {
    let row = stopped_addresses::table.find((account_id, address.to_lowercase()));
    diesel::delete(row.filter(stopped_addresses::reason.eq(Reason::Refused))).execute(conn)?;
    Ok(())
}

/// Sends mails to the address again.
pub fn resume(conn: &mut Connection, account_id: i64, address: &str) -> Result<()> {
    diesel::delete(stopped_addresses::table.find((account_id, address.to_lowercase()))).execute(conn)?;
    Ok(())
}
