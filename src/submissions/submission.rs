//! One filled-in copy of a form.

use crate::clock::EXPIRED;
use crate::contacts::contact;
use crate::db::fixed::WithoutIndex;
use crate::db::index::Index;
use crate::db::schema::submissions;
use crate::db::ticket_index::Source;
use crate::db::{Connection, index, unless_taken};
use crate::error::{Error, Kind, Result};
use crate::events::actor::Actor;
use crate::events::event::Kind as EventKind;
use crate::events::record::{NewEvent, record};
use crate::search;
use crate::search::Part;
use crate::source_files::keep;
use crate::source_files::keep::Owner;
use crate::submissions::fields;
use crate::submissions::fields::{FieldList, Parsed};
use crate::submissions::form::Form;
use crate::values::text;
use chrono::NaiveDateTime;
use diesel::prelude::*;
use serde_json::json;

/// A submission's row.
#[derive(Clone, Debug, diesel::Queryable)]
pub struct Submission {
    pub seq: i64,
    pub account_id: i64,
    pub id: String,
    pub form_id: i64,
    pub fields: String,
    pub page_url: Option<String>,
    pub country: Option<String>,
    pub visitor_name: String,
    pub visitor_email: String,
    pub spam: bool,
    pub created_at: NaiveDateTime,
    pub deleted_at: Option<NaiveDateTime>,
    /// When the team had dealt with it.
    pub done_at: Option<NaiveDateTime>,
    /// The sender, by address, unless it came as spam.
    pub contact_id: Option<i64>,
}

impl Submission {
    /// An event of this submission.
    pub fn event(&self, kind: EventKind) -> NewEvent<'_> {
        NewEvent::new(kind, &self.id).about(self.visitor())
    }

    /// Its fields, in order.
    pub fn fields(&self) -> Vec<(String, String)> {
        serde_json::from_str::<FieldList>(&self.fields).unwrap_or_default().0
    }

    /// Display name: the name, else the email address, else "Visitor".
    pub fn visitor(&self) -> &str {
        text::first_filled(&[&self.visitor_name, &self.visitor_email, "Visitor"])
    }

    /// The field that says what it is about; empty if there is none.
    pub fn subject(&self) -> String {
        fields::first(&self.fields(), &["subject", "betreff", "topic", "title"])
    }

    /// The longest field, which is most likely the message.
    pub fn message(&self) -> String {
        let values = self.fields().into_iter().map(|(_, value)| value);
        let written = values.filter(|value| *value != self.visitor_name && *value != self.visitor_email);
        written.max_by_key(|value| value.chars().count()).unwrap_or_default()
    }

    /// The fields that the visitor filled in, without their name and address.
    pub fn told(&self) -> Vec<(String, String)> {
        let is_told =
            |value: &str| !value.trim().is_empty() && value != self.visitor_name && value != self.visitor_email;
        self.fields().into_iter().filter(|(_, value)| is_told(value)).collect()
    }

    /// The visitor's input on one line, without their name and address.
    pub fn summary(&self) -> String {
        let values: Vec<String> = self.told().into_iter().map(|(_, value)| value).collect();
        text::shorten(&values.join(" · "), 140)
    }
}

/// Where a submission came from.
#[derive(Clone, Debug, Default)]
pub struct Origin {
    /// The page the visitor was on.
    pub page_url: Option<String>,
    /// The visitor's country (ISO 3166-1 alpha-2).
    pub country: Option<String>,
}

#[derive(Insertable)]
#[diesel(table_name = submissions)]
struct NewRow<'a> {
    account_id: i64,
    id: &'a str,
    form_id: i64,
    fields: String,
    page_url: Option<&'a str>,
    country: Option<&'a str>,
    visitor_name: &'a str,
    visitor_email: &'a str,
    spam: bool,
    created_at: NaiveDateTime,
    contact_id: Option<i64>,
}

