//! Tickets: creating, changing status, notes, trash and restoring.

mod bulk;
mod create;
mod plans;
mod source_copy;
mod tags;
mod undo;
mod views;

use crate::support::{PASSWORD, Person, TestApp, queries};
use docket::accounts::role::Role;
use reqwest::Method;
use serde_json::Value;
use std::time::Duration;

#[actix_web::test]
async fn the_main_job() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let form = owner.make_form("Contact").await;
    let visitor = app.stranger();
    visitor.post(&form, &[("name", "Vera Visitor"), ("email", "vera@example.com"), ("message", "It broke")]).await;
    let id = owner.newest_submission().await;

    let page = owner.get(&format!("/tickets/new?formSubmissionId={id}")).await;
    page.expect(200).expect_text("value=\"Vera Visitor\"").expect_text("value=\"vera@example.com\"");
    assert!(owner.list("status=all").await.is_empty(), "a GET makes nothing");

    let request_id = page.value("requestId");
    let fields = [("title", "Vera Visitor"), ("formSubmissionId", &id), ("requestId", &request_id)];
    let made = owner.post("/tickets", &fields).await;
    made.expect_redirect("/tickets/1");
    let ticket = owner.get("/tickets/1").await;
    ticket.expect(200).expect_text("It broke").expect_text(&format!("/submissions/{id}"));

    owner.set_status(1, "in_progress").await.expect(303);
    owner.write_notes(1, 1, "Looked at it; see #1 and https://example.com/x").await.expect(303);
    owner.attach(1, &[("proof.txt", b"text")]).await.expect(201);
    owner.set_status(1, "closed").await.expect(303);
    assert!(owner.list("").await.is_empty(), "closed tickets are archived");
    assert_eq!(owner.list("q=looked").await, [1], "and found");
    let ticket = owner.get("/tickets/1").await;
    ticket.expect_text("href=\"https://example.com/x\"").expect_text("Resolved in").expect_text("proof.txt");
    ticket.expect_text("changed the status from “In progress” to “Closed”");
}

#[actix_web::test]
async fn one_request_makes_one_ticket_however_often_it_is_sent() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let fields = [("title", "Once"), ("requestId", "the same")];
    let sent = futures_util::future::join_all((0..10).map(|_| owner.post("/tickets", &fields))).await;
    for answer in sent {
        answer.expect_redirect("/tickets/1");
    }
    assert_eq!(owner.list("status=all").await, [1]);
    let other = owner.post("/tickets", &[("title", "Other"), ("requestId", "the same")]).await;
    other.expect(409).expect_text("value=\"Other\"").expect_text("#1");
    assert_eq!(owner.make_ticket("Next").await, 2, "refused requests use up no number");
}

#[actix_web::test]
async fn a_source_with_a_ticket_shows_it_first() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let source = [("title", "First"), ("conversationId", "elsewhere:1")];
    assert_eq!(owner.make_ticket_of(&source).await, 1);
    owner.get("/tickets/new?conversationId=elsewhere:1").await.expect_text("#1 First").expect_text("name=\"another\"");
    let again = [("title", "Second"), ("conversationId", "elsewhere:1"), ("requestId", "r2")];
    owner.post("/tickets", &again).await.expect(409).expect_text("#1 First").expect_text("value=\"Second\"");
    let another = [&again[..], &[("another", "1")]].concat();
    owner.post("/tickets", &another).await.expect_redirect("/tickets/2");
    owner.get("/tickets/2").await.expect_text("Same source").expect_text("#1 First");

    // Of concurrent requests for one source, only one creates a ticket without confirmation.
    let race = (0..6).map(|index| {
        let (owner, request) = (owner.clone(), format!("race {index}"));
        async move {
            let fields = [("title", "Race"), ("formSubmissionId", "elsewhere:2"), ("requestId", &request)];
            owner.post("/tickets", &fields).await.status
        }
    });
    let mut statuses = futures_util::future::join_all(race).await;
    statuses.sort_unstable();
    assert_eq!(statuses, [303, 409, 409, 409, 409, 409]);
}

