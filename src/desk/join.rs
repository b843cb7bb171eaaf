//! What opening an account and joining one share.

use crate::accounts::user::{MAX_NAME, NewUser};
use crate::app::App;
use crate::error::{OfField, Result};
use crate::limits::passwords;
use crate::limits::passwords::Turn;
use crate::values::email::Email;
use crate::values::text;
use crate::values::time::known_zone;
use crate::web::flash::Flash;
use crate::web::layout::Layout;
use actix_web::HttpResponse;
use serde::Deserialize;

/// The form that a new user fills in.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct NewMember {
    pub name: String,
    pub email: String,
    pub password: String,
    /// As the browser reports it.
    pub time_zone: String,
}

/// Checks the form. The new user's address is `email`, whatever the form says.
pub async fn new_user(app: &App, typed: &NewMember, email: &str, account: &str) -> Result<NewUser> {
    let email = Email::parse(email).of_field("email")?;
    let name = text::required_line("The name", &typed.name, MAX_NAME).of_field("name")?;
    let password = typed.password.clone();
    passwords::check(&password, &[email.as_str(), &name, account]).of_field("password")?;
    let time_zone = known_zone(&typed.time_zone).unwrap_or_else(|| "UTC".into());
    let turn = Turn { user: email.as_str().to_owned(), is_known: false };
    Ok(NewUser { password_hash: app.passwords.hash(turn, password).await?, email, name, time_zone })
}

/// Redirects to the tickets, with a message if the browser's time zone is unknown.
pub fn welcome(layout: &Layout, zone: &str) -> Result<HttpResponse> {
    if zone.trim().is_empty() || known_zone(zone).is_some() {
        return Ok(layout.see_other("/tickets"));
    }
    let zone = text::shorten(zone, 60);
    let message = format!(
        "Your browser’s time zone, {zone}, is unknown here, so times are shown in UTC. Choose another one in your profile."
    );
    layout.see_other_with("/tickets", &Flash::new(message))
}
