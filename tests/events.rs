//! The record of what happens: its order, and who reads it.

use crate::support::chat::Events;
use crate::support::program::Program;
use crate::support::{TestApp, database_url, fresh_database};
use diesel::connection::SimpleConnection;
use diesel::{Connection as _, PgConnection};
use docket::accounts::role::Role;
use docket::db::{DatabaseUrl, Db};
use docket::events::actor::Actor;
use docket::events::event::{Event, Kind};
use docket::events::feed;
use docket::tickets::tags;
use reqwest::Method;
use serde_json::json;
use std::collections::BTreeSet;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Longest time to wait for something that must happen.
const PATIENCE: Duration = Duration::from_secs(30);

/// Records an event whose subject is this word.
fn record(conn: &mut PgConnection, word: &str) {
    let insert = "INSERT INTO events (account_id, at, actor_kind, kind, subject, data, text, for_audit)
                  VALUES (1, now(), 'system', 'form.changed'";
    conn.batch_execute(&format!("{insert}, '{word}', '{{}}', '{{}}', true)")).unwrap();
}

/// A reader with its cursor, as every reader of events goes on.
struct Reader {
    db: Db,
    cursor: i64,
    read: Vec<String>,
}

impl Reader {
    /// Reads once. One event at a time, because every place between two is a cursor.
    async fn look(&mut self) -> &[String] {
        loop {
            let cursor = self.cursor;
            let batch = self.db.scan(move |conn| feed::after(conn, cursor, 1)).await.unwrap();
            let Some(event) = batch.events.into_iter().next() else { return &self.read };
            self.cursor = event.seq.unwrap();
            self.read.push(event.subject);
        }
    }

    /// Reads until these events have come. Other tests on the same server delay them.
    async fn expect(&mut self, words: &[&str]) {
        let end = Instant::now() + PATIENCE;
        while self.look().await.len() < words.len() && Instant::now() < end {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        assert_eq!(self.read, words);
        self.read.clear();
    }
}

/// Three connections to a new Postgres database with one account, and a reader.
async fn postgres(dir: &TempDir) -> Option<([PgConnection; 3], Reader)> {
    let database = fresh_database(dir);
    let DatabaseUrl::Postgres(_) = &database else { return None };
    let db = Db::open(&database).unwrap();
    let url = database_url(&database);
    let mut conns = [(); 3].map(|()| PgConnection::establish(&url).unwrap());
    let account = "INSERT INTO accounts (id, name, time_zone, last_ticket_number, conversation_url, submission_url,
                   created_at, file_bytes) VALUES (1, 'Ana', 'UTC', 0, '', '', now(), 0)";
    conns[0].batch_execute(account).unwrap();
    Some((conns, Reader { db, cursor: 0, read: Vec::new() }))
}

#[actix_web::test]
#[ignore = "needs Postgres"]
async fn no_reader_skips_an_event_that_is_committed_late() {
    let dir = TempDir::new().unwrap();
    let ([mut first, mut second, mut third], mut reader) = postgres(&dir).await.expect("DOCKET_TEST_POSTGRES");
    // The transaction that began first has the smaller number, the larger row id, and
    // commits last.
    first.batch_execute("BEGIN; SELECT pg_current_xact_id()").unwrap();
    second.batch_execute("BEGIN").unwrap();
    record(&mut second, "later transaction, earlier row");
    record(&mut first, "earlier transaction, later row");
    second.batch_execute("COMMIT").unwrap();
    assert!(reader.look().await.is_empty(), "its place is not final while the first transaction runs");
    first.batch_execute("COMMIT").unwrap();
    reader.expect(&["earlier transaction, later row", "later transaction, earlier row"]).await;

    // The reverse: the smaller number has the smaller row id and commits last.
    first.batch_execute("BEGIN").unwrap();
    second.batch_execute("BEGIN").unwrap();
    record(&mut first, "one");
    record(&mut second, "two");
    second.batch_execute("COMMIT").unwrap();
    assert!(reader.look().await.is_empty());
    first.batch_execute("COMMIT").unwrap();
    reader.expect(&["one", "two"]).await;

    // A long transaction that wrote before delays later events, and nothing else.
    third.batch_execute("BEGIN").unwrap();
    record(&mut third, "long");
    for word in ["a", "b"] {
        record(&mut first, word);
    }
    assert!(reader.look().await.is_empty());
    third.batch_execute("ROLLBACK").unwrap();
    reader.expect(&["a", "b"]).await;
}

#[actix_web::test]
#[ignore = "needs Postgres"]
async fn the_events_of_a_restored_dump_get_their_numbers() {
    let dir = TempDir::new().unwrap();
    let ([mut conn, ..], mut reader) = postgres(&dir).await.expect("DOCKET_TEST_POSTGRES");
    record(&mut conn, "restored");
    // In a younger cluster, the numbers of the old transactions are in the future.
    conn.batch_execute("UPDATE events SET tx = '900000000000000'").unwrap();
    reader.expect(&["restored"]).await;
    record(&mut conn, "new");
    reader.expect(&["new"]).await;
}

#[actix_web::test]
#[ignore = "needs Postgres"]
async fn a_number_is_not_given_again_after_a_purge() {
    let dir = TempDir::new().unwrap();
    let ([mut conn, ..], mut reader) = postgres(&dir).await.expect("DOCKET_TEST_POSTGRES");
    record(&mut conn, "one");
    record(&mut conn, "two");
    reader.expect(&["one", "two"]).await;
    conn.batch_execute("DELETE FROM events WHERE subject = 'two'").unwrap();
    record(&mut conn, "three");
    reader.expect(&["three"]).await;
}

/// All events after that number.
async fn all_after(app: &TestApp, seq: i64) -> Vec<Event> {
    app.numbered().await;
    app.app.db.scan(move |conn| feed::numbered_after(conn, seq, 1000)).await.unwrap()
}

/// Every change of state is one event, in the order of the changes.
#[actix_web::test]
async fn every_change_is_recorded_once_and_in_order() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let start = all_after(&app, 0).await.last().and_then(|event| event.seq).unwrap_or(0);
    let number = owner.make_ticket("Broken lamp").await;
    owner.set_status(number, "closed").await.expect(303);
    owner.write_notes(number, 1, "Sent a new one").await.expect(303);
    let form = owner.make_form("Contact").await;
    owner.visit(&form, &[("name", "Vera"), ("message", "Hello")]).await.expect(303);
    let id = owner.newest_submission().await;
    for action in ["spam", "spam", "not-spam", "delete", "restore"] {
        owner.post(&format!("/submissions/{id}/{action}"), &[]).await.expect(303);
    }
    owner.post(&format!("/tickets/{number}/delete"), &[]).await.expect(303);
    let events = all_after(&app, start).await;
    let kinds: Vec<&str> = events.iter().map(|event| event.kind.as_str()).collect();
    assert_eq!(
        kinds,
        [
            "ticket.created",
            "ticket.status_changed",
            "ticket.notes_changed",
            "form.created",
            "submission.created",
            "submission.marked_spam",
            "submission.unmarked_spam",
            "submission.deleted",
            "submission.restored",
            "ticket.deleted",
        ]
    );
    let sent = events.iter().find(|event| event.kind == Kind::SubmissionCreated).unwrap();
    assert_eq!((sent.actor_kind.as_str(), sent.text.actor.as_str(), sent.actor_id), ("visitor", "Vera", None));
    assert!(!sent.data.0.to_string().contains("Hello"), "personal text stands in one place");
}