/// Stores a submission and returns it.
///
/// # Errors
/// *Conflict* when the account has a submission with this id, or had one deleted
/// recently.
pub fn add(
    conn: &mut Connection,
    actor: &Actor,
    form: &Form,
    id: &str,
    parsed: &Parsed,
    origin: &Origin,
    now: NaiveDateTime,
) -> Result<Submission> {
    let fields = serde_json::to_string(&parsed.fields).map_err(|source| Error::internal("fields", source))?;
    // Spam names anybody.
    let contact_id = match parsed.spam {
        true => None,
        false => contact::id_of(conn, form.account_id, &parsed.visitor_email, &parsed.visitor_name, now)?,
    };
    let row = NewRow {
        account_id: form.account_id,
        id,
        form_id: form.id,
        fields,
        page_url: origin.page_url.as_deref(),
        country: origin.country.as_deref(),
        visitor_name: &parsed.visitor_name,
        visitor_email: &parsed.visitor_email,
        spam: parsed.spam,
        created_at: now,
        contact_id,
    };
    let added = unless_taken(conn, |conn| {
        diesel::insert_into(submissions::table).values(row).returning(submissions::all_columns).get_result(conn)
    })?;
    let submission: Submission = added.ok_or_else(|| {
        Error::new(Kind::Conflict, "A submission with this id already exists, or was deleted recently.")
    })?;
    keep::claim(conn, form.account_id, &parsed.files, Owner::Submission(submission.seq))?;
    index::index_terms(conn, Index::Submissions, submission.account_id, submission.seq, terms(&submission))?;
    let summary = submission.summary();
    let data = json!({ "form": form.id, "spam": submission.spam });
    record(conn, actor, submission.event(EventKind::SubmissionCreated).data(data).text("", &summary), now)?;
    Ok(submission)
}

impl Submission {
    /// Its words, for the tickets that were created from it.
    pub fn texts(&self) -> Vec<Source> {
        let fields = self.fields();
        vec![(0, search::parts(fields.iter().map(|(_, value)| value.as_str())))]
    }
}

/// The search terms of a submission.
pub fn terms(submission: &Submission) -> Part {
    let fields = submission.fields();
    let values = fields.iter().map(|(_, value)| value.as_str());
    let page = submission.page_url.as_deref();
    search::whole(values.chain(page).chain([submission.id.as_str()]))
}

/// The newest submissions of these contacts.
pub fn of_contacts(conn: &mut Connection, account_id: i64, contacts: &[i64], limit: i64) -> Result<Vec<Submission>> {
    Ok(submissions::table
        .filter(submissions::contact_id.eq_any(contacts))
        .filter(WithoutIndex(submissions::account_id).eq(account_id))
        .filter(submissions::deleted_at.is_null())
        .order((submissions::created_at.desc(), submissions::seq.desc()))
        .limit(limit)
        .load(conn)?)
}

/// The submissions with these numbers, in the order of their creation.
pub fn by_seqs(conn: &mut Connection, seqs: &[i64]) -> Result<Vec<Submission>> {
    let rows = submissions::table.filter(submissions::seq.eq_any(seqs));
    Ok(rows.order(submissions::seq).load(conn)?)
}

/// Numbers and ids of all submissions of these contacts, in the order of their creation. Those that
/// can be restored from the trash are among them.
pub fn all_of_contacts(conn: &mut Connection, account_id: i64, contacts: &[i64]) -> Result<Vec<(i64, String)>> {
    let there = submissions::table
        .filter(submissions::contact_id.eq_any(contacts))
        .filter(WithoutIndex(submissions::account_id).eq(account_id))
        .filter(submissions::deleted_at.is_null());
    let deleted = submissions::table
        .filter(submissions::account_id.eq(account_id))
        .filter(submissions::deleted_at.gt(EXPIRED))
        .filter(submissions::contact_id.eq_any(contacts));
    let columns = (submissions::seq, submissions::id);
    let mut all: Vec<(i64, String)> = there.select(columns).load(conn)?;
    all.extend(deleted.select(columns).load::<(i64, String)>(conn)?);
    all.sort_unstable();
    Ok(all)
}

