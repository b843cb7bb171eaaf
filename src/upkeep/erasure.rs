//! Erasing a person: everything of them goes, and a receipt says how much that was.

use crate::accounts::{stored_responses, user};
use crate::app::App;
use crate::attachments::inventory;
use crate::contacts::contact;
use crate::contacts::contact::Contact;
use crate::conversations::erase;
use crate::db::{Connection, ticket_index};
use crate::error::{Error, Kind as ErrorKind, Result};
use crate::events::actor::{Actor, ActorKind};
use crate::events::erase as events;
use crate::events::erase::Erased;
use crate::events::event::Kind as EventKind;
use crate::events::record::{NewEvent, record};
use crate::jobs::job::{Job, Kind, NewJob};
use crate::jobs::queue;
use crate::source_files::file::State;
use crate::source_files::inventory as source_files;
use crate::tickets::person::Identity;
use crate::tickets::{bulk, person, revisions, search, source_copy, ticket, views};
use crate::upkeep::janitor;
use crate::{conversations, submissions, tickets};
use chrono::NaiveDateTime;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::HashMap;

/// Rows per step, so that other requests do not wait long.
const CHUNK: usize = 50;
/// Events read, and words looked up, per step.
const EVENTS: i64 = 5_000;
const WORDS: i64 = 500;
/// Kept copies read per step, of up to 512 KiB each.
const COPIES: i64 = 50;

/// How much went.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Went {
    pub addresses: i64,
    pub conversations: i64,
    pub messages: i64,
    pub submissions: i64,
    pub tickets: i64,
    /// Saved texts of notes.
    pub revisions: i64,
    /// Of conversations, submissions and tickets.
    pub files: i64,
    /// Emails that waited to be sent.
    pub mails: i64,
    /// Saved views that searched for an address.
    pub views: i64,
    /// Events whose text was emptied.
    pub events: i64,
}

/// What a job has done and still has to do. Only the counts stay when it is done.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(default)]
struct Progress {
    /// Whether only the database's files are left to do.
    is_recorded: bool,
    who: Identity,
    conversations: Vec<String>,
    submissions: Vec<String>,
    /// By number.
    tickets: Vec<i64>,
    /// Copies of the person's files on tickets of others.
    attachments: Vec<String>,
    /// The last event that was looked at.
    events_after: i64,
    went: Went,
}

impl Progress {
    fn erased(&self, handed_over: HashMap<String, i64>) -> Erased {
        let all = |kind: &'static str, ids: &[String]| ids.iter().map(|id| (kind, id.clone())).collect::<Vec<_>>();
        let texts = |numbers: &[i64]| numbers.iter().map(ToString::to_string).collect::<Vec<_>>();
        let subjects = [
            all("contact", &texts(&self.who.contacts)),
            all("attachment", &self.attachments),
            all("conversation", &self.conversations),
            all("submission", &self.submissions),
            all("ticket", &texts(&self.tickets)),
        ];
        let subjects = subjects.into_iter().flatten().collect();
        Erased { subjects, handed_over, addresses: self.who.addresses.clone() }
    }
}

/// Adds the job that erases a contact, with those merged into it. `shown` are the ids of all of
/// these, as the page that asks has named them.
///
/// # Errors
/// *Not found* when the account has no such contact, or it was merged into another; *conflict* when
/// another was merged into it since.
pub fn request(conn: &mut Connection, actor: &Actor, contact_id: i64, shown: &str, now: NaiveDateTime) -> Result<()> {
    if self::shown(&contact::whole(conn, actor.account_id, contact_id)?) != shown {
        let message = "This person has other addresses now. Look again before you erase.";
        return Err(Error::new(ErrorKind::Conflict, message));
    }
    let job = NewJob {
        account_id: Some(actor.account_id),
        kind: Kind::Erasure,
        key: contact_id.to_string(),
        group_key: String::new(),
        data: json!({ "user": actor.user_id() }).to_string(),
        due_at: now,
    };
    queue::request(conn, &job, now)
}

/// The ids of the contacts that one person is, for [`request`].
pub fn shown(contacts: &[Contact]) -> String {
    let ids: Vec<String> = contacts.iter().map(|contact| contact.id.to_string()).collect();
    ids.join(",")
}

/// Erases the contact that a job names. Every step can be repeated.
pub async fn run(app: &App, job: &Job) -> Result<()> {
    let account_id = job.account_id.ok_or_else(|| Error::internal("erasing a person", "no account"))?;
    let progress = match job.place.as_str() {
        "" => Progress::default(),
        place => serde_json::from_str(place).map_err(|source| Error::internal("erasing a person", source))?,
    };
    let mut erasure = Erasure { app, job, account_id, progress };
    if !erasure.progress.is_recorded {
        erasure.take_contacts().await?;
        let mut is_first = true;
        // Again, because somebody may create a ticket from what is being erased.
        while erasure.expire_rows().await? || is_first {
            erasure.erase_answers().await?;
            erasure.erase_elsewhere().await?;
            janitor::purge(app).await?;
            is_first = false;
        }
        erasure.empty_events().await?;
        erasure.forget_words().await?;
        erasure.record().await?;
    }
    app.db.rewrite().await
}

