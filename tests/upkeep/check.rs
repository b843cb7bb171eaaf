//! `docket check` finds problems, repairs what it can, and distinguishes an empty mount
//! from an empty store.

use crate::cli::{add_owner, docket, text};
use crate::support::chat::Visitor;
use crate::support::process::{Server, command, run};
use crate::support::{PASSWORD, Person, TestApp, files, fresh_database, process, unique};
use diesel::prelude::*;
use docket::app::App;
use docket::clock::Clock;
use docket::db::schema::{accounts, attachments, installation, messages, submissions, ticket_counts, tickets};
use docket::upkeep::check::Outcome;
use docket::upkeep::{check, janitor, marker};
use reqwest::Method;
use serde_json::json;
use std::path::PathBuf;
use std::time::Duration;
use tempfile::TempDir;

/// Runs a check and returns its outcome and output.
pub async fn check(app: &TestApp, repair: bool) -> (Outcome, Vec<String>) {
    let mut lines = Vec::new();
    let outcome = check::run(&app.app, repair, &mut |line| lines.push(line.to_owned())).await.unwrap();
    (outcome, lines)
}

fn path(app: &TestApp, key: &str) -> PathBuf {
    app.dir.path().join("files").join(key)
}

/// Expects exactly this problem, repairs it, and expects no further problem.
async fn mends(app: &TestApp, what: &str) {
    let (found, lines) = check(app, false).await;
    assert!(lines.len() == 1 && lines[0].contains(what), "{what}: {lines:?}");
    assert_eq!((found.found, found.left), (1, 1), "{lines:?}");
    let (mended, lines) = check(app, true).await;
    assert_eq!((mended.found, mended.left), (1, 0), "{lines:?}");
    let (clean, lines) = check(app, false).await;
    assert_eq!(clean.found, 0, "{lines:?}");
}

async fn desk() -> (TestApp, Person, i64) {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let number = owner.make_ticket("Invoice is wrong").await;
    owner.attach(number, &[("a.png", &files::png(1)), ("b.txt", b"text")]).await.expect(201);
    let (clean, lines) = check(&app, false).await;
    assert_eq!(clean, Outcome { files: 2, tickets: 1, found: 0, left: 0 }, "{lines:?}");
    (app, owner, number)
}

#[actix_web::test]
async fn what_can_be_mended_is_mended() {
    let (app, owner, number) = desk().await;

    std::fs::write(path(&app, &format!("tickets/{}/1234567890123.pdf", owner.id)), "orphan").unwrap();
    mends(&app, "has no row").await;

    let thumbnail = app.stored_keys().into_iter().find(|key| key.starts_with("thumbnails/")).unwrap();
    std::fs::remove_file(path(&app, &thumbnail)).unwrap();
    mends(&app, "thumbnail").await;
    assert!(path(&app, &thumbnail).exists());

    let half = path(&app, &format!("tickets/{}/1234567890123.pdf#1", owner.id));
    std::fs::write(&half, "half").unwrap();
    assert_eq!(check(&app, false).await.0.found, 0, "it may still be written");
    let old = std::time::SystemTime::now() - Duration::from_secs(3600);
    std::fs::File::options().write(true).open(&half).unwrap().set_modified(old).unwrap();
    mends(&app, "is incomplete").await;
    assert!(!half.exists());

    let change = |conn: &mut _| {
        diesel::update(attachments::table.filter(attachments::filename.eq("b.txt")))
            .set(attachments::state.eq("pending"))
            .execute(conn)?;
        Ok(())
    };
    app.app.db.write(change).await.unwrap();
    app.wait(Duration::from_secs(3600));
    let (found, lines) = check(&app, true).await;
    assert!(lines[0].contains("never finished"), "{lines:?}");
    // The second finding: search terms of the file name, which no ticket shows any more.
    assert_eq!((found.found, found.left), (2, 0), "{lines:?}");
    assert_eq!(app.stored_keys().len(), 2);

    let change = |conn: &mut _| {
        diesel::update(ticket_counts::table).set(ticket_counts::count.eq(7)).execute(conn)?;
        Ok(())
    };
    app.app.db.write(change).await.unwrap();
    let (found, lines) = check(&app, true).await;
    assert_eq!((found.found, found.left), (3, 0), "one for each status: {lines:?}");

    let change = |conn: &mut _| {
        diesel::update(accounts::table)
            .set((accounts::file_bytes.eq(1), accounts::last_ticket_number.eq(0)))
            .execute(conn)?;
        Ok(())
    };
    app.app.db.write(change).await.unwrap();
    let (found, lines) = check(&app, true).await;
    assert_eq!((found.found, found.left), (2, 0), "{lines:?}");

    let change = |conn: &mut _| {
        diesel::update(tickets::table).set(tickets::title.eq("Something else")).execute(conn)?;
        Ok(())
    };
    app.app.db.write(change).await.unwrap();
    mends(&app, "missing from the search index").await;
    assert_eq!(owner.list("q=something").await, [number]);

    let change = |conn: &mut _| {
        diesel::update(tickets::table).set(tickets::deleted_at.eq(chrono::Utc::now().naive_utc())).execute(conn)?;
        diesel::update(ticket_counts::table).set(ticket_counts::count.eq(0)).execute(conn)?;
        Ok(())
    };
    app.app.db.write(change).await.unwrap();
    mends(&app, "which is deleted").await;
}

