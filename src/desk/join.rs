//! What opening an account and joining one have in common.

use crate::accounts::user::{MAX_NAME, NewUser};
use crate::app::App;
use crate::error::Result;
use crate::limits::passwords;
use crate::limits::passwords::Turn;
use crate::values::email::Email;
use crate::values::text;
use crate::values::time::known_zone;
use crate::web::flash::Flash;
use crate::web::layout::Layout;
use actix_web::HttpResponse;
use serde::Deserialize;

/// What a new user says of themselves.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct NewMember {
    pub name: String,
    pub email: String,
    pub password: String,
    /// The browser's.
    pub time_zone: String,
}

/// The user that a form describes, with the address `email`.
///
/// # Errors
/// *Invalid*, with the field that is wrong.
pub async fn new_user(app: &App, typed: &NewMember, email: &str, account: &str) -> Result<NewUser> {
    let email = Email::parse(email)?;
    let name = text::required_line("The name", &typed.name, MAX_NAME)?;
    let password = typed.password.clone();
    passwords::check(&password, &[email.as_str(), &name, account])?;
    let time_zone = known_zone(&typed.time_zone).unwrap_or_else(|| "UTC".into());
    let turn = Turn { user: email.as_str().to_owned(), is_known: false };
    Ok(NewUser { password_hash: app.passwords.hash(turn, password).await?, email, name, time_zone })
}

/// To the tickets, saying so where the browser's time zone is not known.
///
/// # Errors
/// *Internal* when the message cannot be written.
pub fn welcome(layout: &Layout, zone: &str) -> Result<HttpResponse> {
    if zone.trim().is_empty() || known_zone(zone).is_some() {
        return Ok(layout.see_other("/tickets"));
    }
    let zone = text::shorten(zone, 60);
    let message = format!(
        "Your browser’s time zone, {zone}, is unknown here, so times are shown in UTC. Choose another one in your profile."
    );
    layout.see_other_saying("/tickets", &Flash::new(message))
}
