//! Accounts own all data. An account has the id of the user who opened it.

use crate::accounts::role::Role;
use crate::accounts::user;
use crate::accounts::user::{MAX_NAME, NewUser};
use crate::db::Connection;
use crate::db::schema::{accounts, ticket_counts, users};
use crate::error::{Error, OfField, Result};
use crate::events::actor::{Actor, ActorKind};
use crate::events::event::Kind as EventKind;
use crate::events::record::{NewEvent, record};
use crate::figures::build;
use crate::values::text;
use crate::values::text::ticked;
use crate::values::time::parse_zone;
use chrono::NaiveDateTime;
use diesel::prelude::*;
use serde::Deserialize;

/// How long a visitor has to see a reply before it is mailed, at first and at most.
const REPLY_MINUTES: i64 = 10;
const MOST_REPLY_MINUTES: i64 = 24 * 60;

#[derive(Clone, Debug, Insertable, Queryable)]
#[diesel(table_name = accounts)]
pub struct Account {
    pub id: i64,
    pub name: String,
    pub time_zone: String,
    pub last_ticket_number: i64,
    pub conversation_url: String,
    pub submission_url: String,
    pub created_at: NaiveDateTime,
    /// Total size of the account's files, in bytes.
    pub file_bytes: i64,
    /// Whether the list of first steps was dismissed.
    pub steps_hidden: bool,
    /// The time zone of the numbers in reports, which [`crate::figures`] maintains; so are
    /// the other three.
    pub figures_zone: String,
    pub figures_generation: i64,
    pub figures_next: String,
    pub figures_place: i64,
    /// Whether replies that a visitor has not seen are mailed, and after how many minutes.
    pub mails_replies: bool,
    pub reply_minutes: i64,
    /// Total size of the files that visitors have sent, in bytes.
    pub visitor_file_bytes: i64,
    /// After how many days data is moved to the trash; see [`crate::accounts::retention`].
    pub ticket_days: Option<i64>,
    pub conversation_days: Option<i64>,
    pub submission_days: Option<i64>,
}

/// The number of tickets in one status, maintained by [`crate::tickets::counts`].
#[derive(Insertable)]
#[diesel(table_name = ticket_counts)]
struct TicketCount {
    account_id: i64,
    status: &'static str,
    count: i64,
}

/// Opens an account and creates its owner. Returns the id, which both of them share.
///
/// # Errors
/// *Conflict* when the address is taken.
pub fn open(conn: &mut Connection, owner: &NewUser, now: NaiveDateTime) -> Result<i64> {
    // Account 0 does not exist. The foreign key is deferred until the transaction commits.
    let id = user::add(conn, 0, owner, Role::Owner, now)?;
    let account = Account {
        id,
        name: format!("{}’s desk", owner.name),
        time_zone: owner.time_zone.clone(),
        last_ticket_number: 0,
        conversation_url: String::new(),
        submission_url: String::new(),
        created_at: now,
        file_bytes: 0,
        steps_hidden: false,
        figures_zone: owner.time_zone.clone(),
        figures_generation: 0,
        figures_next: String::new(),
        figures_place: 0,
        mails_replies: false,
        reply_minutes: REPLY_MINUTES,
        visitor_file_bytes: 0,
        ticket_days: None,
        conversation_days: None,
        submission_days: None,
    };
    diesel::insert_into(accounts::table).values(account).execute(conn)?;
    for status in ["closed", "in_progress", "new"] {
        let counter = TicketCount { account_id: id, status, count: 0 };
        diesel::insert_into(ticket_counts::table).values(counter).execute(conn)?;
    }
    diesel::update(users::table.find(id)).set(users::account_id.eq(id)).execute(conn)?;
    let actor = Actor::new(id, &owner.name, ActorKind::User(id));
    record(conn, &actor, NewEvent::new(EventKind::AccountCreated, id), now)?;
    Ok(id)
}

pub fn ids(conn: &mut Connection) -> Result<Vec<i64>> {
    Ok(accounts::table.select(accounts::id).order(accounts::id).load(conn)?)
}

/// Dismisses the list of first steps.
pub fn hide_steps(conn: &mut Connection, id: i64) -> Result<()> {
    diesel::update(accounts::table.find(id)).set(accounts::steps_hidden.eq(true)).execute(conn)?;
    Ok(())
}

/// Lets the numbers of tickets start at 1 again, if samples have used all so far.
pub fn restart_numbers(conn: &mut Connection, id: i64, samples: i64) -> Result<()> {
    let account = accounts::table.find(id).filter(accounts::last_ticket_number.eq(samples));
    diesel::update(account).set(accounts::last_ticket_number.eq(0)).execute(conn)?;
    Ok(())
}

