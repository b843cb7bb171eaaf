//! `docket check`

use crate::app::App;
use crate::error::{Error, Kind, Result};
use crate::upkeep::check;
use crate::upkeep::check::Outcome;
use clap::Args;

#[derive(Args)]
pub(super) struct Options {
    /// Repair what can be repaired: delete leftovers of uploads, recount, index again
    #[arg(long)]
    repair: bool,
}

pub(super) async fn run(app: &App, options: &Options) -> Result<()> {
    let repair = options.repair;
    let Outcome { files, tickets, found, left } = check::run(app, repair, &mut |line| println!("{line}")).await?;
    println!("Files checked: {files}. Tickets checked: {tickets}. Problems: {found}, repaired: {}.", found - left);
    if left == 0 {
        return Ok(());
    }
    let advice = if repair {
        "a person has to decide about them"
    } else {
        "run docket check --repair to repair what can be repaired"
    };
    Err(Error::new(Kind::Conflict, format!("Problems left: {left}; {advice}")))
}
