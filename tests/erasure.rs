//! Personal data: everything of a person in one archive, and a person who asks to be erased.

use crate::conversations::answers::{hand_over, mail, with_answers};
use crate::conversations::mails::mailing_owner;
use crate::support::chat::Visitor;
use crate::support::files::{keys_below, pdf};
use crate::support::program::Program;
use crate::support::smtp::{MailServer, decode, link};
use crate::support::{Answer, Person, TestApp, unique};
use crate::upkeep::check::check;
use diesel::prelude::*;
use diesel::sql_types::Text;
use docket::accounts::role::Role;
use docket::db::{Connection, Engine};
use docket::upkeep::worker;
use reqwest::Method;
use reqwest::multipart::{Form, Part};
use serde_json::json;
use std::io::{Cursor, Read};
use std::time::Duration;

/// Stands in every text of the person who is erased, apart from their other address, and in no
/// other.
const WORD: &str = "quendolyn";
const ADDRESS: &str = "Quendolyn@visitor.example";
const OTHER_ADDRESS: &str = "dolquen@work.example";

/// A desk with two people: one about whom everything is told that there is to tell, and another.
pub struct Desk {
    server: MailServer,
    pub app: TestApp,
    pub owner: Person,
    program: Program,
    quendolyn: Visitor,
    vera: Visitor,
    /// The id of her conversation.
    talk: String,
    /// Paths of the contact, and of the conversation of the other.
    contact: String,
    veras_talk: String,
}

fn form(fields: &[(&str, &str)], file: (&str, &[u8])) -> Form {
    let texts =
        fields.iter().fold(Form::new(), |form, (name, value)| form.text((*name).to_owned(), (*value).to_owned()));
    texts.part("files", Part::bytes(file.1.to_vec()).file_name(file.0.to_owned()))
}

async fn write(visitor: &Visitor, name: &str, email: &str, body: &str) {
    let message = json!({ "id": unique("message"), "body": body, "name": name, "email": email });
    visitor.send(visitor.request(Method::POST, "/messages").json(&message)).await.expect(201);
}

async fn of_ticket(owner: &Person, number: i64) -> String {
    format!("/contacts/{}", owner.get(&format!("/tickets/{number}")).await.id_below("/contacts/"))
}

/// The mail with this text.
fn mail_saying(server: &MailServer, text: &str) -> String {
    let mails: Vec<String> = server.take().iter().map(|mail| decode(mail)).collect();
    mails.iter().find(|mail| mail.contains(text)).unwrap_or_else(|| panic!("{text} in {mails:?}")).clone()
}

/// The address for answers to a mail.
fn reply_to(mail: &str) -> &str {
    mail.lines().find_map(|line| line.strip_prefix("Reply-To: ")).unwrap()
}

/// What the person answers, with a file, to a mail that somebody else got.
fn answer_with_file(sent: &str) -> String {
    let parts = "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n";
    let body = "--b\r\nContent-Type: text/plain\r\n\r\nI am quendolyn, her neighbour\r\n--b\r\nContent-Type: text/csv\r\n\
                Content-Disposition: attachment; filename=quendolyn-map.csv\r\n\r\na;quendolyn\r\n--b--";
    mail("Quendolyn Ash <quendolyn@VISITOR.example>", reply_to(sent), parts, body)
}

/// Does the jobs that are due, with the one that erases the contact of this path.
async fn erase(app: &TestApp, owner: &Person, contact: &str) {
    let page = format!("{contact}/erase");
    let shown = owner.get(&page).await.value("contacts");
    owner.post(&page, &[("contacts", &shown)]).await.expect_redirect(&format!("{contact}/erasure"));
    worker::run_due(&app.app).await.unwrap();
}

