//! Queries on accounts and users.

use crate::db::Connection;
use crate::db::schema::{accounts, mail_marks, ticket_counts, users};
use crate::error::{Error, Kind, Result};
use crate::people::access::Role;
use crate::people::model::{Email, User};
use crate::people::{devices, sessions};
use chrono::NaiveDateTime;
use diesel::prelude::*;

/// A user about to be stored.
#[derive(Clone, Debug)]
pub struct NewUser {
    /// Their address, unique in the installation.
    pub email: Email,
    /// Their name.
    pub name: String,
    /// The hash of their password.
    pub password_hash: String,
    /// An IANA time zone.
    pub time_zone: String,
}

/// Whether nobody has opened an account yet.
///
/// # Errors
/// When the database fails.
pub fn is_empty(conn: &mut Connection) -> Result<bool> {
    let any: Option<i64> = users::table.select(users::id).first(conn).optional()?;
    Ok(any.is_none())
}

/// Opens an account with `user` as its owner; it bears that user's id, which is returned.
///
/// # Errors
/// *Conflict* when the address is taken.
pub fn open_account(conn: &mut Connection, user: &NewUser, now: NaiveDateTime) -> Result<i64> {
    // No account has this id yet; the foreign key is checked when all is in place.
    let id = insert(conn, 0, user, Role::Owner, now)?;
    let name = format!("{}’s desk", user.name);
    diesel::insert_into(accounts::table)
        .values((
            accounts::id.eq(id),
            accounts::name.eq(name),
            accounts::time_zone.eq(&user.time_zone),
            accounts::last_ticket_number.eq(0),
            accounts::conversation_url.eq(""),
            accounts::submission_url.eq(""),
            accounts::created_at.eq(now),
            accounts::file_bytes.eq(0),
        ))
        .execute(conn)?;
    for status in ["closed", "in_progress", "new"] {
        diesel::insert_into(ticket_counts::table)
            .values((ticket_counts::account_id.eq(id), ticket_counts::status.eq(status), ticket_counts::count.eq(0)))
            .execute(conn)?;
    }
    diesel::update(users::table.find(id)).set(users::account_id.eq(id)).execute(conn)?;
    Ok(id)
}

/// Adds a member to an account and returns their id.
///
/// # Errors
/// *Conflict* when the address is taken.
pub fn add_member(
    conn: &mut Connection,
    account_id: i64,
    user: &NewUser,
    role: Role,
    now: NaiveDateTime,
) -> Result<i64> {
    insert(conn, account_id, user, role, now)
}

fn insert(conn: &mut Connection, account_id: i64, user: &NewUser, role: Role, now: NaiveDateTime) -> Result<i64> {
    let inserted = diesel::insert_into(users::table)
        .values((
            users::account_id.eq(account_id),
            users::email.eq(user.email.as_str()),
            users::name.eq(&user.name),
            users::role.eq(role.as_str()),
            users::password_hash.eq(&user.password_hash),
            users::time_zone.eq(&user.time_zone),
            users::created_at.eq(now),
        ))
        .returning(users::id)
        .get_result(conn);
    inserted.map_err(|error| match error {
        diesel::result::Error::DatabaseError(diesel::result::DatabaseErrorKind::UniqueViolation, _) => {
            Error::new(Kind::Conflict, "Somebody with that email address has an account already.")
        }
        other => other.into(),
    })
}

/// The user of that address, disabled or not.
///
/// # Errors
/// When the database fails.
pub fn find_by_email(conn: &mut Connection, email: &Email) -> Result<Option<User>> {
    Ok(users::table.filter(users::email.eq(email.as_str())).first(conn).optional()?)
}

/// Stores another hash of the same password.
///
/// # Errors
/// When the database fails.
pub fn renew_hash(conn: &mut Connection, id: i64, hash: &str) -> Result<()> {
    diesel::update(users::table.find(id)).set(users::password_hash.eq(hash)).execute(conn)?;
    Ok(())
}

