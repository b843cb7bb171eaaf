//! What opening an account and joining one have in common.

use crate::accounts::passwords;
use crate::accounts::passwords::Turn;
use crate::accounts::user::{MAX_NAME, NewUser};
use crate::app::App;
use crate::error::Result;
use crate::values::email::Email;
use crate::values::text;
use crate::values::time::known_zone;
use crate::web::fields::Fields;
use crate::web::flash::Flash;
use crate::web::layout::Layout;
use actix_web::HttpResponse;

/// Reads a person's name and password from a form.
///
/// # Errors
/// *Invalid*, with the field that is wrong.
pub async fn new_user(app: &App, sent: &Fields, email: &str, account: &str) -> Result<NewUser> {
    let email = Email::parse(email)?;
    let name = text::required_line("The name", &sent.get("name"), MAX_NAME)?;
    let password = sent.exact("password");
    passwords::check(&password, &[email.as_str(), &name, account])?;
    let time_zone = known_zone(&sent.get("timeZone")).unwrap_or_else(|| "UTC".into());
    let turn = Turn { user: email.as_str().to_owned(), is_known: false };
    Ok(NewUser { password_hash: app.passwords.hash(turn, password).await?, email, name, time_zone })
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