#[actix_web::test]
async fn a_ticket_from_another_system_keeps_its_id_and_links_there() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let link = "/tickets/new?conversationId=clx1:abc-2&title=From%20chat&requesterEmail=a%40b.example&notes=Hi";
    let page = owner.get(link).await;
    page.expect(200)
        .expect_text("value=\"From chat\"")
        .expect_text("value=\"a@b.example\"")
        .expect_text("Hi</textarea>");
    let number = owner.make_ticket_of(&[("title", "From chat"), ("conversationId", "clx1:abc-2")]).await;
    owner.get(&format!("/tickets/{number}")).await.expect_text("is in another system").expect_text("clx1:abc-2");
    let settings = [("name", "Desk"), ("timeZone", "UTC"), ("conversationUrl", "https://chat.example/c/{id}")];
    owner.post("/settings", &settings).await.expect(303);
    owner.get(&format!("/tickets/{number}")).await.expect_text("href=\"https://chat.example/c/clx1:abc-2\"");
    for bad in ["..", "a b", "a/b"] {
        let fields = [("title", "x"), ("conversationId", bad), ("requestId", "r")];
        owner.post("/tickets", &fields).await.expect(422).expect_text("1 to 128 characters");
    }
}

#[actix_web::test]
async fn what_is_wrong_comes_back_with_what_was_typed() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let long = "x".repeat(201);
    let fields = [("title", long.as_str()), ("notes", "kept words"), ("requestId", "r")];
    owner.post("/tickets", &fields).await.expect(422).expect_text("longer than 200").expect_text("kept words");
    let number = owner.make_ticket(&"ü".repeat(200)).await;
    let title = owner.post(&format!("/tickets/{number}/title"), &[("title", " ")]).await;
    title.expect(422).expect_text("The title is missing");
    owner.set_status(number, "done").await.expect(422);
    owner.post(&format!("/tickets/{number}/assignee"), &[("assignee", "99999")]).await.expect(422);
    owner.post(&format!("/tickets/{number}/notes"), &[("version", "1")]).await.expect(422);
}

#[actix_web::test]
async fn a_change_of_status_names_who_was_first() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let editor = app.member(&owner, Role::Editor).await;
    let number = owner.make_ticket("Contested").await;
    editor.set_status(number, "in_progress").await.expect(303);
    let fields = [("status", "closed"), ("from", "new")];
    let stale = owner.post(&format!("/tickets/{number}/status"), &fields).await;
    stale.expect(409).expect_text("Max editor has set this ticket to “In progress”");
    let same = owner.post(&format!("/tickets/{number}/status"), &[("status", "in_progress"), ("from", "new")]).await;
    same.expect(303);
    let page = owner.get(&format!("/tickets/{number}")).await;
    assert_eq!(
        page.texts(".events li").iter().filter(|line| line.contains("changed the status")).count(),
        1,
        "the same status again changes nothing"
    );
}

#[actix_web::test]
async fn closing_and_reopening_keep_the_times() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let number = owner.make_ticket("Times").await;
    app.wait(Duration::from_secs(2 * 3600));
    owner.set_status(number, "closed").await;
    owner.get(&format!("/tickets/{number}")).await.expect_text("2 h 0 min");
    owner.set_status(number, "in_progress").await;
    let open = owner.get(&format!("/tickets/{number}")).await;
    open.expect_no_text("Resolved in").expect_text("First closed").expect_text("1 ×");
    app.wait(Duration::from_secs(24 * 3600));
    owner.set_status(number, "closed").await;
    owner.get(&format!("/tickets/{number}")).await.expect_text("1 d 2 h").expect_text("First closed");
}

#[actix_web::test]
async fn numbers_count_up_and_are_never_used_again() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let made = futures_util::future::join_all((0..30).map(|index| {
        let owner = owner.clone();
        async move { owner.make_ticket(&format!("Ticket {index}")).await }
    }));
    let mut numbers = made.await;
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=30).collect::<Vec<i64>>());
    owner.post("/tickets/30/delete", &[]).await.expect(303);
    assert_eq!(owner.make_ticket("After").await, 31);
    assert_eq!(app.owner().await.make_ticket("Elsewhere").await, 1, "each account counts for itself");
}

