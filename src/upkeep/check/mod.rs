//! `docket check`: compares rows with stored objects, and counters and search indexes
//! with rows. It runs beside a live server, repairs only if told to, and never changes
//! what needs a person's decision.

mod counters;
mod objects;
mod rows;

use crate::app::App;
use crate::error::Result;

/// The result of a check.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Files checked.
    pub files: usize,
    /// Tickets checked.
    pub tickets: usize,
    /// Problems found.
    pub found: usize,
    /// Problems left: all of them, unless the check repairs.
    pub left: usize,
}

/// One check under way.
struct Check<'a> {
    app: &'a App,
    repair: bool,
    report: &'a mut (dyn FnMut(&str) + Send),
    outcome: Outcome,
}

impl Check<'_> {
    /// Reports a problem that only a person can fix.
    fn wrong(&mut self, what: &str) {
        self.outcome.found += 1;
        self.outcome.left += 1;
        (self.report)(what);
    }

    /// Reports a problem that has been repaired, or can be.
    fn repairable(&mut self, what: &str, remedy: &str) {
        self.outcome.found += 1;
        if self.repair {
            (self.report)(&format!("{what}: {remedy}"));
        } else {
            self.outcome.left += 1;
            (self.report)(what);
        }
    }
}

/// Checks everything, reports each problem as it is found, and repairs if requested.
pub async fn run(app: &App, repair: bool, report: &mut (dyn FnMut(&str) + Send)) -> Result<Outcome> {
    let mut check = Check { app, repair, report, outcome: Outcome::default() };
    let may_judge_orphans = objects::marker(&mut check).await?;
    objects::leftovers(&mut check)?;
    // Objects without a row come before rows without an object. An upload writes its row
    // first, so a check during an upload sees both.
    objects::orphans(&mut check, may_judge_orphans).await?;
    rows::reservations(&mut check).await?;
    rows::files(&mut check).await?;
    counters::counts(&mut check).await?;
    counters::search(&mut check).await?;
    counters::engine(&mut check).await?;
    Ok(check.outcome)
}
