//! Opening the first account by a one-time link.

use crate::app::AppData;
use crate::db::Connection;
use crate::db::schema::setup_links;
use crate::error::{Error, Kind, Result};
use crate::people::invitations::{new_user, welcome};
use crate::people::passwords::Passwords;
use crate::people::signin;
use crate::people::store::{self, NewUser};
use crate::upkeep::sample;
use crate::web::fields::Fields;
use crate::web::layout::Layout;
use crate::web::query::Query;
use crate::web::token;
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use chrono::{NaiveDateTime, TimeDelta};
use diesel::prelude::*;
use serde::Deserialize;

/// How long a set-up link opens an account.
pub const LINK_MINUTES: i64 = 30;

/// Makes a new link's token, if nobody has an account yet; older links end.
///
/// # Errors
/// When the database fails.
pub fn offer(conn: &mut Connection, secret: &str, now: NaiveDateTime) -> Result<bool> {
    if !store::is_empty(conn)? {
        return Ok(false);
    }
    // Those of other instances stay: all of them work until one is used.
    diesel::delete(setup_links::table.filter(setup_links::expires_at.le(now))).execute(conn)?;
    diesel::insert_into(setup_links::table)
        .values((
            setup_links::token_hash.eq(token::sha256(secret.as_bytes())),
            setup_links::expires_at.eq(now + TimeDelta::minutes(LINK_MINUTES)),
        ))
        .execute(conn)?;
    Ok(true)
}

fn check_link(conn: &mut Connection, secret: &str, now: NaiveDateTime) -> Result<()> {
    let link: Option<String> = setup_links::table
        .find(token::sha256(secret.as_bytes()))
        .filter(setup_links::expires_at.gt(now))
        .select(setup_links::token_hash)
        .first(conn)
        .optional()?;
    let message = "This set-up link has been used or is older than 30 minutes. Start the server again for a new one.";
    link.map(drop).ok_or_else(|| Error::new(Kind::NotFound, message))
}

/// Uses up the link and opens the account, both or neither.
fn open_by_link(conn: &mut Connection, secret: &str, user: &NewUser, now: NaiveDateTime) -> Result<i64> {
    check_link(conn, secret, now)?;
    if diesel::delete(setup_links::table).execute(conn)? == 0 {
        // Somebody else has used it at the same moment.
        return Err(Error::not_found());
    }
    store::open_account(conn, user, now)
}

/// Query of `/setup`.
#[derive(Deserialize)]
pub struct Link {
    #[serde(default)]
    token: String,
}

#[derive(Template)]
#[template(path = "people/setup.html")]
struct SetupPage<'a> {
    layout: &'a Layout,
    token: &'a str,
    name: &'a str,
    email: &'a str,
    sample: bool,
    error: Option<&'a str>,
}

/// `GET /setup?token=…`
///
/// # Errors
/// *Not found* when the link has been used or is too old.
pub async fn show(app: AppData, layout: Layout, link: Query<Link>) -> Result<HttpResponse> {
    let (secret, now) = (link.into_inner().token, app.clock.now());
    let wanted = secret.clone();
    app.db.read(move |conn| check_link(conn, &wanted, now)).await?;
    let page = SetupPage { layout: &layout, token: &secret, name: "", email: "", sample: true, error: None };
    layout.page(&page)
}

/// `POST /setup?token=…`
///
/// # Errors
/// *Not found* when the link has been used or is too old.
pub async fn open(
    req: HttpRequest,
    app: AppData,
    layout: Layout,
    passwords: web::Data<Passwords>,
    link: Query<Link>,
    sent: Fields,
) -> Result<HttpResponse> {
    let (secret, now) = (link.into_inner().token, app.clock.now());
    let wanted = secret.clone();
    app.db.read(move |conn| check_link(conn, &wanted, now)).await?;
    let user = match new_user(&sent, &sent.get("email"), "", &passwords).await {
        Ok(user) => user,
        Err(error) if error.kind == Kind::Invalid => {
            let (name, email) = (sent.get("name"), sent.get("email"));
            let sample = !sent.get("sample").is_empty();
            let error = Some(error.message());
            let page = SetupPage { layout: &layout, token: &secret, name: &name, email: &email, sample, error };
            return layout.page_with(StatusCode::UNPROCESSABLE_ENTITY, &page);
        }
        Err(error) => return Err(error),
    };
    let id = app.db.write(move |conn| open_by_link(conn, &secret, &user, now)).await?;
    if !sent.get("sample").is_empty() {
        sample::load(&app, id, &sample::Plan::default(), |_| {}).await?;
    }
    let mut response = welcome(&layout, &sent)?;
    signin::start_session(&req, &app, id, &mut response).await?;
    Ok(response)
}