#[actix_web::test]
async fn the_trash_gives_tickets_back_and_empties_itself() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let number = owner.make_ticket("Thrown away").await;
    let file = owner.attach(number, &[("a.txt", b"text")]).await.json()["data"][0]["url"].as_str().unwrap().to_owned();
    let deleted = owner.post(&format!("/tickets/{number}/delete"), &[]).await;
    deleted.expect_redirect("/tickets");
    let list = owner.get("/tickets").await;
    list.expect_text("moved to the trash").expect_text("action=\"/undo?event=");
    list.expect_no_text("Thrown away");
    assert!(owner.list("q=thrown").await.is_empty());
    owner.get(&format!("/tickets/{number}")).await.expect(404).expect_text("in the trash");
    owner.set_status(number, "closed").await.expect(404);
    owner.get("/trash").await.expect_text("Thrown away").expect_text("a.txt");
    owner.get(&file).await.expect(200);
    owner.post(&format!("/tickets/{number}/restore"), &[]).await.expect(303);
    assert_eq!(owner.list("q=thrown").await, [number]);

    owner.post(&format!("/tickets/{number}/delete"), &[]).await;
    assert_eq!(app.stored_keys().len(), 1);
    app.wait(Duration::from_secs(31 * 24 * 3600));
    docket::upkeep::janitor::clear(&app.app).await.unwrap();
    assert!(app.stored_keys().is_empty());
    owner.sign_in(&owner.email, crate::support::PASSWORD).await;
    owner.get("/trash").await.expect_text("The trash is empty");
}

#[actix_web::test]
async fn lists_show_statuses_counts_and_filters() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let editor = app.member(&owner, Role::Editor).await;
    for title in ["one", "two", "three", "four"] {
        owner.make_ticket(title).await;
        app.wait(Duration::from_secs(1));
    }
    owner.set_status(2, "in_progress").await;
    app.wait(Duration::from_secs(1));
    owner.set_status(3, "closed").await;
    owner.post("/tickets/1/assignee", &[("assignee", &editor.id.to_string())]).await.expect(303);
    owner.post("/tickets/4/tags", &[("add", "Refund, Billing")]).await.expect(303);
    assert_eq!(owner.list("sort=created").await, [4, 2, 1]);
    assert_eq!(owner.list("status=new&sort=created").await, [4, 1]);
    assert_eq!(owner.list("status=in_progress").await, [2]);
    assert_eq!(owner.list("status=closed&sort=closed").await, [3]);
    assert_eq!(owner.list("status=all&sort=created").await, [4, 3, 2, 1]);
    assert_eq!(owner.list("tag=billing").await, [4]);
    assert_eq!(editor.list("assignee=me").await, [1]);
    assert_eq!(owner.list("assignee=none&sort=created").await, [4, 2]);
    assert_eq!(owner.list("source=chat").await, Vec::<i64>::new());
    let page = owner.get("/tickets").await;
    let tabs = page.texts(".tabs a");
    assert!(tabs.contains(&"Open 3".into()) && tabs.contains(&"Closed 1".into()), "{tabs:?}");
    owner.post("/tickets/4/tags", &[("remove", "billing")]).await.expect(303);
    assert!(owner.list("tag=billing").await.is_empty());
}

/// Every pair of filters in every order shows what a plain look at all tickets shows.
#[actix_web::test]
async fn filters_narrow_a_list_in_every_pair() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    for index in 1..=24 {
        let source = format!("source-{index}");
        let mut fields = vec![("title", "Pairs")];
        match index % 3 {
            0 => fields.push(("conversationId", &source)),
            1 => fields.push(("formSubmissionId", &source)),
            _ => {}
        }
        owner.make_ticket_of(&fields).await;
        app.wait(Duration::from_secs(1));
    }
    let me = owner.id.to_string();
    for index in [5, 6, 7, 8, 13, 14, 15, 20, 21, 3] {
        owner.post(&format!("/tickets/{index}/assignee"), &[("assignee", &me)]).await.expect(303);
        app.wait(Duration::from_secs(1));
    }
    for index in [2, 3, 7, 13, 20, 24, 9] {
        owner.post(&format!("/tickets/{index}/tags"), &[("add", "vip")]).await.expect(303);
        app.wait(Duration::from_secs(1));
    }
    for index in [7, 20, 1, 9, 15] {
        owner.set_status(index, "closed").await.expect(303);
        app.wait(Duration::from_secs(1));
    }
    let key = owner.make_key("Reader").await;
    let request = app.stranger().request(Method::GET, "/api/v1/tickets?limit=100").bearer_auth(&key);
    let all = app.stranger().send(request).await.expect(200).json();
    let all = all["data"].as_array().unwrap();
    assert_eq!(all.len(), 24);
    type Filter<'a> = (&'a str, &'a dyn Fn(&Value) -> bool);
    let statuses: [Filter; 3] = [
        ("", &|row| row["status"] != "closed"),
        ("status=all", &|_| true),
        ("status=closed", &|row| row["status"] == "closed"),
    ];
    let assignees: [Filter; 3] = [
        ("", &|_| true),
        ("assignee=me", &|row| row["assigneeId"] == owner.id),
        ("assignee=none", &|row| row["assigneeId"].is_null()),
    ];
    let sources: [Filter; 3] = [
        ("", &|_| true),
        ("source=chat", &|row| row["conversationId"].is_string()),
        ("source=none", &|row| row["conversationId"].is_null() && row["formSubmissionId"].is_null()),
    ];
    let tags: [Filter; 2] = [("", &|_| true), ("tag=vip", &|row| row["tags"][0] == "vip")];
    for (sort, time) in [("", "updatedAt"), ("sort=created", "createdAt"), ("sort=closed", "closedAt")] {
        for (status, is_status) in statuses {
            for (assignee, is_assignee) in assignees {
                for (source, is_source) in sources {
                    for (tag, is_tag) in tags {
                        let wanted = |row: &&Value| {
                            row[time].is_string() && is_status(row) && is_assignee(row) && is_source(row) && is_tag(row)
                        };
                        let mut expected: Vec<&Value> = all.iter().filter(wanted).collect();
                        expected.sort_by_key(|row| std::cmp::Reverse((row[time].as_str(), row["number"].as_i64())));
                        let expected: Vec<i64> = expected.iter().filter_map(|row| row["number"].as_i64()).collect();
                        let query = [status, assignee, source, tag, sort].join("&");
                        assert_eq!(owner.list(&query).await, expected, "{query}");
                        // The same by operators.
                        let words = [status, assignee, tag].join(" ").replace('=', ":");
                        let words = form_urlencoded::byte_serialize(words.trim().as_bytes()).collect::<String>();
                        if status == "status=all" && !words.is_empty() && sort == "sort=created" {
                            assert_eq!(owner.list(&format!("q={words}&{source}&{sort}")).await, expected, "{words}");
                        }
                    }
                }
            }
        }
    }
}