impl Desk {
    pub async fn open() -> Self {
        let server = MailServer::start();
        let app = TestApp::start_with(with_answers(&server)).await;
        let owner = mailing_owner(&app).await;
        let key = owner.make_widget("Shop").await;
        let contact_form = owner.make_form("Contact").await;

        // A chat with a file, answered by mail, with tickets that keep a copy of it.
        let quendolyn = Visitor::new(&app.base, &key);
        write(&quendolyn, "Quendolyn Ash", ADDRESS, "quendolyn wants a refund").await;
        let file = form(
            &[("id", &unique("message")), ("body", "See quendolyn.csv")],
            ("quendolyn.csv", b"a;b\nquendolyn;2\n"),
        );
        quendolyn.send(quendolyn.request(Method::POST, "/messages").multipart(file)).await.expect(201);
        let id = quendolyn.conversation(&owner).await;
        owner
            .post(&format!("/conversations/{id}/messages"), &[("body", "Dear Quendolyn, it is on its way")])
            .await
            .expect(303);
        let desk_after = |minutes: u64| {
            app.wait(Duration::from_secs(60 * minutes));
            app.run_jobs()
        };
        app.run_jobs().await;
        desk_after(11).await;
        let sent = mail_saying(&server, "it is on its way");
        hand_over(&app, &mail(ADDRESS, reply_to(&sent), "", "quendolyn says thanks\n\n> Dear Quendolyn"))
            .await
            .expect(204);
        let fields =
            [("title", "Refund for Quendolyn"), ("conversationId", id.as_str()), ("keepCopy", "1"), ("tags", "refund")];
        let refund = owner.make_ticket_of(&fields).await;
        owner.write_notes(refund, 1, "First version about quendolyn").await.expect(303);
        owner.write_notes(refund, 2, "Second version about Quendolyns refunds").await.expect(303);
        owner.attach(refund, &[("quendolyn.pdf", &pdf("blue")), ("notes on quendolyn.txt", b"quendolyn")]).await;
        // A reply that waits to be mailed.
        owner
            .post(&format!("/conversations/{id}/messages"), &[("body", "Anything else, Quendolyn?")])
            .await
            .expect(303);

        // A form under another address of hers, answered; that address is the same person.
        let sent = [
            ("name", "Q. Ash"),
            ("email", OTHER_ADDRESS),
            ("message", "quendolyn asks for a quote"),
            ("_url", "https://shop.example/quendolyn"),
        ];
        let sent = app
            .stranger()
            .client
            .post(format!("{}{contact_form}", app.base))
            .multipart(form(&sent, ("quendolyn.txt", b"quendolyn again")));
        app.stranger().send(sent).await.expect(303);
        let submission = owner.newest_submission().await;
        owner
            .post(&format!("/submissions/{submission}/messages"), &[("body", "Here is your quote, Quendolyn")])
            .await
            .expect(303);
        let program = Program::of(&app, &owner).await;
        let quote =
            json!({ "title": "Quote for quendolyn", "formSubmissionId": submission, "notes": "quendolyn again" });
        let quote = program.post_once("key-1", "/tickets", &quote).await.expect(201).json()["number"].as_i64().unwrap();
        let contact = of_ticket(&owner, refund).await;
        owner
            .post(&format!("{}/merge", of_ticket(&owner, quote).await), &[("into", ADDRESS)])
            .await
            .expect_redirect(&contact);
        owner.post(&contact, &[("name", "Quendolyn Ash"), ("note", "Be kind to quendolyn")]).await.expect(303);

        // Spam, a chat without an address, and what a program imported.
        let spam = [("name", "Quendolyn"), ("email", ADDRESS), ("message", "quendolyn sends spam")];
        app.stranger().visit(&contact_form, &spam).await.expect(303);
        let spam = owner.newest_submission().await;
        owner.post(&format!("/submissions/{spam}/spam"), &[]).await.expect(303);
        let nameless = Visitor::new(&app.base, &key);
        write(&nameless, "", "", "quendolyn without an address").await;
        let nameless = nameless.conversation(&owner).await;
        owner
            .make_ticket_of(&[("title", "quendolyns chat"), ("conversationId", &nameless), ("requesterEmail", ADDRESS)])
            .await;
        let import = json!({ "from": "visitor", "body": "quendolyn imported" });
        program.post_once("key-2", &format!("/conversations/{id}/messages"), &import).await.expect(201);

        // What is in the trash, unsubscribed, searched for.
        let deleted = owner.make_ticket_of(&[("title", "Once about quendolyn"), ("requesterEmail", ADDRESS)]).await;
        owner.post(&format!("/tickets/{deleted}/delete"), &[]).await.expect(303);
        owner.post("/views", &[("name", "Hers"), ("query", &format!("q=from%3A%22{ADDRESS}%22"))]).await.expect(303);
        let many = [
            ("back", "status=all"),
            ("query", &format!("status=all&q=from%3A%22{ADDRESS}%22")),
            ("expected", "2"),
            ("action", "tag"),
            ("tag", "vip"),
        ];
        owner.post("/tickets/bulk", &many).await.expect(303);

        // A conversation that was hers once: mailed to her, answered by her, then somebody else's.
        let max = Visitor::new(&app.base, &key);
        write(&max, "Quendolyn Ash", ADDRESS, "Do you have lamps?").await;
        let maxs_talk = format!("/conversations/{}", max.conversation(&owner).await);
        owner.post(&format!("{maxs_talk}/messages"), &[("body", "We do have lamps.")]).await.expect(303);
        app.run_jobs().await;
        desk_after(11).await;
        let about_lamps = mail_saying(&server, "We do have lamps.");
        hand_over(&app, &mail(ADDRESS, reply_to(&about_lamps), "", "Good")).await.expect(204);
        let is_now = [("visitorName", "Max"), ("visitorEmail", "max@visitor.example")];
        owner.post(&format!("{maxs_talk}/visitor"), &is_now).await.expect(303);

        // Another person, whose conversation she answered, and whose ticket was hers once.
        let vera = Visitor::new(&app.base, &key);
        write(&vera, "Vera", "vera@visitor.example", "Where is my parcel?").await;
        let veras_talk = format!("/conversations/{}", vera.conversation(&owner).await);
        owner.post(&format!("{veras_talk}/messages"), &[("body", "It left yesterday.")]).await.expect(303);
        app.run_jobs().await;
        desk_after(11).await;
        let sent = mail_saying(&server, "It left yesterday.");
        hand_over(&app, &answer_with_file(&sent)).await.expect(204);
        let quote = "Thank you\r\n\r\nOn Fri, 27 Nov 2026 at 10:00, Shop wrote:\r\n> I am quendolyn, her neighbour";
        hand_over(&app, &mail("vera@visitor.example", reply_to(&sent), "", quote)).await.expect(204);
        let veras = veras_talk.rsplit('/').next().unwrap();
        let file =
            owner.get(&format!("/tickets/new?conversationId={veras}")).await.value_of("input[name=copy][checked]");
        let parcel = owner.make_ticket_of(&[("title", "Parcel"), ("conversationId", veras), ("keepCopy", "1")]).await;
        let requester = |number: i64, name: &'static str, email: &'static str| {
            let fields = [("requesterName", name), ("requesterEmail", email)];
            let (owner, path) = (&owner, format!("/tickets/{number}/requester"));
            async move { owner.post(&path, &fields).await.expect(303).status }
        };
        requester(parcel, "Quendolyn Ash", ADDRESS).await;
        requester(parcel, "Vera", "vera@visitor.example").await;
        // Without a copy, so that its words come from the conversation and the file alone.
        let fields = [("title", "Again"), ("conversationId", veras), ("another", "1"), ("copy", &file)];
        owner.make_ticket_of(&fields).await;
        // From her conversations, but about others.
        let for_max = [("title", "quendolyn asks for Max"), ("conversationId", id.as_str()), ("another", "1")];
        requester(owner.make_ticket_of(&for_max).await, "Max", "max@visitor.example").await;
        let answer = owner.get("/conversations?q=quote").await.attributes(".row-link", "href");
        owner.post(&format!("{}/visitor", answer[0].split('#').next().unwrap()), &is_now).await.expect(303);
        owner.make_ticket_of(&[("title", "Hers"), ("requesterEmail", "oodolquen@work.example")]).await;
        owner.post(&format!("/conversations/{id}/messages"), &[("body", "A last word, Quendolyn")]).await.expect(303);
        app.run_jobs().await;
        app.stranger().post(&format!("{}/stop", link(&about_lamps)), &[]).await.expect(200);
        // As a mail server says it.
        let failed =
            "UPDATE jobs SET error = '550 5.1.1 <QUENDOLYN@visitor.example>: no such user' WHERE kind = 'upgrade'";
        app.app.db.write(move |conn| Ok(diesel::sql_query(failed).execute(conn).map(drop)?)).await.unwrap();
        Self { server, app, owner, program, quendolyn, vera, talk: id, contact, veras_talk }
    }

