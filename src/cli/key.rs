//! `docket key`

use crate::accounts::user::MAX_NAME;
use crate::accounts::{keys, user};
use crate::app::App;
use crate::error::Result;
use crate::events::actor::Actor;
use crate::values::email::Email;
use crate::values::text;
use clap::{Args, Subcommand};

#[derive(Subcommand)]
pub(super) enum Command {
    /// Add an API key and print it, once
    Add(Add),
}

#[derive(Args)]
pub(super) struct Add {
    /// An owner of the account
    #[arg(long, value_name = "OWNER_EMAIL")]
    account: String,
    /// Which program it is for
    #[arg(long)]
    name: String,
}

pub(super) async fn run(app: &App, Command::Add(wanted): Command) -> Result<()> {
    let name = text::required_line("The name", &wanted.name, MAX_NAME)?;
    let (owner, key, now) = (Email::parse(&wanted.account)?, keys::generate()?, app.clock.now());
    let stored = key.clone();
    let add = move |conn: &mut _| {
        let owner = user::account_of_owner(conn, &owner)?;
        keys::add(conn, &Actor::system(owner.account_id), &owner, &name, &stored, now)
    };
    app.db.write(add).await?;
    println!("{key}");
    Ok(())
}