#[actix_web::test]
async fn a_number_leads_to_its_ticket() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let number = owner.make_ticket("Numbered").await;
    owner.get(&format!("/tickets?q=%23{number}")).await.expect_redirect(&format!("/tickets/{number}"));
    owner.get("/tickets?q=%2399").await.expect(200).expect_text("Nothing found");
    app.owner().await.get(&format!("/tickets?q=%23{number}")).await.expect(200);
}

#[actix_web::test]
async fn long_lists_have_pages_that_lead_back() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    for index in 0..120 {
        owner.make_ticket(&format!("Ticket {index}")).await;
    }
    let mut seen = Vec::new();
    let mut path = "/tickets?sort=created".to_owned();
    let mut pages = 0;
    loop {
        let page = owner.get(&path).await;
        seen.extend(page.expect(200).ticket_numbers());
        pages += 1;
        if page.count("[rel=next]") == 0 {
            let back = owner.get(&page.attribute("[rel=prev]", "href")).await;
            assert_eq!(back.ticket_numbers(), (21..=70).rev().collect::<Vec<i64>>());
            break;
        }
        path = page.attribute("[rel=next]", "href");
    }
    assert_eq!(pages, 3);
    assert_eq!(seen, (1..=120).rev().collect::<Vec<i64>>());
}

#[actix_web::test]
async fn a_link_of_another_system_survives_signing_in() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let pattern = ("conversationUrl", "https://crm.example/c/{id}");
    owner.post("/settings", &[("name", "Desk"), ("timeZone", "UTC"), pattern]).await.expect(303);
    let link = "/tickets/new?conversationId=crm%3A77.a_B-9&title=50%25%20off%20%26%20more&notes=line%201%0Aline%202%20%F0%9F%92%A1&requesterName=Vera%20%3CB%3E&requesterEmail=vera%2Bx%40example.com";
    let stranger = app.stranger();
    let turned_away = stranger.get(link).await;
    let sign_in = stranger.get(turned_away.expect(303).header("location")).await;
    let next = sign_in.expect(200).value("next");
    assert_eq!(next, link, "all of it, as it was written");
    let fields = [("email", owner.email.as_str()), ("password", PASSWORD), ("next", &next)];
    let back = stranger.post("/login", &fields).await;
    let form = stranger.get(back.expect(303).header("location")).await;
    form.expect(200)
        .expect_text("conversation crm:77.a_B-9")
        .expect_text("50% off &#38; more")
        .expect_text("line 1\nline 2 💡");
    form.expect_text("Vera &#60;B&#62;").expect_text("vera+x@example.com");
    owner.get("/tickets?status=all").await.expect_no_text("50% off");
    let number = owner.make_ticket_of(&[("title", "Taken over"), ("conversationId", "crm:77.a_B-9")]).await;
    let ticket = owner.get(&format!("/tickets/{number}")).await;
    ticket.expect_text("href=\"https://crm.example/c/crm:77.a_B-9\"").expect_text("crm:77.a_B-9");
}