    /// Does the jobs that are due, with the one that erases.
    pub async fn erase(&self) {
        erase(&self.app, &self.owner, &self.contact).await;
    }
}

/// Whether bytes hold something of the person. `oodolquen` is somebody else. FTS5 stores a word without
/// the letters with which the word before it begins, too; no random key has an o.
pub fn tells(bytes: &[u8]) -> bool {
    let bytes = bytes.to_ascii_lowercase();
    let is_theirs = |(at, part): (usize, &[u8])| part == b"dolquen" && !bytes[..at].ends_with(b"o");
    bytes.windows(WORD.len()).any(|part| part == WORD.as_bytes())
        || bytes.windows("dolquen".len()).enumerate().any(is_theirs)
}

/// Files of the data folder that hold something of the person, and on Postgres the tables that do.
async fn places(app: &TestApp) -> Vec<String> {
    let holds = |name: &String| tells(name.as_bytes()) || tells(&std::fs::read(app.dir.path().join(name)).unwrap());
    let mut found: Vec<String> = keys_below(app.dir.path()).into_iter().filter(holds).collect();
    let tables = |conn: &mut Connection| match &mut conn.engine {
        Engine::Sqlite(_) => Ok(Vec::new()),
        Engine::Postgres(conn) => Ok(tables_with_the_word(conn)),
    };
    found.extend(app.app.db.scan(tables).await.unwrap());
    found
}

