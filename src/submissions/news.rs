//! Events about submissions for open pages.

use crate::live::Live;
use crate::live::event::{Event, Topic};
use crate::submissions::submission::Submission;
use serde_json::json;

/// Announces a new submission, unless it is spam.
pub fn submitted(live: &Live, account_id: i64, submission: &Submission) {
    if submission.spam {
        return;
    }
    let data = json!({
        "submission": submission.id,
        "visitor": submission.visitor(),
        "preview": submission.summary(),
    });
    live.publish(Topic::Account(account_id), Event::new("submission", &data));
}
