//! The first steps of a new account, on the list of tickets.

use crate::accounts::user::User;
use crate::accounts::{account, samples};
use crate::conversations::widgets;
use crate::db::Connection;
use crate::error::Result;
use crate::submissions::form;

pub struct Step {
    pub text: &'static str,
    /// A local path, or empty where nothing on a page helps.
    pub path: &'static str,
    pub is_done: bool,
}

/// The steps, ticked by what is there beside samples; empty once they are dismissed.
pub fn steps(conn: &mut Connection, account_id: i64, team: &[User], has_public_url: bool) -> Result<Vec<Step>> {
    let account = account::find(conn, account_id)?;
    if account.steps_hidden {
        return Ok(Vec::new());
    }
    let samples = samples::of(conn, account_id)?;
    let (forms, widgets): (Vec<i64>, Vec<i64>) =
        samples.iter().map(|sample| (sample.form_id, sample.widget_id)).unzip();
    let numbers: i64 = samples.iter().map(|sample| sample.tickets).sum();
    let step = |text, path, is_done| Step { text, path, is_done };
    Ok(vec![
        step("Set the public address (DOCKET_PUBLIC_URL), so that mails can link to Docket", "", has_public_url),
        step(
            "Put a form on your website, or try its page",
            "/settings/forms",
            form::is_used_beside(conn, account_id, &forms)?,
        ),
        step(
            "Put the chat bubble on your website, or try its page",
            "/settings/chat",
            widgets::is_used_beside(conn, account_id, &widgets)?,
        ),
        step("Invite a colleague", "/settings/team", team.len() > 1),
        step("Create your first ticket", "/tickets/new", account.last_ticket_number > numbers),
    ])
}