#[derive(QueryableByName)]
struct Name {
    #[diesel(sql_type = Text)]
    name: String,
}

fn tables_with_the_word(conn: &mut PgConnection) -> Vec<String> {
    let query = "SELECT tablename::text AS name FROM pg_tables WHERE schemaname = 'public'";
    let tables: Vec<Name> = diesel::sql_query(query).load(conn).unwrap();
    let has = |table: &String| {
        let query = format!("SELECT row::text AS name FROM \"{table}\" AS row");
        diesel::sql_query(query).load::<Name>(conn).unwrap().iter().any(|row| tells(row.name.as_bytes()))
    };
    tables.into_iter().map(|table| table.name).filter(has).collect()
}

#[actix_web::test]
async fn nothing_of_an_erased_person_is_left() {
    let desk = Desk::open().await;
    let Desk { app, owner, contact, .. } = &desk;
    assert!(places(app).await.len() > 3, "there is something to erase");
    assert_eq!(check(app, false).await.1, Vec::<String>::new());

    let page = owner.get(&format!("{contact}/erase")).await;
    page.expect(200).expect_text("3 conversations and 2 submissions").expect_text("5 tickets");
    page.expect_text("Refund for Quendolyn").expect_text("Once about quendolyn").expect_text(OTHER_ADDRESS);
    page.expect_no_text("Parcel");
    desk.erase().await;

    assert_eq!(places(app).await, Vec::<String>::new());
    assert_eq!(check(app, false).await.1, Vec::<String>::new(), "and everything else is sound");
    owner.get(contact).await.expect(404);
    owner.get(&format!("{contact}/erase")).await.expect(404);
    let receipt = owner.get(&format!("{contact}/erasure")).await;
    receipt.expect(200).expect_text("Olivia Owner erased this person");
    let rows = receipt.texts(".numbers tr");
    for row in [
        "Email addresses 2",
        "Conversations 3",
        "Submissions 2",
        "Tickets 5",
        "Versions of notes 3",
        "Files 6",
        "Emails that waited to be sent 1",
        "Saved views that named the person 1",
    ] {
        let row = row.rsplit_once(' ').unwrap();
        let is_it = |text: &String| text.starts_with(row.0) && text.trim_end().ends_with(row.1);
        assert!(rows.iter().any(is_it), "{row:?} in {rows:?}");
    }
    let log = owner.get("/settings/audit").await;
    log.expect_text("erased a person").expect_text("changed what is known of somebody who was erased");
    assert_eq!(log.attributes("main li a", "href"), [format!("{contact}/erasure")]);

    // The others keep what is theirs.
    owner.get("/conversations?q=lamps").await.expect_text("Max");
    let talk = owner.get(&desk.veras_talk).await;
    talk.expect_text("Where is my parcel?").expect_text("It left yesterday.").expect_text("[erased]");
    let history = desk.vera.history("").await;
    assert_eq!(history[history.len() - 2..], ["[erased]", "Thank you"]);
    let found = owner.list("status=all&q=parcel").await;
    assert_eq!(found.len(), 2);
    owner.get(&format!("/tickets/{}", found[0])).await.expect_text("vera@visitor.example");
    assert_eq!(owner.list("status=all&q=from:oodolquen").await.len(), 1, "a longer address is another one");
    assert_eq!(owner.list("status=all&q=quendolyn").await, Vec::<i64>::new());
    owner.get("/views").await.expect_no_text("Hers");

    // A request that is sent again is not done again, and nobody remembers what it was answered.
    let import = json!({ "from": "visitor", "body": "quendolyn imported" });
    let again = desk.program.post_once("key-2", &format!("/conversations/{}/messages", desk.talk), &import).await;
    again.expect(410).expect_text("was handled before");

    // Nothing is sent any more, and whoever writes again is new.
    app.wait(Duration::from_secs(3600));
    app.run_jobs().await;
    assert!(!desk.server.take().iter().any(|mail| mail.to_lowercase().contains("to: quendolyn")));
    assert_eq!(desk.quendolyn.history("").await, Vec::<String>::new());
    write(&desk.quendolyn, "Quendolyn", ADDRESS, "Me again").await;
    owner.get("/contacts?q=quendolyn").await.expect_text("Quendolyn").expect_no_text("Ash");
}