/// A job while it runs.
struct Erasure<'a> {
    app: &'a App,
    job: &'a Job,
    account_id: i64,
    progress: Progress,
}

impl Erasure<'_> {
    /// Runs a step, and keeps the progress that it made in the same transaction.
    async fn step(
        &mut self,
        step: impl Fn(&mut Connection, &mut Progress) -> Result<()> + Send + 'static,
    ) -> Result<()> {
        let (job, before, now) = (self.job.clone(), self.progress.clone(), self.app.clock.now());
        let write = move |conn: &mut Connection| {
            let mut progress = before.clone();
            step(conn, &mut progress)?;
            let is_ours = if progress == before {
                queue::renew(conn, &job, now)?
            } else {
                let place = serde_json::to_string(&progress);
                let place = place.map_err(|source| Error::internal("erasing a person", source))?;
                queue::keep(conn, &Job { place, ..job.clone() }, now)?
            };
            if is_ours {
                return Ok(progress);
            }
            Err(Error::new(ErrorKind::Conflict, "Another instance goes on with this job."))
        };
        self.progress = self.app.db.write(write).await?;
        Ok(())
    }

    /// Removes the contacts, so that whoever writes from now on is a new one.
    async fn take_contacts(&mut self) -> Result<()> {
        if !self.progress.who.contacts.is_empty() {
            return Ok(());
        }
        let (account_id, key) = (self.account_id, self.job.key.clone());
        let take = move |conn: &mut Connection, progress: &mut Progress| {
            let id = key.parse().map_err(|source| Error::internal("erasing a person", source))?;
            let contacts = contact::whole(conn, account_id, id);
            let contacts = contacts.map_err(|error| match error.kind {
                ErrorKind::NotFound => Error::invalid("This person was merged into another one. Erase that one."),
                _ => error,
            })?;
            progress.who = Identity::of(&contacts);
            progress.went.addresses = count(&contacts);
            contact::forget(conn, &progress.who.contacts)
        };
        self.step(take).await
    }

    /// Puts all rows of the person at the end of their time in the trash. Returns whether there
    /// were any.
    async fn expire_rows(&mut self) -> Result<bool> {
        let account_id = self.account_id;
        let mut has_found = false;
        loop {
            let known = self.progress.clone();
            let find = move |conn: &mut Connection| {
                person::of(conn, account_id, &known.who, &known.conversations, &known.submissions)
            };
            let rows = self.app.db.scan(find).await?;
            if rows.is_empty() {
                return Ok(has_found);
            }
            has_found = true;
            self.progress.events_after = 0;
            // Before their sources, by which some of them are found.
            for ids in rows.tickets.chunks(CHUNK).map(<[i64]>::to_vec) {
                self.step(move |conn, progress| expire_tickets(conn, progress, &ids)).await?;
            }
            for seqs in rows.conversations.chunks(CHUNK).map(<[i64]>::to_vec) {
                self.step(move |conn, progress| expire_conversations(conn, progress, &seqs)).await?;
            }
            for seqs in rows.submissions.chunks(CHUNK).map(<[i64]>::to_vec) {
                self.step(move |conn, progress| expire_submissions(conn, progress, &seqs)).await?;
            }
        }
    }

    /// Erases what the person answered in conversations of others.
    async fn erase_answers(&mut self) -> Result<()> {
        let (account_id, addresses) = (self.account_id, self.progress.who.addresses.clone());
        let answers = self.app.db.scan(move |conn| erase::answers_from(conn, account_id, &addresses)).await?;
        for (seq, position) in answers {
            self.step(move |conn, progress| erase_answer(conn, progress, (seq, position))).await?;
        }
        let mut after = 0;
        loop {
            let addresses = self.progress.who.addresses.clone();
            let find = move |conn: &mut Connection| source_copy::naming(conn, account_id, &addresses, after, COPIES);
            let found = self.app.db.scan(find).await?;
            for id in found.wrong {
                let erase = move |conn: &mut Connection, progress: &mut Progress| {
                    source_copy::erase_from(conn, id, &progress.who.addresses)?;
                    for ticket in ticket::lock_all(conn, &[id])? {
                        search::reindex_all(conn, &ticket)?;
                    }
                    Ok(())
                };
                self.step(erase).await?;
            }
            match found.next {
                Some(next) => after = next,
                None => return Ok(()),
            }
        }
    }

    /// Removes the person's addresses from what is neither a row of theirs nor an event.
    async fn erase_elsewhere(&mut self) -> Result<()> {
        let account_id = self.account_id;
        let erase = move |conn: &mut Connection, progress: &mut Progress| {
            let addresses = &progress.who.addresses;
            erase::addresses(conn, account_id, addresses)?;
            stored_responses::forget_contents(conn, account_id)?;
            bulk::erase_addresses(conn, account_id, addresses)?;
            queue::erase_addresses(conn, account_id, addresses)?;
            progress.went.views += count_of(views::forget_naming(conn, account_id, addresses)?);
            Ok(())
        };
        self.step(erase).await
    }

    async fn empty_events(&mut self) -> Result<()> {
        let (account_id, addresses) = (self.account_id, self.progress.who.addresses.clone());
        let handed_over = self.app.db.scan(move |conn| events::handed_over(conn, account_id, &addresses)).await?;
        let erased = self.progress.erased(handed_over);
        loop {
            let (of, after) = (erased.clone(), self.progress.events_after);
            let found = self.app.db.scan(move |conn| events::find(conn, account_id, after, EVENTS, &of)).await?;
            let Some(next) = found.next else { return Ok(()) };
            for texts in found.texts.chunks(CHUNK).map(<[(i64, String)]>::to_vec) {
                let empty = move |conn: &mut Connection, progress: &mut Progress| {
                    progress.went.events += count_of(events::set(conn, &texts)?);
                    Ok(())
                };
                self.step(empty).await?;
            }
            self.progress.events_after = next;
        }
    }

    async fn forget_words(&mut self) -> Result<()> {
        let (account_id, mut after) = (self.account_id, String::new());
        loop {
            let find = move |conn: &mut Connection| Ok(ticket_index::unused_words(conn, account_id, &after, WORDS)?);
            let found = self.app.db.scan(find).await?;
            let words = found.wrong;
            self.step(move |conn, _| Ok(ticket_index::forget_words(conn, &words)?)).await?;
            match found.next {
                Some(word) => after = word,
                None => return Ok(()),
            }
        }
    }

    /// Records how much went, and forgets who it was.
    async fn record(&mut self) -> Result<()> {
        let (account_id, job, now) = (self.account_id, self.job.clone(), self.app.clock.now());
        let record = move |conn: &mut Connection, progress: &mut Progress| {
            // A mail that was under way may have been refused since.
            erase::addresses(conn, account_id, &progress.who.addresses)?;
            let data: serde_json::Value = serde_json::from_str(&job.data).unwrap_or_default();
            let by = match data["user"].as_i64() {
                Some(id) => Actor::new(account_id, &user::find(conn, account_id, id)?.name, ActorKind::User(id)),
                None => Actor::system(account_id),
            };
            let went = serde_json::to_value(progress.went).map_err(|source| Error::internal("a receipt", source))?;
            record(conn, &by, NewEvent::new(EventKind::ContactErased, &job.key).data(went), now)?;
            *progress = Progress { is_recorded: true, went: progress.went, ..Progress::default() };
            Ok(())
        };
        self.step(record).await
    }
}

