//! Everything of a person: their conversations, their submissions, and the tickets about these.

use crate::clock::EXPIRED;
use crate::contacts::contact;
use crate::contacts::contact::Contact;
use crate::conversations::conversation;
use crate::db::Connection;
use crate::db::fixed::WithoutIndex;
use crate::db::schema::tickets;
use crate::error::Result;
use crate::submissions::submission;
use crate::tickets::source::SourceKind;
use diesel::prelude::*;
use std::collections::BTreeSet;

/// Sources of one query.
const CHUNK: usize = 500;

/// The rows of a person. Those that can be restored from the trash are among them.
#[derive(Clone, Debug, Default)]
pub struct Person {
    /// Numbers of conversations, also of those that answer a submission of the person.
    pub conversations: Vec<i64>,
    /// Numbers of submissions.
    pub submissions: Vec<i64>,
    /// Ids of tickets that the person requested, or that were created from the above.
    pub tickets: Vec<i64>,
}

impl Person {
    pub fn is_empty(&self) -> bool {
        self.conversations.is_empty() && self.submissions.is_empty() && self.tickets.is_empty()
    }
}

/// The contacts that one person is, and everything of them.
///
/// # Errors
/// *Not found* when the account has no such contact, or it was merged into another.
pub fn find(conn: &mut Connection, account_id: i64, contact_id: i64) -> Result<(Vec<Contact>, Person)> {
    let contacts = contact::whole(conn, account_id, contact_id)?;
    let ids: Vec<i64> = contacts.iter().map(|contact| contact.id).collect();
    Ok((contacts, of_contacts(conn, account_id, &ids)?))
}

/// Everything of these contacts, which may be gone themselves.
pub fn of_contacts(conn: &mut Connection, account_id: i64, contacts: &[i64]) -> Result<Person> {
    let (submissions, forms): (Vec<i64>, Vec<String>) =
        submission::all_of_contacts(conn, account_id, contacts)?.into_iter().unzip();
    let mut conversations: BTreeSet<(i64, String)> =
        conversation::all_of_contacts(conn, account_id, contacts)?.into_iter().collect();
    for forms in forms.chunks(CHUNK) {
        conversations.extend(conversation::all_answering(conn, account_id, forms)?);
    }
    let (conversations, chats): (Vec<i64>, Vec<String>) = conversations.into_iter().unzip();
    let mut tickets: BTreeSet<i64> = requested_by(conn, account_id, contacts)?.into_iter().collect();
    for (kind, ids) in [(SourceKind::Chat, chats), (SourceKind::Form, forms)] {
        for ids in ids.chunks(CHUNK) {
            tickets.extend(created_from(conn, account_id, kind, ids)?);
        }
    }
    Ok(Person { conversations, submissions, tickets: tickets.into_iter().collect() })
}

fn requested_by(conn: &mut Connection, account_id: i64, contacts: &[i64]) -> Result<Vec<i64>> {
    let there = tickets::table
        .filter(tickets::contact_id.eq_any(contacts))
        .filter(WithoutIndex(tickets::account_id).eq(account_id))
        .filter(tickets::deleted_at.is_null());
    let deleted = tickets::table
        .filter(tickets::account_id.eq(account_id))
        .filter(tickets::deleted_at.gt(EXPIRED))
        .filter(tickets::contact_id.eq_any(contacts));
    let mut ids: Vec<i64> = there.select(tickets::id).load(conn)?;
    ids.extend(deleted.select(tickets::id).load::<i64>(conn)?);
    Ok(ids)
}

fn created_from(conn: &mut Connection, account_id: i64, kind: SourceKind, ids: &[String]) -> Result<Vec<i64>> {
    Ok(tickets::table
        .filter(tickets::account_id.eq(account_id))
        .filter(tickets::source_kind.eq(kind))
        .filter(tickets::source_id.eq_any(ids))
        .filter(tickets::deleted_at.is_null().or(tickets::deleted_at.gt(EXPIRED)))
        .select(tickets::id)
        .load(conn)?)
}
