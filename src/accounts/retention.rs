//! How long an account keeps its data.

use crate::accounts::account;
use crate::db::Connection;
use crate::db::schema::accounts;
use crate::error::{Error, OfField, Result};
use crate::events::actor::Actor;
use crate::events::event::Kind as EventKind;
use crate::events::record::{NewEvent, record};
use chrono::NaiveDateTime;
use diesel::prelude::*;
use serde::Deserialize;

/// Fewest and most days. Nobody deletes everything by a slip.
const DAYS: std::ops::RangeInclusive<i64> = 30..=36_500;

/// After how many days data is moved to the trash; never if `None`.
#[derive(AsChangeset, Clone, Copy, Debug, Default, PartialEq, Eq, Queryable)]
#[diesel(table_name = accounts, treat_none_as_null = true)]
pub struct Retention {
    /// After a ticket was closed.
    pub ticket_days: Option<i64>,
    /// After the last message of a conversation.
    pub conversation_days: Option<i64>,
    /// After a submission was sent.
    pub submission_days: Option<i64>,
}

/// The same as typed; empty for never.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Typed {
    pub ticket_days: String,
    pub conversation_days: String,
    pub submission_days: String,
}

impl From<&account::Account> for Typed {
    fn from(account: &account::Account) -> Self {
        let text = |days: Option<i64>| days.map_or_else(String::new, |days| days.to_string());
        Self {
            ticket_days: text(account.ticket_days),
            conversation_days: text(account.conversation_days),
            submission_days: text(account.submission_days),
        }
    }
}

impl Typed {
    /// # Errors
    /// *Invalid* for a number of days that is not from 30 to 36,500.
    pub fn parse(&self) -> Result<Retention> {
        Ok(Retention {
            ticket_days: days(&self.ticket_days).of_field("ticketDays")?,
            conversation_days: days(&self.conversation_days).of_field("conversationDays")?,
            submission_days: days(&self.submission_days).of_field("submissionDays")?,
        })
    }
}

fn days(typed: &str) -> Result<Option<i64>> {
    if typed.trim().is_empty() {
        return Ok(None);
    }
    let days = typed.trim().parse().ok().filter(|days| DAYS.contains(days));
    days.map(Some).ok_or_else(|| Error::invalid("Enter a number of days from 30 to 36,500, or nothing."))
}

pub fn change(conn: &mut Connection, actor: &Actor, retention: &Retention, now: NaiveDateTime) -> Result<()> {
    let account = account::find(conn, actor.account_id)?;
    diesel::update(accounts::table.find(account.id)).set(retention).execute(conn)?;
    record(conn, actor, NewEvent::new(EventKind::AccountChanged, account.id).text(&account.name, &account.name), now)?;
    Ok(())
}

/// The accounts that do not keep everything.
pub fn limited(conn: &mut Connection) -> Result<Vec<(i64, Retention)>> {
    let days = (accounts::ticket_days, accounts::conversation_days, accounts::submission_days);
    let is_limited = accounts::ticket_days
        .is_not_null()
        .or(accounts::conversation_days.is_not_null())
        .or(accounts::submission_days.is_not_null());
    let rows = accounts::table.filter(is_limited).select((accounts::id, days)).load(conn)?;
    Ok(rows)
}