#[actix_web::test]
async fn the_audit_log_says_who_did_what_to_people_keys_and_settings() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let editor = app.member(&owner, Role::Editor).await;
    owner.post(&format!("/settings/team/{}/role", editor.id), &[("role", "admin")]).await.expect(303);
    owner.make_key("=Shop").await;
    owner.post("/settings/keys/1/revoke", &[]).await.expect(303);
    app.stranger().sign_in(&owner.email, "wrong").await.expect(401);
    let ticket = owner.make_ticket("Not in this log").await;
    let page = owner.get("/settings/audit").await;
    let lines = page.expect(200).expect_no_text("Not in this log").texts(".rows .row-main");
    let expected = [
        "Somebody could not sign in as Olivia Owner",
        "Olivia Owner revoked the API key =Shop",
        "Olivia Owner created the API key =Shop",
        "Olivia Owner changed the role of Max editor from editor to admin",
    ];
    for (line, expected) in lines.iter().zip(expected) {
        assert!(line.starts_with(expected), "{line}");
    }
    let of_editor = owner.get(&format!("/settings/audit?actor={}", editor.id)).await.texts(".rows strong");
    assert!(!of_editor.is_empty() && of_editor.iter().all(|name| name == "Max editor"), "{of_editor:?}");
    let roles = owner.get("/settings/audit?kind=user.role_changed").await.texts(".rows .row");
    assert_eq!(roles.len(), 1);
    let file = owner.get("/settings/audit.csv?kind=key.created").await;
    let csv = file.expect(200).body.lines().map(str::to_owned).collect::<Vec<_>>();
    assert_eq!((csv.len(), csv[0].as_str()), (2, "\u{feff}at,actor,event,subject,description,place"));
    assert!(csv[1].ends_with(",Olivia Owner,key.created,1,created the API key =Shop,"), "{}", csv[1]);
    // The ticket itself stays.
    owner.get(&format!("/tickets/{ticket}")).await.expect(200);
}

