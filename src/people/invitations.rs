//! Inviting somebody into an account by a one-time link.

use crate::app::AppData;
use crate::db::Connection;
use crate::db::schema::{accounts, invitations, users};
use crate::error::{Error, Kind, Result};
use crate::people::access::Role;
use crate::people::model::{Email, MAX_NAME, User, known_zone};
use crate::people::passwords::{self, Passwords, Turn};
use crate::people::signin;
use crate::people::store::{self, NewUser};
use crate::web::fields::Fields;
use crate::web::layout::{Flash, Layout};
use crate::web::{text, token};
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use chrono::{NaiveDateTime, TimeDelta};
use diesel::prelude::*;

const LINK_DAYS: i64 = 3;

/// An invitation that nobody has followed yet.
#[derive(Clone, Debug, Queryable)]
#[allow(missing_docs)]
pub struct Invitation {
    pub id: i64,
    pub account_id: i64,
    pub token_hash: String,
    pub email: String,
    pub role: String,
    pub expires_at: NaiveDateTime,
    /// It holds for as long as this user may grant its role.
    pub invited_by: Option<i64>,
}

/// Writes an invitation down; the link carries `secret`.
///
/// # Errors
/// *Conflict* when somebody with that address has an account.
pub fn invite(
    conn: &mut Connection,
    inviter: &User,
    email: &Email,
    role: Role,
    secret: &str,
    now: NaiveDateTime,
) -> Result<()> {
    let account_id = inviter.account_id;
    if store::find_by_email(conn, email)?.is_some() {
        return Err(Error::new(Kind::Conflict, "Somebody with that email address has an account already."));
    }
    let same =
        invitations::table.filter(invitations::account_id.eq(account_id)).filter(invitations::email.eq(email.as_str()));
    diesel::delete(same).execute(conn)?;
    diesel::insert_into(invitations::table)
        .values((
            invitations::account_id.eq(account_id),
            invitations::token_hash.eq(token::sha256(secret.as_bytes())),
            invitations::email.eq(email.as_str()),
            invitations::role.eq(role.as_str()),
            invitations::expires_at.eq(now + TimeDelta::days(LINK_DAYS)),
            invitations::invited_by.eq(inviter.id),
        ))
        .execute(conn)?;
    Ok(())
}

/// The account's open invitations.
///
/// # Errors
/// When the database fails.
pub fn pending(conn: &mut Connection, account_id: i64, now: NaiveDateTime) -> Result<Vec<Invitation>> {
    Ok(invitations::table
        .filter(invitations::account_id.eq(account_id))
        .filter(invitations::expires_at.gt(now))
        .order(invitations::id)
        .load(conn)?)
}

/// Takes an invitation back; its link is dead at once.
///
/// # Errors
/// *Not found*, also for those of other accounts.
pub fn revoke(conn: &mut Connection, by: &User, id: i64) -> Result<()> {
    let found = invitations::table.filter(invitations::account_id.eq(by.account_id)).filter(invitations::id.eq(id));
    let invitation: Invitation = found.first(conn)?;
    by.role().must_manage(invitation.role.parse()?)?;
    diesel::delete(found).execute(conn)?;
    Ok(())
}

/// Takes back what a user has invited to and may no longer grant.
///
/// # Errors
/// When the database fails.
pub fn withdraw_of(conn: &mut Connection, inviter: i64, role: Option<Role>) -> Result<()> {
    let grantable: Vec<&str> = Role::ALL
        .into_iter()
        .filter(|other| role.is_some_and(|role| role.may_manage(*other)))
        .map(Role::as_str)
        .collect();
    let theirs = invitations::table.filter(invitations::invited_by.eq(inviter));
    diesel::delete(theirs.filter(invitations::role.ne_all(grantable))).execute(conn)?;
    Ok(())
}

/// An invitation that holds, and the name of its account.
fn find(conn: &mut Connection, secret: &str, now: NaiveDateTime) -> Result<(Invitation, String)> {
    let found: Option<(Invitation, String, User)> = invitations::table
        .inner_join(accounts::table.on(accounts::id.eq(invitations::account_id)))
        .inner_join(users::table.on(invitations::invited_by.eq(users::id.nullable())))
        .filter(invitations::token_hash.eq(token::sha256(secret.as_bytes())))
        .filter(invitations::expires_at.gt(now))
        .select((invitations::all_columns, accounts::name, users::all_columns))
        .first(conn)
        .optional()?;
    let may_grant = |inviter: &User, role: &str| {
        inviter.disabled_at.is_none() && role.parse().is_ok_and(|role| inviter.role().may_manage(role))
    };
    let found = found.filter(|(invitation, _, inviter)| may_grant(inviter, &invitation.role));
    let message = "This invitation was used or withdrawn, or has expired. Ask for a new one.";
    found.map(|(invitation, account, _)| (invitation, account)).ok_or_else(|| Error::new(Kind::NotFound, message))
}

