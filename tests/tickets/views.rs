//! Saved views, the last list, and lists as files.

use crate::search::create;
use crate::support::TestApp;
use docket::accounts::role::Role;

const PLACES: &str = ".places li li a";

#[actix_web::test]
async fn a_view_is_saved_for_oneself_or_for_the_team() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let (editor, viewer) = (app.member(&owner, Role::Editor).await, app.member(&owner, Role::Viewer).await);
    let save = |name: &'static str, query: &'static str, shared: &'static str| {
        [("name", name), ("query", query), ("shared", shared)]
    };
    let saved = editor.post("/views", &save("Refunds", "tag=refund&sort=created&page=7", "1")).await;
    saved.expect_redirect("/tickets?tag=refund&sort=created");
    viewer.post("/views", &save("My own", "assignee=me", "")).await.expect(303);
    viewer.post("/views", &save("For all", "assignee=me", "1")).await.expect(403);
    assert!(owner.get("/tickets").await.texts(PLACES).contains(&"Refunds".into()));
    let page = viewer.get("/tickets?sort=created&tag=refund").await;
    let places = page.texts(PLACES);
    assert!(places.contains(&"Refunds".into()) && places.contains(&"My own".into()), "{places:?}");
    assert_eq!(page.texts(&format!("{PLACES}[aria-current=page]")), ["Refunds"]);
    assert!(!editor.get("/tickets").await.texts(PLACES).contains(&"My own".into()));

    // The same name again changes the view.
    editor.post("/views", &save("Refunds", "tag=money", "1")).await.expect_redirect("/tickets?tag=money");
    let page = editor.get("/views").await;
    assert_eq!(page.count("main .rows li"), 1);
    let delete = page.attribute("main .rows form", "action");
    viewer.post(&delete, &[]).await.expect(404);
    let deleted = editor.post(&delete, &[]).await;
    let page = editor.get(deleted.expect(303).location()).await;
    assert!(page.texts(PLACES).iter().all(|place| place != "Refunds"));
    editor.post(&page.attribute(".flash form", "action"), &[]).await.expect_redirect("/tickets?tag=money");
    assert!(viewer.get("/tickets").await.texts(PLACES).contains(&"Refunds".into()));
    editor.post("/views", &save(" ", "tag=money", "")).await.expect(422);
}

#[actix_web::test]
async fn the_last_list_is_where_one_comes_back_to() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let number = owner.make_ticket("a lamp").await;
    owner.get("/").await.expect_redirect("/tickets");
    owner.get("/tickets?status=closed").await.expect_text("No ticket is in this status");
    owner.get("/tickets?tag=a%20b&sort=created").await.expect(200);
    owner.get(&format!("/tickets/{number}")).await.expect(200);
    owner.get("/").await.expect_redirect("/tickets?tag=a+b&sort=created");
    owner.post(&format!("/tickets/{number}/delete"), &[]).await.expect_redirect("/tickets?tag=a+b&sort=created");
}

#[actix_web::test]
async fn a_list_is_downloaded_whole() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let texts =
        (1..=1_150).map(|number| (format!("t {number}"), "Ümläut, \"quoted\"\nsecond line".to_owned())).collect();
    create(&app, owner.id, texts).await;
    owner.make_ticket("=1+2").await;
    owner.post("/tickets/1151/tags", &[("add", "one, two")]).await.expect(303);
    owner.set_status(1, "closed").await.expect(303);

    let file = owner.get("/tickets.csv?status=all").await;
    assert_eq!(file.expect(200).header("content-type"), "text/csv; charset=utf-8");
    assert!(file.header("content-disposition").contains("tickets.csv"));
    let text = file.body.strip_prefix('\u{feff}').expect("a byte order mark");
    let mut table = csv::Reader::from_reader(text.as_bytes());
    let rows: Vec<csv::StringRecord> = table.records().map(Result::unwrap).collect();
    assert_eq!(rows.len(), 1_151);
    assert_eq!((&rows[0][0], &rows[0][1], &rows[0][3]), ("1151", "'=1+2", "one, two"));
    assert_eq!(&rows[1_150][15], "Ümläut, \"quoted\"\nsecond line");
    let numbers: Vec<i64> = rows.iter().map(|row| row[0].parse().unwrap()).collect();
    assert_eq!(numbers, (1..=1_151).rev().collect::<Vec<_>>());

    let file = owner.get("/tickets.jsonl?q=t&status=new").await;
    let lines: Vec<serde_json::Value> =
        file.expect(200).body.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 1_149);
    assert_eq!(lines[0]["number"], 1_150);
    assert_eq!(owner.get("/tickets.csv?tag=nobody").await.expect(200).body.lines().count(), 1, "only the head");
}
