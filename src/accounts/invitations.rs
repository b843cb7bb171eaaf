//! Invitations to an account by one-time link.

use crate::accounts::role::Role;
use crate::accounts::user::{NewUser, User};
use crate::accounts::{account, user};
use crate::db::Connection;
use crate::db::schema::{accounts, invitations, users};
use crate::error::{Error, Kind, Result};
use crate::events::actor::Actor;
use crate::events::event::Kind as EventKind;
use crate::events::record::{NewEvent, record};
use crate::values::email::Email;
use crate::values::token;
use chrono::{NaiveDateTime, TimeDelta};
use diesel::prelude::*;
use serde_json::json;

/// How long an invitation holds.
pub const LINK_DAYS: i64 = 3;

/// An invitation that has not been accepted yet.
#[derive(Clone, Debug, Queryable)]
pub struct Invitation {
    pub id: i64,
    pub account_id: i64,
    pub token_hash: String,
    pub email: String,
    pub role: Role,
    pub expires_at: NaiveDateTime,
    /// The invitation is valid only while this user may grant its role.
    pub invited_by: Option<i64>,
}

#[derive(Insertable)]
#[diesel(table_name = invitations)]
struct NewInvitation<'a> {
    account_id: i64,
    token_hash: String,
    email: &'a str,
    role: Role,
    expires_at: NaiveDateTime,
    invited_by: i64,
}

/// Creates an invitation; its link contains `secret`. Returns its id. An earlier one of the same
/// address ends. A user of another account is invited like anybody else, so that nobody learns
/// whose addresses other accounts know.
///
/// # Errors
/// *Conflict* when a member of the account has that address.
pub fn invite(
    conn: &mut Connection,
    inviter: &User,
    email: &Email,
    role: Role,
    secret: &str,
    now: NaiveDateTime,
) -> Result<i64> {
    let account_id = inviter.account_id;
    if user::find_by_email(conn, email)?.is_some_and(|user| user.account_id == account_id) {
        return Err(user::email_taken());
    }
    let same =
        invitations::table.filter(invitations::account_id.eq(account_id)).filter(invitations::email.eq(email.as_str()));
    diesel::delete(same).execute(conn)?;
    let invitation = NewInvitation {
        account_id,
        token_hash: token::sha256(secret.as_bytes()),
        email: email.as_str(),
        role,
        expires_at: now + TimeDelta::days(LINK_DAYS),
        invited_by: inviter.id,
    };
    let id: i64 =
        diesel::insert_into(invitations::table).values(invitation).returning(invitations::id).get_result(conn)?;
    let event = NewEvent::new(EventKind::InvitationCreated, id).data(json!({ "role": role }));
    record(conn, &inviter.into(), event.about(email.as_str()), now)?;
    Ok(id)
}

/// The account's open invitations.
pub fn pending(conn: &mut Connection, account_id: i64, now: NaiveDateTime) -> Result<Vec<Invitation>> {
    Ok(invitations::table
        .filter(invitations::account_id.eq(account_id))
        .filter(invitations::expires_at.gt(now))
        .order(invitations::id)
        .load(conn)?)
}

/// Gives a valid invitation a new link with this secret: the one before stops working. Returns
/// the invitation with the user who invited; `None` if it is no longer valid.
pub fn renew(conn: &mut Connection, id: i64, secret: &str, now: NaiveDateTime) -> Result<Option<(Invitation, User)>> {
    let found: Option<(Invitation, User)> = invitations::table
        .inner_join(users::table.on(invitations::invited_by.eq(users::id.nullable())))
        .filter(invitations::id.eq(id))
        .filter(invitations::expires_at.gt(now))
        .select((invitations::all_columns, users::all_columns))
        .first(conn)
        .optional()?;
    let Some((invitation, inviter)) = found.filter(|(invitation, inviter)| may_grant(inviter, invitation.role)) else {
        return Ok(None);
    };
    diesel::update(invitations::table.find(id))
        .set(invitations::token_hash.eq(token::sha256(secret.as_bytes())))
        .execute(conn)?;
    Ok(Some((invitation, inviter)))
}

fn may_grant(inviter: &User, role: Role) -> bool {
    inviter.disabled_at.is_none() && inviter.role.may_manage(role)
}

/// Revokes an invitation; its link stops working immediately.
pub fn revoke(conn: &mut Connection, by: &User, id: i64, now: NaiveDateTime) -> Result<()> {
    let found = invitations::table.filter(invitations::account_id.eq(by.account_id)).filter(invitations::id.eq(id));
    let invitation: Invitation = found.first(conn)?;
    by.role.must_manage(invitation.role)?;
    diesel::delete(found).execute(conn)?;
    let event = NewEvent::new(EventKind::InvitationRevoked, id).about(&invitation.email);
    record(conn, &by.into(), event, now)?;
    Ok(())
}

/// Revokes a user's invitations to roles that they may no longer grant.
pub fn withdraw_of(
    conn: &mut Connection,
    by: &Actor,
    inviter: i64,
    role: Option<Role>,
    now: NaiveDateTime,
) -> Result<()> {
    let may_grant = |other: &Role| role.is_some_and(|role| role.may_manage(*other));
    let grantable: Vec<Role> = Role::ALL.into_iter().filter(may_grant).collect();
    let theirs = invitations::table.filter(invitations::invited_by.eq(inviter));
    let revoked: Vec<Invitation> = theirs.filter(invitations::role.ne_all(grantable)).load(conn)?;
    for invitation in &revoked {
        diesel::delete(invitations::table.find(invitation.id)).execute(conn)?;
        let event = NewEvent::new(EventKind::InvitationRevoked, invitation.id).about(&invitation.email);
        record(conn, by, event, now)?;
    }
    Ok(())
}

/// The valid invitation for a secret, and the name of its account.
pub fn find(conn: &mut Connection, secret: &str, now: NaiveDateTime) -> Result<(Invitation, String)> {
    let found: Option<(Invitation, String, User)> = invitations::table
        .inner_join(accounts::table.on(accounts::id.eq(invitations::account_id)))
        .inner_join(users::table.on(invitations::invited_by.eq(users::id.nullable())))
        .filter(invitations::token_hash.eq(token::sha256(secret.as_bytes())))
        .filter(invitations::expires_at.gt(now))
        .select((invitations::all_columns, accounts::name, users::all_columns))
        .first(conn)
        .optional()?;
    let found = found.filter(|(invitation, _, inviter)| may_grant(inviter, invitation.role));
    let message = "This invitation was used or revoked, or has expired. Ask for a new one.";
    found.map(|(invitation, account, _)| (invitation, account)).ok_or_else(|| Error::new(Kind::NotFound, message))
}

/// Uses up the invitation and adds the member, or does neither.
pub fn accept(conn: &mut Connection, secret: &str, user: &NewUser, now: NaiveDateTime) -> Result<i64> {
    let (invitation, _) = find(conn, secret, now)?;
    // Serialises this with concurrent changes of the inviter's role.
    account::lock(conn, invitation.account_id)?;
    let (invitation, _) = find(conn, secret, now)?;
    if diesel::delete(invitations::table.find(invitation.id)).execute(conn)? == 0 {
        // A concurrent request accepted or revoked it.
        return Err(Error::not_found());
    }
    user::add_member(conn, invitation.account_id, user, invitation.role, None, now)
}
