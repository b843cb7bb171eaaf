//! `POST /contacts/{id}/export.zip`: everything of a person, read while it is sent. The audit log says
//! who asked for it.

use crate::accounts::agent::Agent;
use crate::accounts::role::Action;
use crate::api::conversations::Conversation;
use crate::api::events::Event;
use crate::api::messages::Message;
use crate::api::submissions::FormSubmission;
use crate::api::tickets::load_all;
use crate::attachments::attachment;
use crate::contacts::contact::Contact;
use crate::conversations::{conversation, erase, messages};
use crate::db::{Connection, Db};
use crate::error::Result;
use crate::events::actor::Actor;
use crate::events::event::{Kind as EventKind, Text};
use crate::events::record::{NewEvent, record};
use crate::files::archive;
use crate::files::archive::Archive;
use crate::source_files::file;
use crate::source_files::file::SourceFile;
use crate::submissions::{form, submission};
use crate::tickets::person::{Identity, Person};
use crate::tickets::source_copy;
use crate::tickets::source_copy::SourceCopy;
use crate::tickets::{history, person, revisions, ticket};
use crate::web::AppData;
use actix_web::{HttpResponse, web};
use chrono::{DateTime, NaiveDateTime, Utc};
use serde::Serialize;
use std::collections::HashMap;
use std::io::{self, Write};

/// Rows of one read.
const CHUNK: usize = 100;
/// Messages of one read.
const MESSAGES: i64 = 500;

/// What the files are, for whoever unpacks them.
const READ_ME: &str =
    "Everything that Docket has of one person. Files that end in .jsonl hold one JSON object in each line.

person.json          the person's names and addresses
conversations.jsonl  conversations
messages.jsonl       their messages
answers.jsonl        what the person answered by email in conversations of others
submissions.jsonl    forms that were sent
files                files that were sent with messages and forms
team                 what only your team sees: tickets, notes with every version, the history of tickets, kept
                     copies, files on tickets. Look through this folder before you pass it on.
";

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ExportedContact {
    name: String,
    email: String,
    known_since: DateTime<Utc>,
}

#[derive(Serialize)]
struct Note<'a> {
    email: &'a str,
    note: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ExportedMessage {
    conversation_id: String,
    #[serde(flatten)]
    message: Message,
    /// If it came by email from an address that is not the visitor's.
    from_address: String,
    /// The quotes and the signature of the visitor's email.
    folded: String,
    files: Vec<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Revision {
    ticket: i64,
    version: i64,
    author: String,
    saved_at: DateTime<Utc>,
    text: String,
}

#[derive(Serialize)]
struct KeptCopy {
    ticket: i64,
    copy: SourceCopy,
}

#[derive(Serialize)]
struct Happened {
    #[serde(flatten)]
    event: Event,
    text: Text,
}

/// `POST /contacts/{id}/export.zip`
///
/// # Errors
/// *Not found* also for a contact that was merged into another.
pub async fn export(app: AppData, agent: Agent, path: web::Path<i64>) -> Result<HttpResponse> {
    let (id, account_id, now) = (path.into_inner(), agent.account_id, app.clock.now());
    let (contacts, person) = app.db.read(move |conn| person::find(conn, account_id, id)).await?;
    let email = contacts.first().map(|contact| contact.email.clone()).unwrap_or_default();
    let say = move |conn: &mut Connection, actor: &Actor| {
        record(conn, actor, NewEvent::new(EventKind::ContactExported, id).about(&email), now)
    };
    app.write_as(&agent, Action::Configure, say).await?;
    let db = app.db.clone();
    let pack = move |archive: &mut Archive| Export { db, account_id, now, archive }.write(&contacts, &person);
    archive::respond(&app, agent.holder(), &format!("person-{id}.zip"), pack).await
}

struct Export<'a> {
    db: Db,
    account_id: i64,
    now: NaiveDateTime,
    archive: &'a mut Archive,
}

