//! `docket sample`

use crate::accounts::user;
use crate::app::App;
use crate::error::{Error, Kind, Result};
use crate::upkeep::{marker, sample};
use crate::values::email::Email;
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};

#[derive(Args)]
pub(super) struct Options {
    /// An owner of the account
    #[arg(long, value_name = "OWNER_EMAIL")]
    account: String,
    /// How many tickets
    #[arg(long, default_value_t = sample::DEFAULT_TICKETS, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    tickets: u32,
    /// The same seed makes the same data
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

pub(super) async fn run(app: &App, wanted: &Options) -> Result<()> {
    marker::expect(app).await.map_err(|message| Error::new(Kind::Unavailable, message))?;
    let owner = Email::parse(&wanted.account)?;
    let account_id = app.db.read(move |conn| user::account_of_owner(conn, &owner)).await?.account_id;
    let bar = ProgressBar::new(u64::from(wanted.tickets));
    if let Ok(style) = ProgressStyle::with_template("{bar:40} {pos}/{len} tickets, {elapsed}") {
        bar.set_style(style);
    }
    let plan = sample::Plan { tickets: wanted.tickets, seed: wanted.seed, ..sample::Plan::default() };
    sample::load(app, account_id, &plan, |done| bar.set_position(done.into())).await?;
    bar.finish();
    println!("{} sample tickets created.", wanted.tickets);
    Ok(())
}