/// The number of queries for a page with warm connections.
async fn queries_of(app: &TestApp, person: &Person, path: &str) -> usize {
    person.get(path).await.expect(200);
    let database = app.app.config.database();
    let before = queries::count(&database);
    person.get(path).await.expect(200);
    queries::count(&database) - before
}

#[actix_web::test]
async fn pages_ask_the_same_few_questions_however_much_there_is() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let number = owner.make_ticket_of(&[("title", "First"), ("conversationId", "x")]).await;
    let ticket = format!("/tickets/{number}");
    let few = (queries_of(&app, &owner, "/tickets?status=all").await, queries_of(&app, &owner, &ticket).await);
    for index in 0..40 {
        let other = owner.make_ticket(&format!("Ticket {index}")).await;
        owner.post(&format!("/tickets/{other}/tags"), &[("add", &format!("tag {index}"))]).await;
    }
    for index in 0..8 {
        owner.attach(number, &[(&format!("{index}.txt"), b"text")]).await.expect(201);
        owner.post(&format!("{ticket}/tags"), &[("add", &format!("tag {index}"))]).await;
        app.member(&owner, Role::Editor).await;
    }
    let many = (queries_of(&app, &owner, "/tickets?status=all").await, queries_of(&app, &owner, &ticket).await);
    assert_eq!(few, many);
    assert!(many.0 <= 7 && many.1 <= 12 && many.0 > 0, "{many:?}");
}

mod notes {
    use super::*;

    #[actix_web::test]
    async fn of_two_who_save_none_loses_a_word() {
        let app = TestApp::start().await;
        let owner = app.owner().await;
        let editor = app.member(&owner, Role::Editor).await;
        let number = owner.make_ticket("Shared").await;
        editor.write_notes(number, 1, "Theirs\n").await.expect(303);
        let conflict = owner.write_notes(number, 1, "Mine").await;
        conflict
            .expect(409)
            .expect_text("Theirs")
            .expect_text("Mine")
            .expect_text("Max editor saved these notes while you were editing");
        conflict.expect_text("Theirs\nMine");
        let version = conflict.value("version").parse().unwrap();
        owner.write_notes(number, version, "Theirs and mine").await.expect(303);
        let page = owner.get(&format!("/tickets/{number}/notes/revisions")).await;
        page.expect_text("Version 2").expect_text("Version 3").expect_text("Max editor");
        owner.get(&format!("/tickets/{number}/notes/revisions/2")).await.expect_text("Theirs");
        owner.get(&format!("/tickets/{number}/notes/revisions/9")).await.expect(404);
    }

    #[actix_web::test]
    async fn a_line_never_conflicts() {
        let app = TestApp::start().await;
        let owner = app.owner().await;
        let number = owner.make_ticket("Lines").await;
        let path = format!("/tickets/{number}/notes/append");
        let lines: Vec<String> = (0..10).map(|index| format!("line {index}")).collect();
        let sent = lines.iter().map(|line| {
            let (owner, path, line) = (owner.clone(), path.clone(), line.clone());
            async move { owner.post(&path, &[("line", &line)]).await.status }
        });
        assert_eq!(futures_util::future::join_all(sent).await, [303; 10]);
        let page = owner.get(&format!("/tickets/{number}")).await;
        for line in &lines {
            page.expect_text(line);
        }
        assert!(page.body.matches("Olivia Owner, ").count() >= 10, "each is signed and dated");
        owner.post(&path, &[("line", "  ")]).await.expect(422).expect_text("Enter a note");
    }