#[actix_web::test]
async fn an_interrupted_erasure_goes_on() {
    let desk = Desk::open().await;
    let Desk { app, owner, contact, .. } = &desk;
    let (files, away) = (app.dir.path().join("files"), app.dir.path().join("away"));
    std::fs::rename(&files, &away).unwrap();
    desk.erase().await;
    let page = owner.get(&format!("{contact}/erasure")).await;
    page.expect(200).expect_text("Not finished").expect_no_text("Receipt");
    assert_eq!(page.count("main progress"), 1, "it is tried again");
    owner.get(contact).await.expect(404);
    assert_eq!(owner.list("status=all&q=quendolyn").await, Vec::<i64>::new(), "nobody sees them any more");

    // Somebody still has the form open.
    owner.make_ticket_of(&[("title", "quendolyn after all"), ("conversationId", &desk.talk)]).await;

    let _ = std::fs::remove_dir_all(&files);
    std::fs::rename(&away, &files).unwrap();
    app.wait(Duration::from_secs(120));
    worker::run_due(&app.app).await.unwrap();
    let receipt = owner.get(&format!("{contact}/erasure")).await;
    receipt.expect_text("Receipt: person").expect_no_text("Not finished");
    let rows = receipt.texts(".numbers tr");
    assert!(rows.contains(&"Tickets6".to_owned()) && rows.contains(&"Files6".to_owned()), "{rows:?}");
    assert_eq!(places(app).await, Vec::<String>::new());
    assert_eq!(check(app, false).await.1, Vec::<String>::new());
}

#[actix_web::test]
async fn files_of_answers_to_a_form_go_from_its_tickets_too() {
    let server = MailServer::start();
    let app = TestApp::start_with(with_answers(&server)).await;
    let owner = mailing_owner(&app).await;
    let contact_form = owner.make_form("Contact").await;
    let asked = [("email", "vera@visitor.example"), ("message", "Do you repair lamps?")];
    app.stranger().visit(&contact_form, &asked).await.expect(303);
    let submission = owner.newest_submission().await;
    owner.post(&format!("/submissions/{submission}/messages"), &[("body", "We do.")]).await.expect(303);
    app.run_jobs().await;
    hand_over(&app, &answer_with_file(&mail_saying(&server, "We do."))).await.expect(204);
    let new = owner.get(&format!("/tickets/new?formSubmissionId={submission}")).await;
    let copy = new.value_of("input[name=copy][checked]");
    let number = owner.make_ticket_of(&[("title", "Lamps"), ("formSubmissionId", &submission), ("copy", &copy)]).await;
    owner.get(&format!("/tickets/{number}")).await.expect_text("quendolyn-map.csv");

    let hers = owner.make_ticket_of(&[("title", "Hers"), ("requesterEmail", ADDRESS)]).await;
    erase(&app, &owner, &of_ticket(&owner, hers).await).await;
    owner.get(&format!("/tickets/{number}")).await.expect_text("Lamps").expect_no_text("quendolyn");
    assert_eq!(app.stored_keys(), Vec::<String>::new());
    assert_eq!(check(&app, false).await.1, Vec::<String>::new());
}

