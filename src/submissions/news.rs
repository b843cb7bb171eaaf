//! What open pages are told of submissions.

use crate::live::Live;
use crate::live::event::{Event, Topic};
use crate::submissions::submission::Submission;
use serde_json::json;

/// A visitor sent a form. Of spam nobody hears.
pub fn submitted(live: &Live, account_id: i64, submission: &Submission) {
    if submission.spam {
        return;
    }
    let data = json!({
        "submission": submission.id,
        "visitor": submission.visitor(),
        "preview": submission.summary(),
    });
    live.tell(Topic::Account(account_id), Event::new("submission", &data));
}