/// Uses up the invitation and adds the member, both or neither.
fn accept(conn: &mut Connection, secret: &str, user: &NewUser, now: NaiveDateTime) -> Result<i64> {
    let (invitation, _) = find(conn, secret, now)?;
    // Makes whoever changes the inviter's role wait, or is waited for.
    store::lock_account(conn, invitation.account_id)?;
    let (invitation, _) = find(conn, secret, now)?;
    if diesel::delete(invitations::table.find(invitation.id)).execute(conn)? == 0 {
        // Used or taken back at the same moment.
        return Err(Error::not_found());
    }
    store::add_member(conn, invitation.account_id, user, invitation.role.parse()?, now)
}

#[derive(Template)]
#[template(path = "people/invitation.html")]
struct InvitationPage<'a> {
    layout: &'a Layout,
    token: &'a str,
    account: &'a str,
    email: &'a str,
    name: &'a str,
    error: Option<&'a str>,
}

/// `GET /invitations/{token}`
///
/// # Errors
/// *Not found* when the link no longer counts.
pub async fn show(app: AppData, layout: Layout, path: web::Path<String>) -> Result<HttpResponse> {
    let (secret, now) = (path.into_inner(), app.clock.now());
    let wanted = secret.clone();
    let (invitation, account) = app.db.read(move |conn| find(conn, &wanted, now)).await?;
    let email = &invitation.email;
    layout.page(&InvitationPage { layout: &layout, token: &secret, account: &account, email, name: "", error: None })
}

/// `POST /invitations/{token}`
///
/// # Errors
/// *Not found* when the link no longer counts.
pub async fn join(
    req: HttpRequest,
    app: AppData,
    layout: Layout,
    passwords: web::Data<Passwords>,
    path: web::Path<String>,
    sent: Fields,
) -> Result<HttpResponse> {
    let (secret, now) = (path.into_inner(), app.clock.now());
    let wanted = secret.clone();
    let (invitation, account) = app.db.read(move |conn| find(conn, &wanted, now)).await?;
    let user = match new_user(&sent, &invitation.email, &account, &passwords).await {
        Ok(user) => user,
        Err(error) if error.kind == Kind::Invalid => {
            let (email, name) = (&invitation.email, sent.get("name"));
            let error = Some(error.message());
            let page = InvitationPage { layout: &layout, token: &secret, account: &account, email, name: &name, error };
            return layout.page_with(StatusCode::UNPROCESSABLE_ENTITY, &page);
        }
        Err(error) => return Err(error),
    };
    let id = app.db.write(move |conn| accept(conn, &secret, &user, now)).await?;
    let mut response = welcome(&layout, &sent)?;
    tracing::info!(user = id, "invitation accepted");
    signin::start_session(&req, &app, id, &mut response).await?;
    Ok(response)
}

/// Reads a person's name and password from a form.
///
/// # Errors
/// *Invalid*, with the field that is wrong.
pub async fn new_user(sent: &Fields, email: &str, account: &str, passwords: &Passwords) -> Result<NewUser> {
    let email = Email::parse(email)?;
    let name = text::required_line("The name", &sent.get("name"), MAX_NAME)?;
    let password = sent.exact("password");
    passwords::check(&password, &[email.as_str(), &name, account])?;
    let time_zone = known_zone(&sent.get("timeZone")).unwrap_or_else(|| "UTC".into());
    let turn = Turn { user: email.as_str().to_owned(), is_known: false };
    Ok(NewUser { password_hash: passwords.hash(turn, password).await?, email, name, time_zone })
}

/// To the tickets, saying so where the browser's time zone is not known.
///
/// # Errors
/// *Internal* when the message cannot be written.
pub fn welcome(layout: &Layout, sent: &Fields) -> Result<HttpResponse> {
    let zone = sent.get("timeZone");
    if zone.trim().is_empty() || known_zone(&zone).is_some() {
        return Ok(layout.see_other("/tickets"));
    }
    let zone = text::shorten(&zone, 60);
    let message = format!(
        "Your browser’s time zone, {zone}, is unknown here, so times are shown in UTC. Choose another one in your profile."
    );
    layout.see_other_saying("/tickets", &Flash::new(message))
}