    /// A save that empties the notes is a version like any other.
    #[actix_web::test]
    async fn every_save_is_read_again_and_restored() {
        let app = TestApp::start().await;
        let owner = app.owner().await;
        let editor = app.member(&owner, Role::Editor).await;
        let number = owner.make_ticket("Revisions").await;
        let texts = ["first\nsecond é\nthird", "first\nsecond è and more\nthird", ""];
        for (version, text) in (1..).zip(texts) {
            owner.write_notes(number, version, text).await.expect(303);
            app.wait(Duration::from_secs(3 * 60));
        }
        editor.write_notes(number, 4, "Hers").await.expect(303);
        let revisions = format!("/tickets/{number}/notes/revisions");
        let page = owner.get(&revisions).await;
        // One sitting of each author, the latest first.
        let sittings = page.texts(".sitting");
        assert!(sittings.len() == 2 && sittings[0].starts_with("Max editor"), "{sittings:?}");
        assert!(["Version 2", "Version 3", "Version 4"].iter().all(|save| sittings[1].contains(save)), "{sittings:?}");
        let shown = owner.get(&format!("{revisions}/3")).await;
        assert_eq!(shown.texts(".difference del"), ["second é"]);
        assert_eq!(shown.texts(".difference ins"), ["second è and more"]);
        assert_eq!(shown.texts(".difference mark").concat(), "éè and more");
        owner.get(&format!("{revisions}/4")).await.expect_text("The notes were empty.");
        owner.get(&format!("{revisions}/1")).await.expect(404);
        for (version, text) in (2..).zip(texts) {
            let words = text.replace('\n', " ");
            assert_eq!(owner.get(&format!("{revisions}/{version}")).await.texts(".prose").concat(), words);
            let back = owner.post(&format!("{revisions}/{version}/restore"), &[]).await;
            back.expect_redirect(&format!("/tickets/{number}#notes"));
            let page = owner.get(&format!("/tickets/{number}")).await;
            assert_eq!(page.texts("#notes .prose").concat(), words);
            page.expect_text(&format!("Version {version} of the notes restored."));
        }
        // To undo it is to restore the version before: the second text.
        owner.post(&format!("{revisions}/7/restore"), &[]).await.expect(303);
        let page = owner.get(&format!("/tickets/{number}")).await;
        let undo = page.attribute(".flash form", "action");
        owner.post(&undo, &[]).await.expect(303);
        assert_eq!(owner.get(&format!("/tickets/{number}")).await.texts("#notes .prose").concat(), "");
        owner.post(&format!("{revisions}/99/restore"), &[]).await.expect(404);
        let viewer = app.member(&owner, Role::Viewer).await;
        viewer.post(&format!("{revisions}/2/restore"), &[]).await.expect(403);
        viewer.get(&format!("{revisions}/2")).await.expect(200);
    }

    /// Most versions are stored as differences; every 50th is whole.
    #[actix_web::test]
    async fn a_long_history_is_read_page_by_page() {
        let app = TestApp::start().await;
        let owner = app.owner().await;
        let number = owner.make_ticket("Long history").await;
        for version in 1..=220 {
            let lines: Vec<String> = (0..=version).map(|line| format!("line {line} ✓")).collect();
            owner.write_notes(number, version, &lines.join("\n")).await.expect(303);
        }
        let revisions = format!("/tickets/{number}/notes/revisions");
        for version in [2, 49, 50, 51, 99, 101, 221] {
            let text = owner.get(&format!("{revisions}/{version}")).await.texts(".prose").concat();
            assert_eq!(text.matches("line").count(), version, "of version {version}");
            assert!(text.ends_with(&format!("line {} ✓", version - 1)), "{text}");
        }
        let first = owner.get(&revisions).await;
        first.expect_text(&format!("{revisions}/221")).expect_text("217 unchanged lines");
        let older = first.attribute("nav .button", "href");
        let second = owner.get(&older).await;
        assert_eq!((first.texts(".sitting li").len(), second.texts(".sitting li").len()), (200, 20));
    }

    #[actix_web::test]
    async fn to_keep_both_repeats_no_shared_line() {
        let app = TestApp::start().await;
        let owner = app.owner().await;
        let editor = app.member(&owner, Role::Editor).await;
        let number = owner.make_ticket_of(&[("title", "Shared"), ("notes", "one\ntwo\nthree")]).await;
        editor.write_notes(number, 1, "one\ntwo\nthree\ntheirs").await.expect(303);
        let conflict = owner.write_notes(number, 1, "ONE\ntwo\nthree\nmine").await;
        let both = conflict.expect(409).value_of("form:last-of-type textarea");
        assert_eq!(both, "ONE\ntwo\nthree\ntheirs\nmine");
    }

    #[actix_web::test]
    async fn their_length_is_counted_in_characters() {
        let app = TestApp::start().await;
        let owner = app.owner().await;
        let number = owner.make_ticket("Long").await;
        let notes = "ä\r\n".repeat(50_000);
        owner.write_notes(number, 1, &notes).await.expect(303);
        let over = owner.write_notes(number, 2, &format!("{notes}x")).await;
        over.expect(422).expect_text("longer than 100000 characters");
        over.expect_text("name=\"version\" value=\"2\"");
        let page = owner.get(&format!("/tickets/{number}")).await;
        assert!(page.body.contains(&"ä\n".repeat(50_000)));
        // A refused form keeps the version on which the text is based.
        owner
            .write_notes(number, 1, &format!("{notes}x"))
            .await
            .expect(422)
            .expect_text("name=\"version\" value=\"1\"");
    }