/// The same words in another order are other words, and a message may have none.
#[actix_web::test]
async fn every_text_is_compared_with_the_search_index() {
    let (app, owner, _) = desk().await;
    let widget = owner.make_widget("Shop").await;
    let form = owner.make_form("Contact").await;
    let visitor = Visitor::new(&app.base, &widget);
    for body in ["?!", "red lamp, green lamp"] {
        let message = json!({ "id": unique("message"), "body": body });
        visitor.send(visitor.request(Method::POST, "/messages").json(&message)).await.expect(201);
    }
    app.stranger().visit(&form, &[("message", "big box, small box")]).await.expect(303);
    let (clean, lines) = check(&app, false).await;
    assert_eq!(clean.found, 0, "{lines:?}");

    let change = |conn: &mut _| {
        let message = messages::table.filter(messages::body.like("red%"));
        diesel::update(message).set(messages::body.eq("green lamp, red lamp")).execute(conn)?;
        Ok(())
    };
    app.app.db.write(change).await.unwrap();
    mends(&app, "message 2 of conversation").await;
    let change = |conn: &mut _| {
        let fields = r#"[["message","small box, big box"]]"#;
        diesel::update(submissions::table).set(submissions::fields.eq(fields)).execute(conn)?;
        Ok(())
    };
    app.app.db.write(change).await.unwrap();
    mends(&app, "submission").await;
    let change = |conn: &mut _| {
        diesel::update(tickets::table).set(tickets::title.eq("Wrong is invoice")).execute(conn)?;
        Ok(())
    };
    app.app.db.write(change).await.unwrap();
    mends(&app, "ticket #1 of account").await;
    assert_eq!(owner.list("q=%22wrong+is+invoice%22").await, [1]);
}

#[actix_web::test]
async fn what_is_lost_is_told_and_left_alone() {
    let (app, owner, _) = desk().await;
    let keys = app.stored_keys();
    let text = keys.iter().find(|key| key.ends_with(".txt")).unwrap();
    for (content, what) in [(Some("tex!"), "SHA-256"), (Some("longer"), "6 bytes instead of 4"), (None, "missing")] {
        match content {
            Some(content) => std::fs::write(path(&app, text), content).unwrap(),
            None => std::fs::remove_file(path(&app, text)).unwrap(),
        }
        let (outcome, lines) = check(&app, true).await;
        assert_eq!((outcome.found, outcome.left), (1, 1), "{lines:?}");
        assert!(lines[0].contains(what) && lines[0].contains("b.txt"), "{lines:?}");
    }
    std::fs::write(path(&app, text), "text").unwrap();
    let foreign = path(&app, &format!("tickets/{}/notes.md", owner.id));
    std::fs::write(&foreign, "somebody's").unwrap();
    let (outcome, lines) = check(&app, true).await;
    assert_eq!((outcome.left, lines[0].contains("not a Docket file")), (1, true), "{lines:?}");
    assert!(foreign.exists());
}

/// After restoring yesterday's database, today's files do not count as orphans.
#[actix_web::test]
async fn what_is_newer_than_the_database_is_left_alone() {
    let (app, owner, number) = desk().await;
    let newer = path(&app, &format!("tickets/{}/{}.pdf", owner.id, chrono::Utc::now().timestamp_millis() + 60_000));
    std::fs::write(&newer, "of a later state").unwrap();
    let (outcome, lines) = check(&app, true).await;
    assert_eq!((outcome.found, outcome.left), (1, 1), "{lines:?}");
    assert!(lines[0].contains("newer than the database"), "{lines:?}");
    assert!(newer.exists());
    assert_eq!(owner.list("q=invoice").await, [number]);
}

