//! Inviting somebody into an account by a one-time link.

use crate::app::AppData;
use crate::db::Connection;
use crate::db::schema::{accounts, invitations};
use crate::error::{Error, Kind, Result};
use crate::people::access::Role;
use crate::people::model::{Email, MAX_NAME, known_zone};
use crate::people::passwords::{self, Passwords};
use crate::people::signin;
use crate::people::store::{self, NewUser};
use crate::web::fields::Fields;
use crate::web::layout::Layout;
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
}

/// Writes an invitation down; the link carries `secret`.
///
/// # Errors
/// *Conflict* when somebody with that address has an account.
pub fn invite(
    conn: &mut Connection,
    account_id: i64,
    email: &Email,
    role: Role,
    secret: &str,
    now: NaiveDateTime,
) -> Result<()> {
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
pub fn revoke(conn: &mut Connection, account_id: i64, id: i64, by: Role) -> Result<()> {
    let found = invitations::table.filter(invitations::account_id.eq(account_id)).filter(invitations::id.eq(id));
    let invitation: Invitation = found.first(conn)?;
    by.must_manage(invitation.role.parse()?)?;
    diesel::delete(found).execute(conn)?;
    Ok(())
}

fn find(conn: &mut Connection, secret: &str, now: NaiveDateTime) -> Result<(Invitation, String)> {
    let found: Option<(Invitation, String)> = invitations::table
        .inner_join(accounts::table.on(accounts::id.eq(invitations::account_id)))
        .filter(invitations::token_hash.eq(token::sha256(secret.as_bytes())))
        .filter(invitations::expires_at.gt(now))
        .select((invitations::all_columns, accounts::name))
        .first(conn)
        .optional()?;
    let message = "This invitation has been used, taken back, or is older than 3 days. Ask for a new one.";
    found.ok_or_else(|| Error::new(Kind::NotFound, message))
}

/// Uses up the invitation and adds the member, both or neither.
fn accept(conn: &mut Connection, secret: &str, user: &NewUser, now: NaiveDateTime) -> Result<i64> {
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
    let user = match new_user(&sent, &invitation.email, &passwords).await {
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
    let mut response = layout.see_other("/tickets");
    signin::start_session(&req, &app, id, &mut response).await?;
    Ok(response)
}

/// Reads a person's name and password from a form.
///
/// # Errors
/// *Invalid*, with the field that is wrong.
pub async fn new_user(sent: &Fields, email: &str, passwords: &Passwords) -> Result<NewUser> {
    let email = Email::parse(email)?;
    let name = text::required_line("The name", &sent.get("name"), MAX_NAME)?;
    let password = sent.get("password");
    passwords::check(&password, email.as_str())?;
    let time_zone = known_zone(&sent.get("timeZone"));
    Ok(NewUser { email, name, password_hash: passwords.hash(password).await?, time_zone })
}