    #[actix_web::test]
    async fn an_expired_session_gives_the_text_back() {
        let app = TestApp::start().await;
        let owner = app.owner().await;
        let number = owner.make_ticket("Expired").await;
        app.wait(Duration::from_secs(15 * 24 * 3600));
        let refused = owner.write_notes(number, 1, "Half an hour\nof work & <care>").await;
        refused.expect(401).expect_text("Half an hour\nof work &#38; &#60;care&#62;").expect_text("It isn’t saved yet");
        let [next, path, version] = ["next", "keptPath", "kept.version"].map(|name| refused.value(name));
        let fields = [
            ("email", owner.email.as_str()),
            ("password", crate::support::PASSWORD),
            ("next", &next),
            ("keptPath", &path),
            ("kept.version", &version),
            ("kept.notes", "Half an hour\nof work & <care>"),
        ];
        let back = owner.post("/login", &fields).await;
        back.expect(200).expect_text("not saved yet");
        assert_eq!(back.value("notes"), "Half an hour\nof work & <care>");
        owner.get(&format!("/tickets/{number}")).await.expect_no_text("Half an hour");
        let (path, version) = (back.attribute("form[data-kept]", "action"), back.value("version"));
        let saved = [("notes", "Half an hour\nof work & <care>"), ("version", &version)];
        owner.post(&path, &saved).await.expect(303);
        owner.get(&format!("/tickets/{number}")).await.expect_text("Half an hour");
    }
}

#[actix_web::test]
async fn times_are_shown_in_the_readers_zone() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let number = owner.make_ticket("Zones").await;
    owner.post("/profile", &[("name", "Olivia"), ("timeZone", "Asia/Tokyo")]).await.expect(303);
    let page = owner.get(&format!("/tickets/{number}")).await;
    let iso: chrono::DateTime<chrono::Utc> = page.attribute("time", "datetime").parse().unwrap();
    let tokyo = iso.with_timezone(&chrono_tz::Asia::Tokyo).format("%-d %b %Y, %H:%M").to_string();
    page.expect_text(&tokyo);
    let unknown = owner.post("/profile", &[("name", "Olivia"), ("timeZone", "Mars/Base")]).await;
    unknown.expect(422).expect_text("Unknown time zone");
}

#[actix_web::test]
async fn tags_are_what_one_can_remove_again() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let number = owner.make_ticket("Tags").await;
    let path = format!("/tickets/{number}/tags");
    owner.post(&path, &[("add", "#Bug, bug , BUG"), ("add", "# crash")]).await.expect(303);
    let page = owner.get(&format!("/tickets/{number}")).await;
    page.expect_text("Remove the tag bug").expect_text("Remove the tag crash");
    assert_eq!(page.count("[aria-label^='Remove the tag']"), 2);
    owner.post(&path, &[("add", "#")]).await.expect(422).expect_text("The tag is missing");
    owner.post(&path, &[("add", &"t,".repeat(60))]).await.expect(303);
    let many: Vec<String> = (0..60).map(|index| format!("t{index}")).collect();
    owner.post(&path, &[("add", &many.join(","))]).await.expect(422);
    owner.post(&path, &[("remove", "bug"), ("remove", "crash"), ("remove", "t")]).await.expect(303);
    owner.get(&format!("/tickets/{number}")).await.expect_no_text("Remove the tag");
}

#[actix_web::test]
async fn history_tells_every_change_in_a_sentence() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let number = owner.make_ticket("Lamp flickers").await;
    let path = format!("/tickets/{number}");
    let post = async |form: &str, fields: &[(&str, &str)]| {
        owner.post(&format!("{path}/{form}"), fields).await.expect(303);
    };
    post("title", &[("title", "The lamp flickers")]).await;
    post("tags", &[("add", "bug")]).await;
    post("tags", &[("remove", "bug")]).await;
    post("assignee", &[("assignee", &owner.id.to_string())]).await;
    post("assignee", &[("assignee", "")]).await;
    post("notes", &[("notes", "Seen it."), ("version", "1")]).await;
    owner.attach(number, &[("lamp.txt", b"on, off")]).await.expect(201);
    let file = owner.get(&path).await.id_below(&format!("{path}/attachments/"));
    post(&format!("attachments/{file}/rename"), &[("filename", "flicker.txt")]).await;
    post(&format!("attachments/{file}/delete"), &[]).await;
    post("status", &[("status", "closed")]).await;
    post("delete", &[]).await;
    post("restore", &[]).await;
    let lines = owner.get(&path).await.texts(".events li");
    // Removes the times.
    let lines: Vec<&str> = lines.iter().map(|line| line.rsplitn(5, ' ').last().unwrap()).collect();
    insta::assert_snapshot!("history", lines.join("\n"));
}