fn erase_answer(conn: &mut Connection, progress: &mut Progress, (seq, position): (i64, i64)) -> Result<()> {
    let Some(erased) = erase::message(conn, seq, position)? else { return Ok(()) };
    let copies = inventory::expire_copies(conn, &erased.conversation, &erased.files)?;
    progress.went.messages += 1;
    progress.went.files += count(&erased.files) + count(&copies);
    // Their names are gone. The words of the source are set already.
    for ticket in ticket::lock_all(conn, &copies.iter().map(|copy| copy.ticket_id).collect::<Vec<_>>())? {
        search::reindex(conn, &ticket)?;
    }
    progress.attachments.extend(copies.into_iter().map(|copy| copy.id));
    Ok(())
}

fn expire_tickets(conn: &mut Connection, progress: &mut Progress, ids: &[i64]) -> Result<()> {
    let expired = tickets::trash::expire(conn, ids)?;
    let ids: Vec<i64> = expired.iter().map(|ticket| ticket.id).collect();
    let files = inventory::all_of_tickets(conn, &ids)?;
    progress.went.tickets += count(&expired);
    progress.went.revisions += revisions::count(conn, &ids)?;
    progress.went.files += count_of(files.iter().filter(|file| file.state == State::Ready).count());
    progress.tickets.extend(expired.iter().map(|ticket| ticket.number));
    Ok(())
}

fn expire_conversations(conn: &mut Connection, progress: &mut Progress, seqs: &[i64]) -> Result<()> {
    let expired = conversations::trash::expire(conn, seqs)?;
    let seqs: Vec<i64> = expired.iter().map(|conversation| conversation.seq).collect();
    for seq in &seqs {
        progress.went.mails += count_of(queue::forget_group(conn, Kind::ReplyMail, &seq.to_string())?);
    }
    progress.went.conversations += count(&expired);
    progress.went.messages += expired.iter().map(|conversation| conversation.message_count).sum::<i64>();
    progress.went.files += source_files::count_of_conversations(conn, &seqs)?;
    progress.conversations.extend(expired.into_iter().map(|conversation| conversation.id));
    Ok(())
}

fn expire_submissions(conn: &mut Connection, progress: &mut Progress, seqs: &[i64]) -> Result<()> {
    let expired = submissions::trash::expire(conn, seqs)?;
    let seqs: Vec<i64> = expired.iter().map(|submission| submission.seq).collect();
    progress.went.submissions += count(&expired);
    progress.went.files += source_files::count_of_submissions(conn, &seqs)?;
    progress.submissions.extend(expired.into_iter().map(|submission| submission.id));
    Ok(())
}

fn count<T>(rows: &[T]) -> i64 {
    count_of(rows.len())
}

fn count_of(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