/// Sets a user's password and ends all their sessions.
///
/// # Errors
/// *Invalid* when nobody has that address.
pub fn set_password(conn: &mut Connection, email: &Email, hash: &str) -> Result<()> {
    let found = find_by_email(conn, email)?;
    let user = found.ok_or_else(|| Error::invalid(format!("nobody has the address {}", email.as_str())))?;
    replace_password(conn, user.id, hash)
}

/// Stores the hash of a new password. Every session ends, and every browser is a
/// stranger's again.
///
/// # Errors
/// When the database fails.
pub fn replace_password(conn: &mut Connection, id: i64, hash: &str) -> Result<()> {
    renew_hash(conn, id, hash)?;
    sign_out(conn, id)
}

/// Ends every session of a user; every browser is a stranger's again.
///
/// # Errors
/// When the database fails.
pub fn sign_out(conn: &mut Connection, id: i64) -> Result<()> {
    sessions::close_all(conn, id)?;
    devices::forget_all(conn, id)
}

/// A user of the account.
///
/// # Errors
/// *Not found*, also for users of other accounts.
pub fn find(conn: &mut Connection, account_id: i64, id: i64) -> Result<User> {
    Ok(users::table.filter(users::account_id.eq(account_id)).filter(users::id.eq(id)).first(conn)?)
}

/// Whoever changes what they want to hear of by mail, or comes back, is told of
/// what comes from then on.
///
/// # Errors
/// When the database fails.
pub fn hear_anew(conn: &mut Connection, id: i64) -> Result<()> {
    diesel::delete(mail_marks::table.find(id)).execute(conn)?;
    Ok(())
}

/// The account that an owner's address leads to.
///
/// # Errors
/// *Not found* when no owner has that address.
pub fn account_of_owner(conn: &mut Connection, email: &Email) -> Result<User> {
    let owner = find_by_email(conn, email)?.filter(|user| user.role() == Role::Owner);
    owner.ok_or_else(|| Error::new(Kind::NotFound, format!("no owner has the address {}", email.as_str())))
}

/// All users of the account, the disabled ones too, in the order in which they came.
///
/// # Errors
/// When the database fails.
pub fn members(conn: &mut Connection, account_id: i64) -> Result<Vec<User>> {
    Ok(users::table.filter(users::account_id.eq(account_id)).order(users::id).load(conn)?)
}

/// Those who can be given a ticket: id and name.
///
/// # Errors
/// When the database fails.
pub fn assignable(conn: &mut Connection, account_id: i64) -> Result<Vec<(i64, String)>> {
    Ok(users::table
        .filter(users::account_id.eq(account_id))
        .filter(users::disabled_at.is_null())
        .filter(users::role.ne(Role::Viewer.as_str()))
        .order(users::name)
        .select((users::id, users::name))
        .load(conn)?)
}

/// An account's row.
#[derive(Clone, Debug, Queryable)]
#[allow(missing_docs)]
pub struct Account {
    pub id: i64,
    pub name: String,
    pub time_zone: String,
    pub last_ticket_number: i64,
    pub conversation_url: String,
    pub submission_url: String,
    pub created_at: NaiveDateTime,
    /// What its files take, in bytes.
    pub file_bytes: i64,
}

/// The ids of all accounts.
///
/// # Errors
/// When the database fails.
pub fn account_ids(conn: &mut Connection) -> Result<Vec<i64>> {
    Ok(accounts::table.select(accounts::id).order(accounts::id).load(conn)?)
}

/// Makes other changes of the account's team wait until the transaction ends.
///
/// # Errors
/// When the database fails.
pub fn lock_account(conn: &mut Connection, account_id: i64) -> Result<()> {
    diesel::update(accounts::table.find(account_id)).set(accounts::name.eq(accounts::name)).execute(conn)?;
    Ok(())
}

/// The account's row.
///
/// # Errors
/// When the database fails.
pub fn account(conn: &mut Connection, account_id: i64) -> Result<Account> {
    Ok(accounts::table.find(account_id).first(conn)?)
}
