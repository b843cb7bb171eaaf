//! `docket form`

use crate::accounts::user;
use crate::accounts::user::MAX_NAME;
use crate::app::App;
use crate::cli::origin;
use crate::error::Result;
use crate::events::actor::Actor;
use crate::submissions::form;
use crate::values::email::Email;
use crate::values::{text, token};
use clap::{Args, Subcommand};

#[derive(Subcommand)]
pub(super) enum Command {
    /// Add a public form and print its address
    Add(Add),
}

#[derive(Args)]
pub(super) struct Add {
    /// An owner of the account
    #[arg(long, value_name = "OWNER_EMAIL")]
    account: String,
    /// What the form is called on the desk
    #[arg(long)]
    name: String,
}

pub(super) async fn run(app: &App, Command::Add(form): Command) -> Result<()> {
    let name = text::required_line("The name", &form.name, MAX_NAME)?;
    let (owner, key, now) = (Email::parse(&form.account)?, token::id()?, app.clock.now());
    let add = move |conn: &mut _| {
        let operator = Actor::system(user::account_of_owner(conn, &owner)?.account_id);
        form::add(conn, &operator, &name, &key, now)
    };
    let form = app.db.write(add).await?;
    let origin = origin(app.config.public_origin(), &app.config.listen);
    println!("{origin}{}/f/{}", app.config.base_path(), form.key);
    Ok(())
}
