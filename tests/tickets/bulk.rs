//! One action on many tickets.

use crate::cli::{add_owner, signed_in};
use crate::search::{create, new_ticket};
use crate::support::process::Server;
use crate::support::smtp::MailServer;
use crate::support::{Answer, Person, TestApp, fresh_database};
use crate::upkeep::notices::with_mail;
use diesel::prelude::*;
use docket::accounts::role::Role;
use docket::db::schema::{bulk_results, events, jobs};
use docket::db::{Connection, Db};
use docket::events::actor::Actor;
use docket::events::event::Kind;
use docket::jobs::job::{Kind as JobKind, State};
use docket::tickets::create::create as create_ticket;
use docket::values::time;
use std::time::{Duration, Instant};
use tempfile::TempDir;

async fn act(person: &Person, numbers: &[i64], action: &str, value: &str) -> Answer {
    let numbers: Vec<String> = numbers.iter().map(ToString::to_string).collect();
    let mut fields: Vec<(&str, &str)> = numbers.iter().map(|number| ("numbers", number.as_str())).collect();
    fields.extend([("action", action), ("value", value)]);
    person.post("/tickets/bulk", &fields).await
}

/// What the message says, and the address of its undo button.
async fn outcome(person: &Person, sent: &Answer) -> (String, Option<String>) {
    let page = person.get(sent.expect(303).location()).await;
    (page.expect(200).texts(".flash p").join(""), page.attributes(".flash form", "action").into_iter().next())
}

#[actix_web::test]
async fn many_tickets_change_at_once_and_back() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let editor = app.member(&owner, Role::Editor).await;
    let editor_id = editor.id.to_string();
    for title in ["one", "two", "three", "four"] {
        owner.make_ticket(title).await;
    }
    owner.set_status(2, "closed").await.expect(303);
    for (action, value, said, list, listed, after) in [
        ("status", "closed", "2 tickets closed; 1 needed no change.", "status=closed", vec![1, 2, 3], vec![2]),
        ("assign", &editor_id, "3 tickets assigned to Max editor.", "status=all&assignee=2", vec![1, 2, 3], vec![]),
        ("tag", "Refund", "3 tickets tagged “refund”.", "status=all&tag=refund", vec![1, 2, 3], vec![]),
        ("delete", "", "3 tickets moved to the trash.", "status=all", vec![4], vec![1, 2, 3, 4]),
    ] {
        let list = list.replace("assignee=2", &format!("assignee={editor_id}"));
        let (text, undo) = outcome(&owner, &act(&owner, &[1, 2, 3], action, value).await).await;
        assert_eq!(text, said);
        let sorted = |mut numbers: Vec<i64>| {
            numbers.sort_unstable();
            numbers
        };
        assert_eq!(sorted(owner.list(&list).await), listed, "{action}");
        let (text, again) = outcome(&owner, &owner.post(&undo.unwrap(), &[]).await).await;
        assert!(text.starts_with("Undone for"), "{text}");
        assert_eq!(again, None);
        assert_eq!(sorted(owner.list(&list).await), after, "{action} undone");
    }
    owner.post("/tickets/1/tags", &[("add", "vip")]).await.expect(303);
    let (text, _) = outcome(&owner, &act(&owner, &[1, 2], "untag", "vip").await).await;
    assert_eq!(text, "Tag “vip” removed from 1 ticket; 1 needed no change.");
    act(&owner, &[], "status", "closed").await.expect(422);
    act(&owner, &[1], "explode", "").await.expect(422);
    act(&owner, &[1], "assign", "999").await.expect(404);
    assert_eq!(owner.list("status=closed").await, [2]);
}

#[actix_web::test]
async fn an_undo_leaves_alone_what_changed_since() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    for title in ["one", "two", "three"] {
        owner.make_ticket(title).await;
    }
    let (_, undo) = outcome(&owner, &act(&owner, &[1, 2, 3], "status", "closed").await).await;
    owner.set_status(2, "in_progress").await.expect(303);
    owner.post("/tickets/3/delete", &[]).await.expect(303);
    let undone = owner.post(&undo.clone().unwrap(), &[]).await;
    let page = owner.get(undone.expect(303).location()).await;
    assert_eq!(page.texts("main h1"), ["Undone for 1 ticket"]);
    let rows = page.texts(".rows li");
    assert_eq!(rows.len(), 3);
    assert!(rows.iter().any(|row| row.contains("#2") && row.contains("Changed again since")), "{rows:?}");
    assert!(rows.iter().any(|row| row.contains("#3") && row.contains("in the trash")), "{rows:?}");
    assert_eq!(owner.list("status=new").await, [1]);
    assert_eq!(owner.list("status=in_progress").await, [2]);
    owner.post(&undo.unwrap(), &[]).await.expect(409);
}

#[actix_web::test]
async fn all_that_match_change_if_there_are_as_many_as_the_page_said() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let texts = (1..=60).map(|number| (format!("lamp {number}"), String::new())).collect();
    create(&app, owner.id, texts).await;
    owner.make_ticket("chair").await;
    for list in ["q=lamp", "q=lamp&status=new", "assignee=none&status=new&q=lamp"] {
        let page = owner.get(&format!("/tickets?{list}&all=1")).await;
        assert_eq!(page.value_of("#bulk [name=expected]"), "60", "{list}");
        assert!(page.texts(".bulk-count")[0].starts_with("60 tickets"));
    }
    let send = |query: &'static str, expected: &'static str| {
        let fields = [("query", query), ("expected", expected), ("action", "tag"), ("value", "light")];
        let owner = owner.clone();
        async move { owner.post("/tickets/bulk", &fields).await }
    };
    send("q=lamp", "59").await.expect(409).expect_text("60 tickets match now, not 59");
    assert!(owner.list("tag=light").await.is_empty());
    let (text, _) = outcome(&owner, &send("q=lamp", "60").await).await;
    assert_eq!(text, "60 tickets tagged “light”.");
    // Closing what an open list shows changes the list while it is read.
    let fields = [("query", "status=open"), ("expected", "61"), ("action", "status"), ("value", "closed")];
    let (text, undo) = outcome(&owner, &owner.post("/tickets/bulk", &fields).await).await;
    assert_eq!(text, "61 tickets closed.");
    let (text, _) = outcome(&owner, &owner.post(&undo.unwrap(), &[]).await).await;
    assert_eq!(text, "Undone for 61 tickets.");
}