impl Export<'_> {
    fn write(mut self, contacts: &[Contact], person: &Person) -> io::Result<()> {
        self.archive.begin("read me.txt", self.now)?;
        self.archive.write_all(READ_ME.as_bytes())?;
        self.contacts(contacts)?;
        self.conversations(&person.conversations)?;
        self.answers(Identity::of(contacts).addresses, &person.conversations)?;
        self.submissions(&person.submissions)?;
        self.tickets(&person.tickets)
    }

    fn contacts(&mut self, contacts: &[Contact]) -> io::Result<()> {
        let exported = |contact: &Contact| ExportedContact {
            name: contact.name.clone(),
            email: contact.email.clone(),
            known_since: contact.created_at.and_utc(),
        };
        self.archive.begin("person.json", self.now)?;
        serde_json::to_writer_pretty(&mut *self.archive, &contacts.iter().map(exported).collect::<Vec<_>>())?;
        self.archive.begin("team/notes on the person.jsonl", self.now)?;
        contacts.iter().try_for_each(|contact| self.line(&Note { email: &contact.email, note: &contact.note }))
    }

    fn conversations(&mut self, seqs: &[i64]) -> io::Result<()> {
        let mut ids = Vec::new();
        self.archive.begin("conversations.jsonl", self.now)?;
        for seqs in seqs.chunks(CHUNK).map(<[i64]>::to_vec) {
            let rows = self.archive.wait(self.db.read(move |conn| conversation::by_seqs(conn, &seqs)))?;
            ids.extend(rows.iter().map(|row| (row.seq, row.id.clone())));
            rows.into_iter().try_for_each(|row| self.line(&Conversation::from(row)))?;
        }
        let mut files = Vec::new();
        self.archive.begin("messages.jsonl", self.now)?;
        for (seq, id) in &ids {
            self.messages(*seq, id, &mut files)?;
        }
        files.iter().try_for_each(|(folder, file)| self.file(folder, file))
    }

    /// What the person wrote in conversations of others, with nothing that others wrote there.
    fn answers(&mut self, addresses: Vec<String>, own: &[i64]) -> io::Result<()> {
        let account_id = self.account_id;
        let find = move |conn: &mut _| erase::answers_from(conn, account_id, &addresses);
        let answers = self.archive.wait(self.db.read(find))?;
        let mut files = Vec::new();
        self.archive.begin("answers.jsonl", self.now)?;
        for (seq, position) in answers.into_iter().filter(|(seq, _)| !own.contains(seq)) {
            let read = move |conn: &mut _| {
                let files = file::of_messages(conn, seq, position, position)?.remove(&position);
                Ok((messages::at(conn, seq, position)?, files.unwrap_or_default()))
            };
            let (Some(row), of_row) = self.archive.wait(self.db.read(read))? else { continue };
            self.line(&Message::from(row))?;
            files.extend(of_row.into_iter().map(|file| (format!("files/answer {seq}-{position}"), file)));
        }
        files.iter().try_for_each(|(folder, file)| self.file(folder, file))
    }

    /// Adds their files to those that are written later.
    fn messages(&mut self, seq: i64, id: &str, files: &mut Vec<(String, SourceFile)>) -> io::Result<()> {
        let mut position = 0;
        loop {
            let read = move |conn: &mut _| {
                let rows = messages::after(conn, seq, position, MESSAGES)?;
                let files = messages::files_of(conn, seq, &rows)?;
                Ok((rows, files))
            };
            let (rows, mut of_rows) = self.archive.wait(self.db.read(read))?;
            let Some(last) = rows.last() else { return Ok(()) };
            position = last.position;
            for row in rows {
                let of_row = of_rows.remove(&row.position).unwrap_or_default();
                let folder = format!("files/conversation {id}/message {}", row.position);
                self.line(&ExportedMessage {
                    conversation_id: id.to_owned(),
                    from_address: row.from_address.clone(),
                    folded: if row.from_address.is_empty() { row.folded.clone() } else { String::new() },
                    files: of_row.iter().map(|file| file.filename.clone()).collect(),
                    message: Message::from(row),
                })?;
                files.extend(of_row.into_iter().map(|file| (folder.clone(), file)));
            }
        }
    }

    fn submissions(&mut self, seqs: &[i64]) -> io::Result<()> {
        let account_id = self.account_id;
        let forms = self.archive.wait(self.db.read(move |conn| form::all(conn, account_id)))?;
        let names: HashMap<i64, String> = forms.into_iter().map(|form| (form.id, form.name)).collect();
        let mut files = Vec::new();
        self.archive.begin("submissions.jsonl", self.now)?;
        for seqs in seqs.chunks(CHUNK).map(<[i64]>::to_vec) {
            let read = move |conn: &mut _| {
                let rows = submission::by_seqs(conn, &seqs)?;
                let with_files = |row: submission::Submission| Ok((file::of_submission(conn, row.seq)?, row));
                rows.into_iter().map(with_files).collect::<Result<Vec<_>>>()
            };
            for (of_row, row) in self.archive.wait(self.db.read(read))? {
                let folder = format!("files/submission {}", row.id);
                files.extend(of_row.into_iter().map(|file| (folder.clone(), file)));
                let form = names.get(&row.form_id).cloned().unwrap_or_default();
                self.line(&FormSubmission::new(row, form))?;
            }
        }
        files.iter().try_for_each(|(folder, file)| self.file(folder, file))
    }

    fn tickets(&mut self, ids: &[i64]) -> io::Result<()> {
        let mut numbers = Vec::new();
        self.archive.begin("team/tickets.jsonl", self.now)?;
        for ids in ids.chunks(CHUNK).map(<[i64]>::to_vec) {
            let read = move |conn: &mut _| Ok((ticket::by_ids(conn, &ids)?, load_all(conn, &ids)?));
            let (rows, tickets) = self.archive.wait(self.db.read(read))?;
            numbers.extend(rows.iter().map(|row| (row.id, row.number)));
            tickets.iter().try_for_each(|ticket| self.line(ticket))?;
        }
        self.archive.begin("team/versions of notes.jsonl", self.now)?;
        for (id, number) in numbers.clone() {
            self.revisions(id, number)?;
        }
        self.archive.begin("team/kept copies.jsonl", self.now)?;
        for (id, ticket) in numbers.clone() {
            if let Some(copy) = self.archive.wait(self.db.read(move |conn| source_copy::of(conn, id)))? {
                self.line(&KeptCopy { ticket, copy })?;
            }
        }
        self.archive.begin("team/history.jsonl", self.now)?;
        for (id, _) in numbers.clone() {
            let events = self.archive.wait(self.db.read(move |conn| history::latest(conn, id, i64::MAX)))?;
            for event in events.into_iter().rev() {
                self.line(&Happened { text: event.text.clone(), event: Event::from(event) })?;
            }
        }
        for (id, number) in numbers {
            for file in self.archive.wait(self.db.read(move |conn| attachment::of_ticket(conn, id)))? {
                let name = format!("team/files on ticket {number}/{}", file.filename);
                self.archive.add(&name, &file.key(), file.created_at)?;
            }
        }
        Ok(())
    }

    fn revisions(&mut self, id: i64, ticket: i64) -> io::Result<()> {
        let rows = self.archive.wait(self.db.read(move |conn| revisions::list(conn, id, i64::MAX, i64::MAX)))?;
        for row in rows.into_iter().rev() {
            let version = row.version;
            let text = self.archive.wait(self.db.read(move |conn| revisions::text(conn, id, version)))?;
            let (author, saved_at) = (row.author_name, row.saved_at.and_utc());
            self.line(&Revision { ticket, version, author, saved_at, text })?;
        }
        Ok(())
    }

    fn file(&mut self, folder: &str, file: &SourceFile) -> io::Result<()> {
        self.archive.add(&format!("{folder}/{}", file.filename), &file.key(), file.created_at)
    }

    fn line(&mut self, row: &impl Serialize) -> io::Result<()> {
        serde_json::to_writer(&mut *self.archive, row)?;
        self.archive.write_all(b"\n")
    }
}