/// Numbers and ids of spam from these addresses, which are in lower case. Spam has no contact.
pub fn spam_from(conn: &mut Connection, account_id: i64, addresses: &[String]) -> Result<Vec<(i64, String)>> {
    let spam: Vec<(i64, String, String)> = submissions::table
        .filter(submissions::account_id.eq(account_id))
        .filter(submissions::spam.eq(true))
        .filter(submissions::deleted_at.is_null().or(submissions::deleted_at.gt(EXPIRED)))
        .select((submissions::seq, submissions::id, submissions::visitor_email))
        .load(conn)?;
    let theirs = spam.into_iter().filter(|(.., email)| addresses.contains(&email.to_lowercase()));
    Ok(theirs.map(|(seq, id, _)| (seq, id)).collect())
}

/// Those of the submissions with these ids that nobody's address is known of.
pub fn anonymous(conn: &mut Connection, account_id: i64, ids: &[String]) -> Result<Vec<(i64, String)>> {
    Ok(submissions::table
        .filter(submissions::account_id.eq(account_id))
        .filter(submissions::id.eq_any(ids))
        .filter(submissions::contact_id.is_null())
        .filter(submissions::deleted_at.is_null().or(submissions::deleted_at.gt(EXPIRED)))
        .select((submissions::seq, submissions::id))
        .load(conn)?)
}

/// Whether the account has a submission with this id that is not deleted.
pub fn exists(conn: &mut Connection, account_id: i64, id: &str) -> Result<bool> {
    Ok(find(conn, account_id, id)?.is_some())
}

/// Finds a submission of the account that is not deleted.
pub fn find(conn: &mut Connection, account_id: i64, id: &str) -> Result<Option<Submission>> {
    Ok(submissions::table
        .filter(submissions::account_id.eq(account_id))
        .filter(submissions::id.eq(id))
        .filter(submissions::deleted_at.is_null())
        .first(conn)
        .optional()?)
}

/// Like [`find`], but a missing submission is a *not found* error.
pub fn get(conn: &mut Connection, account_id: i64, id: &str) -> Result<Submission> {
    Ok(find(conn, account_id, id)?.ok_or(diesel::result::Error::NotFound)?)
}

/// Locks a submission that is not in the trash until the transaction ends.
///
/// # Errors
/// *Not found*, as [`get`].
pub fn lock(conn: &mut Connection, account_id: i64, id: &str) -> Result<Submission> {
    let row = submissions::table
        .filter(submissions::account_id.eq(account_id))
        .filter(submissions::id.eq(id))
        .filter(submissions::deleted_at.is_null());
    // Writing a row takes its lock on both engines.
    let held = diesel::update(row).set(submissions::country.eq(submissions::country));
    Ok(held.returning(submissions::all_columns).get_result(conn)?)
}

/// Marks a submission as spam or not spam. Returns the id of the event, if that is a change.
pub fn set_spam(conn: &mut Connection, actor: &Actor, id: &str, spam: bool, now: NaiveDateTime) -> Result<Option<i64>> {
    let submission = get(conn, actor.account_id, id)?;
    if submission.spam == spam {
        return Ok(None);
    }
    let contact_id = match spam {
        true => None,
        false => contact::id_of(conn, actor.account_id, &submission.visitor_email, &submission.visitor_name, now)?,
    };
    diesel::update(submissions::table.find(submission.seq))
        .set((submissions::spam.eq(spam), submissions::contact_id.eq(contact_id)))
        .execute(conn)?;
    let kind = if spam { EventKind::SubmissionMarkedSpam } else { EventKind::SubmissionUnmarkedSpam };
    Ok(Some(record(conn, actor, submission.event(kind), now)?))
}

/// Marks a submission as done, or as not done. Returns the id of the event, if that is a
/// change.
pub fn set_done(conn: &mut Connection, actor: &Actor, id: &str, done: bool, now: NaiveDateTime) -> Result<Option<i64>> {
    let submission = get(conn, actor.account_id, id)?;
    if submission.done_at.is_some() == done {
        return Ok(None);
    }
    let row = diesel::update(submissions::table.find(submission.seq));
    row.set(submissions::done_at.eq(done.then_some(now))).execute(conn)?;
    let kind = if done { EventKind::SubmissionDone } else { EventKind::SubmissionNotDone };
    Ok(Some(record(conn, actor, submission.event(kind), now)?))
}