#[actix_web::test]
async fn the_requester_can_be_corrected_and_that_undone() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let ticket = [("title", "Lamp"), ("requesterName", "Vera <V>"), ("requesterEmail", "vera@example.com")];
    let number = owner.make_ticket_of(&ticket).await;
    let path = format!("/tickets/{number}/requester");
    let change =
        async |name: &str, email: &str| owner.post(&path, &[("requesterName", name), ("requesterEmail", email)]).await;
    change("Ana", "not an address").await.expect(422).expect_text("isn’t valid").expect_text("not an address");
    change("  Ana  Lima ", "ana@example.com").await.expect_redirect(&format!("/tickets/{number}"));
    let page = owner.get(&format!("/tickets/{number}")).await;
    let change_of = "changed the requester from Vera <V> <vera@example.com> to Ana Lima <ana@example.com>";
    assert!(page.texts(".events li")[0].contains(change_of));
    assert_eq!(owner.list("q=ana").await, [number]);
    assert!(owner.list("q=vera").await.is_empty());

    let undo = page.attribute(".flash form", "action");
    owner.post(&undo, &[]).await.expect(303);
    let page = owner.get(&format!("/tickets/{number}")).await;
    assert_eq!([page.value("requesterName"), page.value("requesterEmail")], ["Vera <V>", "vera@example.com"]);

    change("", "").await.expect(303);
    let page = owner.get(&format!("/tickets/{number}")).await;
    page.expect_text("to nobody").expect_text("Unknown");
    let viewer = app.member(&owner, Role::Viewer).await;
    viewer.post(&path, &[]).await.expect(403);
    app.owner().await.post(&path, &[]).await.expect(404);
}

#[actix_web::test]
async fn a_ticket_without_a_requester_is_about_the_visitor_of_its_source() {
    let app = TestApp::start().await;
    let (owner, vera) = app.shop().await;
    vera.write("It flickers").await.expect(201);
    let chat = vera.conversation(&owner).await;
    let number = owner.make_ticket_of(&[("title", "Lamp"), ("conversationId", &chat)]).await;
    assert_eq!(owner.get(&format!("/tickets/{number}")).await.value("requesterName"), "Vera");
}

#[actix_web::test]
async fn the_page_of_a_trashed_ticket_restores_it() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let number = owner.make_ticket("Thrown away").await;
    let path = format!("/tickets/{number}");
    owner.post(&format!("{path}/delete"), &[]).await.expect(303);
    let page = owner.get(&path).await;
    page.expect(404).expect_text("Thrown away");
    owner.post(&page.attribute("main form", "action"), &[]).await.expect_redirect(&path);
    owner.get(&path).await.expect(200);
    owner.get("/tickets/99").await.expect(404).expect_no_text("trash.");
}

#[actix_web::test]
async fn a_reply_from_a_ticket_reaches_the_visitor_and_returns_to_the_ticket() {
    let app = TestApp::start().await;
    let (owner, vera) = app.shop().await;
    vera.write("It flickers").await.expect(201);
    let chat = vera.conversation(&owner).await;
    let number = owner.make_ticket_of(&[("title", "Lamp"), ("conversationId", &chat)]).await;
    let page = owner.get(&format!("/tickets/{number}")).await;
    let (to, ticket) = (page.attribute("[data-reply]", "action"), page.value_of("[data-reply] [name=ticket]"));
    let empty = owner.post(&to, &[("body", " "), ("ticket", &ticket)]).await;
    empty.expect(422).expect_text("data-reply");
    let sent = owner.post(&to, &[("body", "A new one is on its way"), ("ticket", &ticket)]).await;
    sent.expect_redirect(&format!("/tickets/{number}#source"));
    assert_eq!(vera.history("").await, ["It flickers", "A new one is on its way"]);

    // Nobody sees replies to a chat of another system.
    let imported = owner.make_ticket_of(&[("title", "Elsewhere"), ("conversationId", "crm_1")]).await;
    owner.get(&format!("/tickets/{imported}")).await.expect_no_text("data-reply");
}
