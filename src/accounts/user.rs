//! Users: the members of an account's team.

use crate::accounts::role::{Action, Role};
use crate::db::schema::users;
use crate::db::{Connection, unless_taken};
use crate::error::{Error, Kind, Result};
use crate::events::actor::{Actor, ActorKind};
use crate::events::event::Kind as EventKind;
use crate::events::record::{NewEvent, record};
use crate::values::email::Email;
use chrono::NaiveDateTime;
use diesel::prelude::*;
use serde_json::json;

/// Longest name of a user or account, in characters.
pub const MAX_NAME: usize = 100;

#[derive(Clone, Debug, Queryable)]
pub struct User {
    pub id: i64,
    pub account_id: i64,
    pub email: String,
    pub name: String,
    pub role: Role,
    pub password_hash: String,
    pub time_zone: String,
    pub created_at: NaiveDateTime,
    pub disabled_at: Option<NaiveDateTime>,
    pub mail_submissions: bool,
    pub mail_waiting: bool,
    pub mail_assignments: bool,
    /// Whether they want no keyboard shortcuts.
    pub keys_off: bool,
    /// Whether they kept a copy of its source with the last ticket that they created.
    pub keeps_copies: bool,
}

impl User {
    /// An event of this user.
    pub fn event(&self, kind: EventKind) -> NewEvent<'_> {
        NewEvent::new(kind, self.id).about(&self.name)
    }

    pub fn may_be_assigned(&self) -> bool {
        self.disabled_at.is_none() && self.role.may(Action::Work)
    }
}

#[derive(Clone, Debug)]
pub struct NewUser {
    /// Unique across all accounts.
    pub email: Email,
    pub name: String,
    pub password_hash: String,
    /// An IANA time zone.
    pub time_zone: String,
}

impl From<&User> for Actor {
    fn from(user: &User) -> Self {
        Self::new(user.account_id, &user.name, ActorKind::User(user.id))
    }
}

#[derive(Insertable)]
#[diesel(table_name = users)]
struct NewRow<'a> {
    account_id: i64,
    email: &'a str,
    name: &'a str,
    role: Role,
    password_hash: &'a str,
    time_zone: &'a str,
    created_at: NaiveDateTime,
}

/// Whether nobody has opened an account yet.
pub fn is_empty(conn: &mut Connection) -> Result<bool> {
    let any: Option<i64> = users::table.select(users::id).first(conn).optional()?;
    Ok(any.is_none())
}

/// Stores a user of an account and returns their id.
///
/// # Errors
/// *Conflict* when the address is taken.
pub fn add(conn: &mut Connection, account_id: i64, user: &NewUser, role: Role, now: NaiveDateTime) -> Result<i64> {
    let row = NewRow {
        account_id,
        email: user.email.as_str(),
        name: &user.name,
        role,
        password_hash: &user.password_hash,
        time_zone: &user.time_zone,
        created_at: now,
    };
    let added =
        unless_taken(conn, |conn| diesel::insert_into(users::table).values(row).returning(users::id).get_result(conn))?;
    added.ok_or_else(email_taken)
}

/// Adds a member. Without an actor, they add themselves: they have accepted an invitation.
///
/// # Errors
/// *Conflict* when the address is taken.
pub fn add_member(
    conn: &mut Connection,
    account_id: i64,
    new: &NewUser,
    role: Role,
    by: Option<&Actor>,
    now: NaiveDateTime,
) -> Result<i64> {
    let id = add(conn, account_id, new, role, now)?;
    let user = find(conn, account_id, id)?;
    let event = user.event(EventKind::UserAdded).data(json!({ "role": role }));
    record(conn, by.unwrap_or(&Actor::from(&user)), event, now)?;
    Ok(id)
}

/// The error when another user has the email address.
pub fn email_taken() -> Error {
    Error::new(Kind::Conflict, "A user with this email address already exists.")
}

/// The user with this address, including disabled users.
pub fn find_by_email(conn: &mut Connection, email: &Email) -> Result<Option<User>> {
    Ok(users::table.filter(users::email.eq(email.as_str())).first(conn).optional()?)
}

/// The user with this address, for the operator.
///
/// # Errors
/// *Invalid* when no user has that address.
pub fn known(conn: &mut Connection, email: &Email) -> Result<User> {
    let found = find_by_email(conn, email)?;
    found.ok_or_else(|| Error::invalid(format!("no user has the email address {}", email.as_str())))
}

/// A user of the account.
///
/// # Errors
/// *Not found*, also for users of other accounts.
pub fn find(conn: &mut Connection, account_id: i64, id: i64) -> Result<User> {
    Ok(users::table.filter(users::account_id.eq(account_id)).filter(users::id.eq(id)).first(conn)?)
}

/// The settings that users can change for themselves.
#[derive(AsChangeset)]
#[diesel(table_name = users)]
pub struct Profile {
    pub name: String,
    pub time_zone: String,
    pub mail_submissions: bool,
    pub mail_waiting: bool,
    pub mail_assignments: bool,
    pub keys_off: bool,
}

/// Changes a user's own settings.
pub fn change_profile(conn: &mut Connection, by: &User, profile: &Profile, now: NaiveDateTime) -> Result<()> {
    diesel::update(users::table.find(by.id)).set(profile).execute(conn)?;
    record(conn, &by.into(), by.event(EventKind::UserProfileChanged).text(&by.name, &profile.name), now)?;
    Ok(())
}

/// Whether a user kept a copy of its source with the last ticket that they created.
pub fn keeps_copies(conn: &mut Connection, id: i64) -> Result<bool> {
    Ok(users::table.find(id).select(users::keeps_copies).first(conn)?)
}

/// Remembers whether they did.
pub fn remember_copies(conn: &mut Connection, id: i64, keeps: bool) -> Result<()> {
    let changed = users::table.find(id).filter(users::keeps_copies.ne(keeps));
    diesel::update(changed).set(users::keeps_copies.eq(keeps)).execute(conn)?;
    Ok(())
}

/// The owner with this address.
///
/// # Errors
/// *Not found* when no owner has that address.
pub fn account_of_owner(conn: &mut Connection, email: &Email) -> Result<User> {
    let owner = find_by_email(conn, email)?.filter(|user| user.role == Role::Owner);
    owner.ok_or_else(|| Error::new(Kind::NotFound, format!("no owner has the email address {}", email.as_str())))
}

/// All users of all accounts, oldest account and user first.
pub fn everybody(conn: &mut Connection) -> Result<Vec<User>> {
    Ok(users::table.order((users::account_id, users::id)).load(conn)?)
}

/// All users of the account, including disabled ones, oldest first.
pub fn members(conn: &mut Connection, account_id: i64) -> Result<Vec<User>> {
    Ok(users::table.filter(users::account_id.eq(account_id)).order(users::id).load(conn)?)
}

/// Id and name of all users who can be assigned tickets.
pub fn assignable(conn: &mut Connection, account_id: i64) -> Result<Vec<(i64, String)>> {
    Ok(users::table
        .filter(users::account_id.eq(account_id))
        .filter(users::disabled_at.is_null())
        .filter(users::role.ne(Role::Viewer))
        .order(users::name)
        .select((users::id, users::name))
        .load(conn)?)
}