fn after(conn: &mut Connection, seq: i64, limit: i64) -> Result<Vec<Submission>> {
    Ok(submissions::table.filter(submissions::seq.gt(seq)).order(submissions::seq).limit(limit).load(conn)?)
}

/// A submission's account, its id in the search index, and its words.
fn indexed(row: &Submission) -> (i64, i64, Part) {
    (row.account_id, row.seq, terms(row))
}

/// Sets the words of the submissions after a sequence number in the search index, and returns where
/// to continue.
pub fn index_after(conn: &mut Connection, seq: i64, limit: i64) -> Result<Option<i64>> {
    let later = submissions::table.filter(submissions::seq.gt(seq)).order(submissions::seq);
    let seqs: Vec<i64> = later.limit(limit).select(submissions::seq).load(conn)?;
    // Otherwise words that are erased meanwhile would stay.
    let rows = lock_all(conn, &seqs)?;
    index::index_many(conn, Index::Submissions, rows.iter().map(indexed))?;
    Ok(seqs.last().copied())
}

/// Locks submissions, also in the trash, until the transaction ends. Returns those that exist, in order.
pub fn lock_all(conn: &mut Connection, seqs: &[i64]) -> Result<Vec<Submission>> {
    let rows = submissions::table.filter(submissions::seq.eq_any(seqs));
    let held = diesel::update(rows).set(submissions::country.eq(submissions::country));
    let mut locked: Vec<Submission> = held.returning(submissions::all_columns).get_results(conn)?;
    locked.sort_unstable_by_key(|row| row.seq);
    Ok(locked)
}

/// The sequence numbers of the submissions that the search index seems not to have as they are. Reads
/// `chunk` of them at a time.
pub fn not_indexed(conn: &mut Connection, chunk: i64) -> Result<Vec<i64>> {
    let held = index::held(conn, Index::Submissions)?;
    let (mut suspects, mut from) = (Vec::new(), Some(0));
    while let Some(last) = from {
        let rows = after(conn, last, chunk)?;
        for row in &rows {
            if !index::has_terms(conn, Index::Submissions, held.as_ref(), &indexed(row))? {
                suspects.push(row.seq);
            }
        }
        from = rows.last().map(|row| row.seq);
    }
    Ok(suspects)
}

/// Checks the search index for submissions and, with `repair`, corrects it. Returns the ids of those
/// that are not indexed correctly.
pub fn check_index(conn: &mut Connection, seqs: &[i64], repair: bool) -> Result<Vec<String>> {
    let mut wrong = Vec::new();
    for row in lock_all(conn, seqs)? {
        let terms = indexed(&row);
        if !index::has_terms(conn, Index::Submissions, None, &terms)? {
            if repair {
                index::index_many(conn, Index::Submissions, [terms])?;
            }
            wrong.push(row.id);
        }
    }
    Ok(wrong)
}

/// Adds an account's submissions after a sequence number, which are new, to the search index.
pub fn index_new(conn: &mut Connection, account_id: i64, seq: i64) -> Result<()> {
    let new: Vec<Submission> = submissions::table
        .filter(submissions::account_id.eq(account_id))
        .filter(submissions::seq.gt(seq))
        .load(conn)?;
    Ok(index::index_many(conn, Index::Submissions, new.iter().map(indexed))?)
}

/// The sequence number of the newest submission.
pub fn last(conn: &mut Connection) -> Result<i64> {
    let seq: Option<i64> = submissions::table.select(diesel::dsl::max(submissions::seq)).first(conn)?;
    Ok(seq.unwrap_or_default())
}

/// The number of submissions.
pub fn count(conn: &mut Connection) -> Result<i64> {
    Ok(submissions::table.count().get_result(conn)?)
}