/// The disk is unmounted while the program runs: the program stores nothing in its place
/// and does not treat missing files as cleared.
#[actix_web::test]
async fn an_unmounted_store_takes_nothing_and_loses_nothing() {
    let (app, owner, number) = desk().await;
    let (store, away) = (app.dir.path().join("files"), app.dir.path().join("away"));
    let page = owner.get(&format!("/tickets/{number}")).await;
    let file = page.id_below("/attachments/");
    owner.post(&format!("/tickets/{number}/attachments/{file}/delete"), &[]).await.expect(303);
    app.wait(Duration::from_secs(31 * 24 * 3600));
    owner.sign_in(&owner.email, PASSWORD).await.expect(303);
    std::fs::rename(&store, &away).unwrap();
    std::fs::create_dir(&store).unwrap();
    owner.attach(number, &[("late.txt", b"late")]).await.expect(503);
    assert!(janitor::clear(&app.app).await.is_err());
    assert!(files::keys_below(&store).is_empty());
    std::fs::remove_dir(&store).unwrap();
    std::fs::rename(&away, &store).unwrap();
    owner.attach(number, &[("late.txt", b"late")]).await.expect(201);
    janitor::clear(&app.app).await.unwrap();
    let (outcome, lines) = check(&app, false).await;
    assert_eq!((outcome.found, outcome.files), (0, 2), "{lines:?}");
}

/// A store from a version without markers gets a marker and is not refused.
#[actix_web::test]
async fn a_store_from_before_there_were_markers_is_marked() {
    let (app, ..) = desk().await;
    let marker = marker::key(&app.app);
    std::fs::remove_file(path(&app, &marker)).unwrap();
    assert!(marker::look(&app.app).await.unwrap() != marker::Mount::Right, "one that is known and gone is missed");
    let forget = |conn: &mut _| {
        diesel::delete(installation::table).execute(conn)?;
        Ok(())
    };
    app.app.db.write(forget).await.unwrap();
    let again = App::open(app.app.config.clone(), Clock::system()).await.unwrap();
    assert_eq!(marker::look(&again).await.unwrap(), marker::Mount::Right);
    let marker = marker::key(&again);
    assert!(path(&app, &marker).exists());
}

/// Two databases on one store do not treat each other's files as orphans.
#[actix_web::test]
async fn a_neighbour_in_the_same_store_keeps_its_files() {
    let (app, ..) = desk().await;
    let folder = app.dir.path().join("files").display().to_string();
    let neighbour = TestApp::start_with(|config| config.storage_url = Some(format!("file:{folder}"))).await;
    let before = app.stored_keys();
    let (outcome, lines) = check(&neighbour, true).await;
    assert_eq!((outcome.found, outcome.left), (1, 1), "{lines:?}");
    assert!(lines[0].contains("another database"), "{lines:?}");
    assert_eq!(app.stored_keys(), before);
}

#[actix_web::test]
async fn an_empty_mount_is_told_from_an_empty_store() {
    let dir = TempDir::new().unwrap();
    let database = fresh_database(&dir);
    add_owner(dir.path(), &database);
    let (store, mounted) = (dir.path().join("files"), dir.path().join("elsewhere"));
    let sample = docket(dir.path(), &database, &["sample", "--account", "ana@example.com", "--tickets", "30"], "");
    assert!(sample.status.success(), "{}", text(&sample.stderr));
    let clean = docket(dir.path(), &database, &["check"], "");
    assert_eq!(clean.status.code(), Some(0), "{}", text(&clean.stdout));

    std::fs::rename(&store, &mounted).unwrap();
    let refused = run(command(dir.path(), &database), "");
    assert_eq!(refused.status.code(), Some(1));
    assert!(text(&refused.stderr).contains("Is the disk mounted"), "{}", text(&refused.stderr));
    let found = docket(dir.path(), &database, &["check"], "");
    assert_eq!(found.status.code(), Some(1));
    assert!(text(&found.stdout).contains("not mounted, or is a different one"), "{}", text(&found.stdout));
    assert!(text(&found.stderr).contains("docket check --repair"), "{}", text(&found.stderr));

    std::fs::remove_dir_all(&store).unwrap();
    std::fs::rename(&mounted, &store).unwrap();
    let server = Server::start(dir.path(), &database);
    let person = crate::cli::person(&server.base);
    person.get("/readyz").await.expect(200);
    // The store disappears while the program runs.
    std::fs::rename(&store, &mounted).unwrap();
    person.get("/readyz").await.expect(503);
    std::fs::rename(&mounted, &store).unwrap();
    person.get("/readyz").await.expect(200);

    // The files are really lost: the operator repairs the store, and the desk runs without them.
    drop(server);
    std::fs::remove_dir_all(&store).unwrap();
    let repaired = docket(dir.path(), &database, &["check", "--repair"], "");
    assert_eq!(repaired.status.code(), Some(1), "the files stay lost");
    assert!(text(&repaired.stdout).contains("is missing from the storage"));
    let _server = process::Server::start(dir.path(), &database);
}
