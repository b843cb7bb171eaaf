//! `docket check`: compares rows with stored objects, and what is counted and
//! indexed with what is there. It runs beside a live server, mends nothing unless
//! it is told to, and never touches what only a person can judge.

mod counters;
mod objects;
mod rows;

use crate::app::App;
use crate::error::Result;

/// What a check came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Files looked at.
    pub files: usize,
    /// Tickets looked at.
    pub tickets: usize,
    /// What was wrong.
    pub found: usize,
    /// What still is: all of it, unless the check repairs.
    pub left: usize,
}

/// One check under way.
struct Check<'a> {
    app: &'a App,
    repair: bool,
    tell: &'a mut (dyn FnMut(&str) + Send),
    outcome: Outcome,
}

impl Check<'_> {
    /// Something that nobody but a person can put right.
    fn wrong(&mut self, what: &str) {
        self.outcome.found += 1;
        self.outcome.left += 1;
        (self.tell)(what);
    }

    /// Something that was put right just now, or could be.
    fn mendable(&mut self, what: &str, remedy: &str) {
        self.outcome.found += 1;
        if self.repair {
            (self.tell)(&format!("{what}: {remedy}"));
        } else {
            self.outcome.left += 1;
            (self.tell)(what);
        }
    }
}

/// Checks everything, tells each finding as it comes, and repairs where asked to.
///
/// # Errors
/// When database or storage cannot be asked.
pub async fn run(app: &App, repair: bool, tell: &mut (dyn FnMut(&str) + Send)) -> Result<Outcome> {
    let mut check = Check { app, repair, tell, outcome: Outcome::default() };
    let may_judge_orphans = objects::marker(&mut check).await?;
    objects::leftovers(&mut check)?;
    // What has an object but no row is looked for before what has a row but no
    // object: an upload writes its row first, so each is seen in time.
    objects::orphans(&mut check, may_judge_orphans).await?;
    rows::reservations(&mut check).await?;
    rows::files(&mut check).await?;
    counters::counts(&mut check).await?;
    counters::search(&mut check).await?;
    counters::engine(&mut check).await?;
    Ok(check.outcome)
}