#[actix_web::test]
async fn many_tickets_are_a_job_and_one_mail() {
    let server = MailServer::start();
    let app = TestApp::start_with(with_mail(&server)).await;
    let owner = app.owner().await;
    let editor = app.member(&owner, Role::Editor).await;
    app.run_jobs().await;
    create(&app, owner.id, (1..=520).map(|number| (format!("t {number}"), String::new())).collect()).await;
    let editor_id = editor.id.to_string();
    let fields = [("query", ""), ("expected", "520"), ("action", "assign"), ("value", editor_id.as_str())];
    let sent = owner.post("/tickets/bulk", &fields).await;
    let path = sent.expect(303).location().to_owned();
    let page = owner.get(&path).await;
    page.expect(200).expect_text("0 of 520");
    owner.post(&format!("{path}/undo"), &[]).await.expect(409).expect_text("still being done");
    owner.post(&format!("{path}/cancel"), &[]).await.expect(303);
    app.run_jobs().await;
    owner.get(&path).await.expect_text("Stopped after 0 of 520");
    owner.post(&format!("{path}/resume"), &[]).await.expect(303);
    app.run_jobs().await;
    let page = owner.get(&path).await;
    assert_eq!(page.texts("main h1"), ["520 tickets assigned to Max editor"]);
    app.wait(Duration::from_secs(61));
    app.run_jobs().await;
    let mails = server.take();
    assert_eq!(mails.len(), 1, "{mails:?}");
    assert!(mails[0].contains("assigned 520 tickets to you"), "{}", mails[0]);
    // The change of a single ticket is told as before.
    owner.post("/tickets/7/assignee", &[("assignee", "")]).await.expect(303);
    owner.post("/tickets/7/assignee", &[("assignee", &editor_id)]).await.expect(303);
    app.wait(Duration::from_secs(61));
    app.run_jobs().await;
    assert_eq!(server.take().len(), 1);
}

/// The program is killed at random moments while it changes tickets.
#[actix_web::test]
async fn a_killed_bulk_action_changes_each_ticket_once() {
    let dir = TempDir::new().unwrap();
    let database = fresh_database(&dir);
    let id = add_owner(dir.path(), &database);
    let db = Db::open(&database).unwrap();
    // In short transactions: on Postgres, events of other tests wait for them.
    for part in 0..24 {
        let now = time::exact_utc(chrono::Utc::now());
        let write = move |conn: &mut Connection| {
            for index in 0..30 {
                let new = new_ticket(&format!("t {part} {index}"), "")?;
                create_ticket(conn, &Actor::system(id), &new, now)?;
            }
            Ok(())
        };
        db.write(write).await.unwrap();
    }
    drop(db);
    let mut server = Server::start(dir.path(), &database);
    let owner = signed_in(&server).await;
    let page = owner.get("/tickets?status=all&all=1").await;
    let expected = page.value_of("#bulk [name=expected]");
    let fields = [("query", "status=all"), ("expected", &expected), ("action", "tag"), ("value", "all of them")];
    owner.post("/tickets/bulk", &fields).await.expect(303);
    for _ in 0..4 {
        std::thread::sleep(Duration::from_millis(fastrand::u64(50..400)));
        server.child.kill().unwrap();
        server.child.wait().unwrap();
        let db = Db::open(&database).unwrap();
        // Leases end at once.
        db.write(|conn| {
            let open = jobs::table.filter(jobs::ended_at.is_null());
            diesel::update(open).set(jobs::due_at.eq(chrono::DateTime::UNIX_EPOCH.naive_utc())).execute(conn)?;
            Ok(())
        })
        .await
        .unwrap();
        drop(db);
        server = Server::start(dir.path(), &database);
    }
    let db = Db::open(&database).unwrap();
    let end = Instant::now() + Duration::from_secs(60);
    loop {
        let state: State = db
            .scan(|conn| Ok(jobs::table.filter(jobs::kind.eq(JobKind::Bulk)).select(jobs::state).first(conn)?))
            .await
            .unwrap();
        if state == State::Done {
            break;
        }
        assert!(Instant::now() < end, "{state:?}");
        actix_web::rt::time::sleep(Duration::from_millis(50)).await;
    }
    let read = |conn: &mut Connection| {
        let results: i64 = bulk_results::table.count().get_result(conn)?;
        let tagged =
            events::table.filter(events::kind.eq(Kind::TicketTagAdded)).select((events::data, events::subject));
        let tagged: Vec<(String, String)> = tagged.load(conn)?;
        let ours = tagged.into_iter().filter(|(data, _)| data.contains("\"bulk\"")).map(|(_, subject)| subject);
        Ok((results, ours.collect::<Vec<_>>()))
    };
    let (results, mut tagged) = db.scan(read).await.unwrap();
    assert_eq!((results, tagged.len()), (expected.parse().unwrap(), expected.parse().unwrap()));
    tagged.sort_unstable();
    tagged.dedup();
    assert_eq!(tagged.len().to_string(), expected, "no ticket was changed twice");
}