#[actix_web::test]
async fn other_programs_read_events_on_from_where_they_were() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let program = Program::of(&app, &owner).await;
    let number = owner.make_ticket("Secret title").await;
    owner.set_status(number, "closed").await.expect(303);
    app.numbered().await;
    let all = program.get("/events").await.expect(200).json();
    let closed = &all["data"][1];
    assert_eq!(closed["kind"], "ticket.status_changed");
    assert_eq!(closed["subject"], json!({ "kind": "ticket", "id": number.to_string() }));
    assert_eq!(closed["data"], json!({ "from": "new", "to": "closed" }));
    assert_eq!(closed["actor"], json!({ "kind": "user", "id": owner.id, "name": "Olivia Owner" }));
    assert!(!all.to_string().contains("Secret") && !all.to_string().contains("key."), "{all}");
    let first = &all["data"][0]["seq"];
    let rest = program.get(&format!("/events?after={first}&limit=1")).await.expect(200).json();
    assert_eq!((&rest["data"][0]["seq"], &rest["next"]), (&closed["seq"], &closed["seq"]));
    let none = program.get(&format!("/events?after={}", closed["seq"])).await.expect(200).json();
    assert_eq!((&none["data"], &none["next"]), (&json!([]), &closed["seq"]));
    program.get("/events?limit=0").await.expect(422);
    let other = app.owner().await;
    let theirs = Program::of(&app, &other).await.get("/events").await.expect(200).json();
    assert_eq!(theirs["data"], json!([]), "another account has other events");
}

/// Open pages are told once that they have to load their data again, and not of each event.
#[actix_web::test]
async fn a_burst_is_one_message_for_open_pages() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let number = owner.make_ticket("Broken lamp").await;
    let mut desk = owner.live().await;
    let (account, now) = (owner.id, app.app.clock.now());
    let tags = (0..30).map(|index| format!("tag {index}")).collect();
    let burst = move |conn: &mut docket::db::Connection| {
        tags::change(conn, &Actor::system(account), number, &tags, &BTreeSet::new(), now)
    };
    assert_eq!(app.app.db.write(burst).await.unwrap().len(), 30);
    desk.until("resync").await;
    owner.set_status(number, "closed").await.expect(303);
    assert_eq!(desk.until("ticket").await["kind"], "ticket.status_changed", "{}", desk.raw);
}

/// A page that shows what has happened so far need not load its data again when its stream
/// begins.
#[actix_web::test]
async fn a_page_and_its_stream_say_up_to_which_event_they_are() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    owner.make_ticket("Broken lamp").await;
    let newest = all_after(&app, 0).await.last().and_then(|event| event.seq).unwrap();
    let end = Instant::now() + PATIENCE;
    while app.app.live.seq() < newest {
        assert!(Instant::now() < end, "the reader of events goes on");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(owner.get("/tickets").await.attribute("body", "data-seq"), newest.to_string());
    let mut stream = Events::read(owner.request(Method::GET, "/live").send().await.unwrap());
    assert_eq!(stream.until("resync").await["seq"], newest);
}
