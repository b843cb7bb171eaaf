//! `docket check`

use crate::app::App;
use crate::error::{Error, Kind, Result};
use crate::upkeep::check;
use crate::upkeep::check::Outcome;
use clap::Args;

#[derive(Args)]
pub(super) struct Options {
    /// Put right what can be: clear what broken uploads left, count and index again
    #[arg(long)]
    repair: bool,
}

pub(super) async fn run(app: &App, options: &Options) -> Result<()> {
    let repair = options.repair;
    let Outcome { files, tickets, found, left } = check::run(app, repair, &mut |line| println!("{line}")).await?;
    println!("Looked at {files} files and {tickets} tickets: {found} wrong, {} mended.", found - left);
    if left == 0 {
        return Ok(());
    }
    let advice = if repair { "that a person has to look at" } else { "docket check --repair mends what can be mended" };
    Err(Error::new(Kind::Conflict, format!("{left} things are wrong: {advice}")))
}
