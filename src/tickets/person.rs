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
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Ids of one query.
const CHUNK: usize = 500;

/// Who a person is.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct Identity {
    /// Ids of contacts, which may be gone.
    pub contacts: Vec<i64>,
    /// In lower case.
    pub addresses: Vec<String>,
}

impl Identity {
    pub fn of(contacts: &[Contact]) -> Self {
        Self {
            contacts: contacts.iter().map(|contact| contact.id).collect(),
            addresses: contacts.iter().map(|contact| contact.email_key.clone()).collect(),
        }
    }
}

/// The rows of a person. Those that can be restored from the trash are among them.
#[derive(Clone, Debug, Default)]
pub struct Person {
    /// Numbers of conversations with the person, also of those that answer one of the submissions.
    pub conversations: Vec<i64>,
    /// Numbers of submissions.
    pub submissions: Vec<i64>,
    /// Ids of tickets that the person requested, or that were created from the above. If the source
    /// of a ticket that they requested is of nobody else, it is theirs.
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
    let person = of(conn, account_id, &Identity::of(&contacts), &[], &[])?;
    Ok((contacts, person))
}

/// Everything of a person, and what belongs to these conversations and submissions of theirs, which
/// may be gone.
pub fn of(
    conn: &mut Connection,
    account_id: i64,
    who: &Identity,
    conversations: &[String],
    submissions: &[String],
) -> Result<Person> {
    let requested = requested_by(conn, account_id, &who.contacts)?;
    let sources = |kind: SourceKind| -> Vec<String> {
        let of_kind = requested.iter().filter(|(_, source)| source.as_ref().is_some_and(|source| source.0 == kind));
        of_kind.filter_map(|(_, source)| Some(source.as_ref()?.1.clone())).collect()
    };
    let mut forms: BTreeMap<i64, String> =
        submission::all_of_contacts(conn, account_id, &who.contacts)?.into_iter().collect();
    forms.extend(submission::spam_from(conn, account_id, &who.addresses)?);
    for ids in sources(SourceKind::Form).chunks(CHUNK) {
        forms.extend(submission::anonymous(conn, account_id, ids)?);
    }
    let form_ids: Vec<String> = forms.values().chain(submissions).cloned().collect();
    let mut chats: BTreeMap<i64, String> =
        conversation::all_of_contacts(conn, account_id, &who.contacts)?.into_iter().collect();
    for ids in sources(SourceKind::Chat).chunks(CHUNK) {
        chats.extend(conversation::anonymous(conn, account_id, ids)?);
    }
    for ids in form_ids.chunks(CHUNK) {
        chats.extend(conversation::all_answering(conn, account_id, ids)?);
    }
    let chat_ids: Vec<String> = chats.values().chain(conversations).cloned().collect();
    let mut tickets: BTreeSet<i64> = requested.into_iter().map(|(id, _)| id).collect();
    for (kind, ids) in [(SourceKind::Chat, chat_ids), (SourceKind::Form, form_ids)] {
        for ids in ids.chunks(CHUNK) {
            tickets.extend(created_from(conn, account_id, kind, ids)?);
        }
    }
    Ok(Person {
        conversations: chats.into_keys().collect(),
        submissions: forms.into_keys().collect(),
        tickets: tickets.into_iter().collect(),
    })
}

/// The id of a ticket, and its source.
type Requested = (i64, Option<(SourceKind, String)>);

fn requested_by(conn: &mut Connection, account_id: i64, contacts: &[i64]) -> Result<Vec<Requested>> {
    let there = tickets::table
        .filter(tickets::contact_id.eq_any(contacts))
        .filter(WithoutIndex(tickets::account_id).eq(account_id))
        .filter(tickets::deleted_at.is_null());
    let deleted = tickets::table
        .filter(tickets::account_id.eq(account_id))
        .filter(tickets::deleted_at.gt(EXPIRED))
        .filter(tickets::contact_id.eq_any(contacts));
    let columns = (tickets::id, tickets::source_kind, tickets::source_id);
    let mut rows: Vec<(i64, Option<SourceKind>, Option<String>)> = there.select(columns).load(conn)?;
    rows.extend(deleted.select(columns).load::<(i64, Option<SourceKind>, Option<String>)>(conn)?);
    Ok(rows.into_iter().map(|(id, kind, source)| (id, kind.zip(source))).collect())
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
