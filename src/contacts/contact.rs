//! A contact's row, and functions that find, change and merge contacts.

use crate::contacts::words;
use crate::db::schema::contacts;
use crate::db::{Connection, unless_taken};
use crate::error::{Error, Kind, OfField, Result};
use crate::events::actor::Actor;
use crate::events::event::Kind as EventKind;
use crate::events::record::{NewEvent, record};
use crate::values::{email, text};
use chrono::NaiveDateTime;
use diesel::prelude::*;

/// Longest note, in characters.
pub const MAX_NOTE: usize = 10_000;

#[derive(Clone, Debug, Queryable)]
pub struct Contact {
    pub id: i64,
    pub account_id: i64,
    /// As it was first written.
    pub email: String,
    /// In lower case: one contact of an account.
    pub email_key: String,
    /// May be empty.
    pub name: String,
    /// What the team knows of the person.
    pub note: String,
    pub merged_into: Option<i64>,
    pub is_indexed: bool,
    pub created_at: NaiveDateTime,
}

impl Contact {
    /// The name, else the address.
    pub fn title(&self) -> &str {
        text::first_filled(&[&self.name, &self.email])
    }
}

/// The id of the contact with an address, created if there is none; `None` without an
/// address. A contact without a name gets this one.
pub fn id_of(
    conn: &mut Connection,
    account_id: i64,
    address: &str,
    name: &str,
    now: NaiveDateTime,
) -> Result<Option<i64>> {
    if !email::is_email(address) {
        return Ok(None);
    }
    let key = address.to_lowercase();
    let known = |conn: &mut Connection| {
        contacts::table
            .filter(contacts::account_id.eq(account_id))
            .filter(contacts::email_key.eq(&key))
            .first::<Contact>(conn)
            .optional()
    };
    if let Some(contact) = known(conn)? {
        if contact.name.is_empty() && !name.is_empty() {
            diesel::update(contacts::table.find(contact.id)).set(contacts::name.eq(name)).execute(conn)?;
            words::set(conn, account_id, contact.id, &[name, &contact.email])?;
        }
        return Ok(Some(contact.id));
    }
    let row = (
        contacts::account_id.eq(account_id),
        contacts::email.eq(address),
        contacts::email_key.eq(&key),
        contacts::name.eq(name),
        contacts::note.eq(""),
        contacts::is_indexed.eq(false),
        contacts::created_at.eq(now),
    );
    let created: Option<Contact> = unless_taken(conn, |conn| {
        diesel::insert_into(contacts::table).values(row).returning(contacts::all_columns).get_result(conn)
    })?;
    match created {
        Some(contact) => {
            words::set(conn, account_id, contact.id, &[&contact.name, &contact.email])?;
            Ok(Some(contact.id))
        }
        // A concurrent request created it.
        None => Ok(Some(known(conn)?.ok_or(diesel::result::Error::NotFound)?.id)),
    }
}

/// A contact of the account.
///
/// # Errors
/// *Not found*, also for those of other accounts.
pub fn find(conn: &mut Connection, account_id: i64, id: i64) -> Result<Contact> {
    Ok(contacts::table.find(id).filter(contacts::account_id.eq(account_id)).first(conn)?)
}

/// The contacts that were merged into this one, oldest first.
pub fn merged_into(conn: &mut Connection, id: i64) -> Result<Vec<Contact>> {
    Ok(contacts::table.filter(contacts::merged_into.eq(id)).order(contacts::id).load(conn)?)
}

/// Changes name and note.
///
/// # Errors
/// *Invalid* when one is too long; *conflict* when the note is no longer `before`, the one
/// that the page showed.
pub fn save(
    conn: &mut Connection,
    actor: &Actor,
    id: i64,
    (name, note, before): (&str, &str, Option<&str>),
    now: NaiveDateTime,
) -> Result<()> {
    let name = text::line("The name", name, email::MAX).of_field("name")?;
    let note = text::block("The note", note, MAX_NOTE).of_field("note")?;
    let contact = lock(conn, actor.account_id, id)?;
    if before.is_some_and(|before| text::normalise(before) != contact.note) {
        let message = "Somebody else changed this note while you were editing. Copy your text, reload and try again.";
        return Err(Error::new(Kind::Conflict, message));
    }
    if (contact.name.as_str(), contact.note.as_str()) == (name.as_str(), note.as_str()) {
        return Ok(());
    }
    diesel::update(contacts::table.find(id)).set((contacts::name.eq(&name), contacts::note.eq(note))).execute(conn)?;
    words::set(conn, contact.account_id, id, &[&name, &contact.email])?;
    let event = NewEvent::new(EventKind::ContactChanged, id).about(&contact.email).text(&contact.name, &name);
    record(conn, actor, event, now).map(drop)
}

/// Makes a contact, with those that were merged into it, part of the one with an address.
/// Returns the id of that one.
///
/// # Errors
/// *Invalid* when no other contact has that address.
pub fn merge(conn: &mut Connection, actor: &Actor, id: i64, address: &str, now: NaiveDateTime) -> Result<i64> {
    let contact = lock(conn, actor.account_id, id)?;
    let into: Option<Contact> = contacts::table
        .filter(contacts::account_id.eq(actor.account_id))
        .filter(contacts::email_key.eq(address.trim().to_lowercase()))
        .first(conn)
        .optional()?;
    let into = into.map(|into| into.merged_into.unwrap_or(into.id)).filter(|into| *into != id);
    let into = into.ok_or_else(|| Error::invalid("No other person has that address.")).of_field("into")?;
    let all = contacts::table.filter(contacts::id.eq(id).or(contacts::merged_into.eq(id)));
    diesel::update(all).set(contacts::merged_into.eq(into)).execute(conn)?;
    record(conn, actor, NewEvent::new(EventKind::ContactMerged, id).about(&contact.email), now)?;
    Ok(into)
}

/// Takes a contact out of the one that it was merged into.
pub fn split(conn: &mut Connection, actor: &Actor, id: i64, now: NaiveDateTime) -> Result<()> {
    let contact = lock(conn, actor.account_id, id)?;
    diesel::update(contacts::table.find(id)).set(contacts::merged_into.eq(None::<i64>)).execute(conn)?;
    record(conn, actor, NewEvent::new(EventKind::ContactSplit, id).about(&contact.email), now).map(drop)
}

/// A contact of the account with those that were merged into it.
///
/// # Errors
/// *Not found*, also for one that was merged into another.
pub fn whole(conn: &mut Connection, account_id: i64, id: i64) -> Result<Vec<Contact>> {
    let contact = find(conn, account_id, id)?;
    if contact.merged_into.is_some() {
        return Err(Error::not_found());
    }
    let merged = merged_into(conn, id)?;
    Ok(std::iter::once(contact).chain(merged).collect())
}

/// Removes contacts. Those merged into one of them must be among them.
pub fn forget(conn: &mut Connection, ids: &[i64]) -> Result<()> {
    ids.iter().try_for_each(|id| words::forget(conn, *id))?;
    let rows = || contacts::table.filter(contacts::id.eq_any(ids));
    diesel::update(rows()).set(contacts::merged_into.eq(None::<i64>)).execute(conn)?;
    diesel::delete(rows()).execute(conn)?;
    Ok(())
}

fn lock(conn: &mut Connection, account_id: i64, id: i64) -> Result<Contact> {
    let row = contacts::table.find(id).filter(contacts::account_id.eq(account_id));
    Ok(diesel::update(row).set(contacts::id.eq(contacts::id)).returning(contacts::all_columns).get_result(conn)?)
}