/// Locks the account until the transaction ends, so that other changes to its team wait.
pub fn lock(conn: &mut Connection, id: i64) -> Result<()> {
    diesel::update(accounts::table.find(id)).set(accounts::name.eq(accounts::name)).execute(conn)?;
    Ok(())
}

pub fn find(conn: &mut Connection, id: i64) -> Result<Account> {
    Ok(accounts::table.find(id).first(conn)?)
}

/// Placeholder for the id in a URL of another system.
const ID: &str = "{id}";

/// Account settings that admins can change.
#[derive(AsChangeset, Clone, Default, Deserialize)]
#[diesel(table_name = accounts)]
#[serde(default, rename_all = "camelCase")]
pub struct Settings {
    pub name: String,
    pub time_zone: String,
    /// URL of a conversation in another system, with `{id}` for its id; may be empty.
    pub conversation_url: String,
    /// The same for a submission.
    pub submission_url: String,
}

impl Settings {
    /// Validates and normalises submitted settings.
    pub fn parse(&self) -> Result<Self> {
        Ok(Self {
            name: text::required_line("The name", &self.name, MAX_NAME).of_field("name")?,
            time_zone: parse_zone(&self.time_zone).of_field("timeZone")?,
            conversation_url: parse_pattern(&self.conversation_url).of_field("conversationUrl")?,
            submission_url: parse_pattern(&self.submission_url).of_field("submissionUrl")?,
        })
    }
}

impl From<Account> for Settings {
    fn from(account: Account) -> Self {
        let Account { name, time_zone, conversation_url, submission_url, .. } = account;
        Self { name, time_zone, conversation_url, submission_url }
    }
}

/// Whether and when replies are mailed to visitors.
#[derive(AsChangeset, Clone, Deserialize)]
#[diesel(table_name = accounts)]
#[serde(default, rename_all = "camelCase")]
pub struct MailSettings {
    #[serde(deserialize_with = "ticked")]
    pub mails_replies: bool,
    /// How long a visitor has to see a reply before it is mailed.
    pub reply_minutes: i64,
}

impl Default for MailSettings {
    fn default() -> Self {
        Self { mails_replies: false, reply_minutes: REPLY_MINUTES }
    }
}

impl From<&Account> for MailSettings {
    fn from(account: &Account) -> Self {
        Self { mails_replies: account.mails_replies, reply_minutes: account.reply_minutes }
    }
}

/// # Errors
/// *Invalid* for a number of minutes that is not from 1 to a day.
pub fn change_mail(conn: &mut Connection, actor: &Actor, settings: &MailSettings, now: NaiveDateTime) -> Result<()> {
    if !(1..=MOST_REPLY_MINUTES).contains(&settings.reply_minutes) {
        let message = format!("Enter a number of minutes from 1 to {MOST_REPLY_MINUTES}.");
        return Err(Error::invalid(message)).of_field("replyMinutes");
    }
    let account = find(conn, actor.account_id)?;
    diesel::update(accounts::table.find(account.id)).set(settings).execute(conn)?;
    record(conn, actor, NewEvent::new(EventKind::AccountChanged, account.id).text(&account.name, &account.name), now)?;
    Ok(())
}

fn parse_pattern(pattern: &str) -> Result<String> {
    let pattern = pattern.trim();
    let is_fine = pattern.is_empty() || (pattern.contains(ID) && text::web_url(&pattern.replace(ID, "1")).is_some());
    if is_fine {
        return Ok(pattern.to_owned());
    }
    Err(Error::invalid("The address of another system starts with https:// or http:// and contains {id}."))
}

/// The URL of a conversation or submission in another system, if the pattern is not empty.
pub fn elsewhere(pattern: &str, id: &str) -> Option<String> {
    text::web_url(&pattern.replace(ID, id)).filter(|_| !pattern.is_empty()).map(String::from)
}

pub fn change_settings(conn: &mut Connection, actor: &Actor, settings: &Settings, now: NaiveDateTime) -> Result<()> {
    let before = find(conn, actor.account_id)?;
    diesel::update(accounts::table.find(before.id)).set(settings).execute(conn)?;
    if before.time_zone != settings.time_zone {
        // Weeks begin elsewhere.
        build::request(conn, before.id, &settings.time_zone)?;
    }
    let event = NewEvent::new(EventKind::AccountChanged, before.id);
    record(conn, actor, event.text(&before.name, &settings.name), now)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_systems_are_found_by_their_pattern() {
        assert_eq!(elsewhere("https://chat.example/c/{id}", "a:1").as_deref(), Some("https://chat.example/c/a:1"));
        assert_eq!(elsewhere("", "a"), None);
        for bad in ["javascript:{id}", "https://chat.example/c/", "chat.example/{id}"] {
            assert!(parse_pattern(bad).is_err(), "{bad}");
        }
    }
}