#[actix_web::test]
async fn only_admins_erase_and_only_in_their_account() {
    let app = TestApp::start().await;
    let (owner, other) = (app.owner().await, app.owner().await);
    let number = owner.make_ticket_of(&[("title", "T"), ("requesterEmail", "ann@x.example")]).await;
    other.make_ticket_of(&[("title", "Of others"), ("requesterEmail", "ann@x.example")]).await;
    let contact = of_ticket(&owner, number).await;
    let editor = app.member(&owner, Role::Editor).await;
    editor.get(&contact).await.expect(200).expect_no_text("Erase this person");
    for path in ["erase", "erasure"].map(|page| format!("{contact}/{page}")) {
        editor.get(&path).await.expect(403);
        other.get(&path).await.expect(404);
    }
    for path in ["erase", "export.zip"].map(|page| format!("{contact}/{page}")) {
        editor.post(&path, &[]).await.expect(403);
        other.post(&path, &[]).await.expect(404);
    }
    owner.get(&format!("{contact}/erasure")).await.expect(404);
    owner.get(&contact).await.expect_text("Erase this person");

    let running = format!("{contact}/erasure");
    let shown = owner.get(&format!("{contact}/erase")).await.value("contacts");
    owner.post(&format!("{contact}/erase"), &[("contacts", "7")]).await.expect(409);
    for _ in 0..2 {
        owner.post(&format!("{contact}/erase"), &[("contacts", &shown)]).await.expect_redirect(&running);
    }
    owner.get("/settings/jobs").await.expect_text("Erasing a person").expect_no_text("Cancel<");
    assert_eq!(owner.get(&running).await.count("main progress"), 1);
    app.run_jobs().await;
    owner.get(&running).await.expect_text("Receipt: person");
    owner.post(&format!("{contact}/erase"), &[]).await.expect(404);
    assert_eq!(owner.get("/tickets?status=all").await.ticket_numbers(), Vec::<i64>::new());
    assert_eq!(other.list("status=all&q=from:ann").await.len(), 1, "nobody else’s");
    assert_eq!(check(&app, false).await.1, Vec::<String>::new());
}

/// The files of an archive by name.
fn unpack(answer: &Answer) -> Vec<(String, String)> {
    let mut zip = zip::ZipArchive::new(Cursor::new(&answer.bytes)).unwrap();
    let names: Vec<String> = (0..zip.len()).map(|at| zip.by_index(at).unwrap().name().unwrap().into_owned()).collect();
    let mut read = |name: &String| {
        let mut bytes = Vec::new();
        zip.by_name(name).unwrap().read_to_end(&mut bytes).unwrap();
        String::from_utf8_lossy(&bytes).into_owned()
    };
    names.iter().map(|name| (name.clone(), read(name))).collect()
}

#[actix_web::test]
async fn everything_of_a_person_is_in_one_archive() {
    let desk = Desk::open().await;
    let archive = desk.owner.post(&format!("{}/export.zip", desk.contact), &[]).await;
    archive.expect(200);
    desk.owner.get("/settings/audit").await.expect_text(&format!("downloaded everything of {ADDRESS}"));
    let files = unpack(&archive);
    let content = |name: &str| {
        let found = files.iter().find(|(known, _)| known == name);
        &found.unwrap_or_else(|| panic!("{name} in {:?}", files.iter().map(|file| &file.0).collect::<Vec<_>>())).1
    };
    for (name, texts) in [
        ("answers.jsonl", &["I am quendolyn, her neighbour"][..]),
        ("team/kept copies.jsonl", &["quendolyn wants a refund"]),
        ("person.json", &[ADDRESS, OTHER_ADDRESS, "Quendolyn Ash"][..]),
        ("conversations.jsonl", &[ADDRESS]),
        (
            "messages.jsonl",
            &[
                "quendolyn wants a refund",
                "Dear Quendolyn, it is on its way",
                "quendolyn says thanks",
                "Here is your quote",
            ],
        ),
        ("submissions.jsonl", &["quendolyn asks for a quote", "shop.example/quendolyn"]),
        ("team/notes on the person.jsonl", &["Be kind to quendolyn"]),
        ("team/tickets.jsonl", &["Refund for Quendolyn", "Quote for quendolyn", "Once about quendolyn"]),
        ("team/versions of notes.jsonl", &["First version", "Second version"]),
        ("team/history.jsonl", &["ticket.created", "ticket.notes_changed"]),
    ] {
        for text in texts {
            assert!(content(name).contains(text), "{text} in {name}: {}", content(name));
        }
        assert!(
            name.ends_with(".json")
                || content(name).lines().all(|line| serde_json::from_str::<serde_json::Value>(line).is_ok())
        );
    }
    let ends = |end: &str| files.iter().find(|(name, _)| name.ends_with(end)).unwrap_or_else(|| panic!("{end}"));
    assert!(ends("/message 2/quendolyn.csv").1.contains("quendolyn;2"));
    assert!(ends("/quendolyn.txt").0.starts_with("files/submission "));
    assert!(ends("/quendolyn-map.csv").0.starts_with("files/answer "));
    assert!(ends("/quendolyn.pdf").0.starts_with("team/files on ticket "));
    assert!(
        !files.iter().any(|(name, text)| !name.starts_with("team/") && text.contains("version about")),
        "what the team wrote stands apart"
    );
    assert!(!files.iter().any(|(_, text)| text.contains("Where is my parcel?")), "nothing of others");
}
