//! Tags as themes: how many tickets they have, and who asked for them.

use crate::db::Connection;
use crate::db::schema::{tags, ticket_tags, tickets};
use crate::error::Result;
use crate::figures::{Dimension, read};
use chrono::NaiveDateTime;
use diesel::prelude::*;
use std::collections::HashMap;

/// Most tags of an account that are looked at.
const MOST: i64 = 5_000;
/// Most tickets of a theme whose requesters are counted.
const MOST_TICKETS: i64 = 5_000;

/// A tag that some tickets have.
#[derive(Clone, Debug)]
pub struct Theme {
    pub id: i64,
    pub name: String,
    pub open: i64,
    pub closed: i64,
    /// When a ticket last got or lost it, or one that has it was created, closed, reopened or
    /// reassigned.
    pub last_at: Option<NaiveDateTime>,
}

/// The account's themes whose names contain `part`, those with the most open tickets first.
pub fn of_account(conn: &mut Connection, account_id: i64, part: &str) -> Result<Vec<Theme>> {
    let counts = read::now(conn, account_id, Dimension::Tag, None)?.unwrap_or_default();
    let rows: Vec<(i64, String, Option<NaiveDateTime>)> = tags::table
        .filter(tags::account_id.eq(account_id))
        .order(tags::name)
        .limit(MOST)
        .select((tags::id, tags::name, tags::last_at))
        .load(conn)?;
    let theme = |(id, name, last_at): (i64, String, Option<NaiveDateTime>)| {
        let (open, closed) = counts.get(&id).copied().unwrap_or_default();
        let is_wanted = open + closed > 0 && name.contains(part);
        is_wanted.then_some(Theme { id, name, open, closed, last_at })
    };
    let mut themes: Vec<Theme> = rows.into_iter().filter_map(theme).collect();
    themes.sort_by_key(|theme| std::cmp::Reverse((theme.open, theme.closed)));
    Ok(themes)
}

/// One theme of the account.
///
/// # Errors
/// *Not found* when no ticket ever had that tag.
pub fn find(conn: &mut Connection, account_id: i64, name: &str) -> Result<Theme> {
    let (id, name, last_at): (i64, String, Option<NaiveDateTime>) = tags::table
        .filter(tags::account_id.eq(account_id))
        .filter(tags::name.eq(name))
        .select((tags::id, tags::name, tags::last_at))
        .first(conn)?;
    let counts = read::now(conn, account_id, Dimension::Tag, Some(id))?.unwrap_or_default();
    let (open, closed) = counts.get(&id).copied().unwrap_or_default();
    Ok(Theme { id, name, open, closed, last_at })
}

/// Somebody who asked for a theme.
#[derive(Clone, Debug)]
pub struct Asker {
    pub name: String,
    pub email: String,
    pub tickets: usize,
}

/// The requesters of a theme's newest tickets, those with the most tickets first, and whether
/// all its tickets were looked at. Tickets without a requester are left out.
pub fn askers(conn: &mut Connection, account_id: i64, tag: i64) -> Result<(Vec<Asker>, bool)> {
    let rows: Vec<(String, String)> = ticket_tags::table
        .inner_join(tickets::table)
        .filter(ticket_tags::tag_id.eq(tag))
        .filter(tickets::account_id.eq(account_id))
        .filter(tickets::deleted_at.is_null())
        .order(ticket_tags::ticket_id.desc())
        .limit(MOST_TICKETS)
        .select((tickets::requester_name, tickets::requester_email))
        .load(conn)?;
    let is_whole = i64::try_from(rows.len()).is_ok_and(|count| count < MOST_TICKETS);
    let mut askers: HashMap<String, Asker> = HashMap::new();
    for (name, email) in rows {
        // One person by address; without an address, by name.
        let key = if email.is_empty() { format!("n {}", name.to_lowercase()) } else { email.to_lowercase() };
        if name.is_empty() && email.is_empty() {
            continue;
        }
        askers.entry(key).or_insert(Asker { name, email, tickets: 0 }).tickets += 1;
    }
    let mut askers: Vec<Asker> = askers.into_values().collect();
    askers.sort_by(|one, other| (other.tickets, &one.name, &one.email).cmp(&(one.tickets, &other.name, &other.email)));
    Ok((askers, is_whole))
}
