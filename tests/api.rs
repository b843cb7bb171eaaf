//! The API from the point of view of other programs.

use crate::support::program::Program;
use crate::support::{TestApp, files, unique};
use docket::accounts::role::Role;
use docket::gate::Gate;
use docket::routes;
use reqwest::Method;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::process::Command;
use std::time::Duration;

#[actix_web::test]
async fn a_ticket_from_its_making_to_the_trash() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let editor = app.member(&owner, Role::Editor).await;
    let program = Program::of(&app, &owner).await;
    let wanted = json!({
        "title": "Broken lamp", "notes": "Line", "tags": ["Returns", "lamps"], "assigneeId": editor.id,
        "requesterName": "Vera", "requesterEmail": "vera@example.com", "conversationId": "crm:7",
    });
    let made = program.post("/tickets", &wanted).await.expect(201).json();
    for (name, value) in wanted.as_object().unwrap().iter().filter(|(name, _)| *name != "tags") {
        assert_eq!(&made[name], value, "{name}");
    }
    assert_eq!(
        (&made["number"], &made["status"], &made["tags"]),
        (&json!(1), &json!("new"), &json!(["lamps", "returns"]))
    );
    let created = made["createdAt"].as_str().unwrap();
    assert!(created.ends_with('Z') && chrono::DateTime::parse_from_rfc3339(created).is_ok(), "{created}");
    owner.get("/tickets/1").await.expect_text("Shop system (API)").expect_text("Broken lamp");

    let change =
        json!({ "status": "closed", "notes": "Mended", "notesVersion": 1, "tags": ["lamps"], "assigneeId": null });
    let changed = program.send(Method::PATCH, "/tickets/1", &change).await.expect(200).json();
    assert_eq!(
        (&changed["status"], &changed["notes"], &changed["notesVersion"]),
        (&json!("closed"), &json!("Mended"), &json!(2))
    );
    assert_eq!((&changed["tags"], &changed["assigneeId"]), (&json!(["lamps"]), &Value::Null));
    assert!(changed["closedAt"].is_string() && changed["resolutionSeconds"].is_number());
    assert_eq!(program.get("/tickets/1").await.expect(200).json(), changed);
    // A change is applied completely or not at all.
    let stale = json!({ "title": "Other", "notes": "Mine", "notesVersion": 1 });
    program.send(Method::PATCH, "/tickets/1", &stale).await.expect(409).expect_text("version 2");
    let unnamed = json!({ "title": "Other", "notes": "Mine" });
    program.send(Method::PATCH, "/tickets/1", &unnamed).await.expect(422).expect_text("notesVersion");
    program.send(Method::PATCH, "/tickets/1", &json!({ "accountId": 2 })).await.expect(422).expect_text("accountId");
    assert_eq!(program.get("/tickets/1").await.json()["title"], "Broken lamp");

    program
        .post("/tickets", &json!({ "title": "Again", "conversationId": "crm:7" }))
        .await
        .expect(409)
        .expect_text("#1");
    let another = json!({ "title": "Again", "conversationId": "crm:7", "another": true });
    assert_eq!(program.post("/tickets", &another).await.expect(201).json()["number"], 2);
    program.send(Method::DELETE, "/tickets/2", &Value::Null).await.expect(204);
    program.get("/tickets/2").await.expect(404);
    owner.get("/trash").await.expect_text("Again");
}

#[actix_web::test]
async fn lists_are_read_part_by_part() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let program = Program::of(&app, &owner).await;
    for index in 1..=7 {
        owner.make_ticket(&format!("Ticket {index}")).await;
    }
    owner.set_status(3, "closed").await;
    let (mut path, mut seen) = ("/tickets?limit=3".to_owned(), Vec::new());
    loop {
        let part = program.get(&path).await.expect(200).json();
        seen.extend(part["data"].as_array().unwrap().iter().map(|row| row["number"].as_i64().unwrap()));
        let Some(cursor) = part["nextCursor"].as_str() else { break };
        path = format!("/tickets?limit=3&cursor={cursor}");
    }
    assert_eq!(seen, [7, 6, 5, 4, 3, 2, 1]);
    let numbers = async |query: &str| -> Vec<i64> {
        let list = program.get(&format!("/tickets?{query}")).await.expect(200).json();
        list["data"].as_array().unwrap().iter().map(|row| row["number"].as_i64().unwrap()).collect()
    };
    assert_eq!(numbers("status=closed").await, [3]);
    assert_eq!(numbers("q=ticket+5").await, [5]);
    for bad in ["limit=0", "limit=101", "cursor=x"] {
        program.get(&format!("/tickets?{bad}")).await.expect(422);
    }
    program.get("/tickets?status=done").await.expect(400);
}

#[actix_web::test]
async fn another_chat_system_brings_its_conversations_in() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let program = Program::of(&app, &owner).await;
    let new = json!({ "id": "crm-42", "visitorName": "Vera", "pageUrl": "https://shop.example/a", "country": "se", "createdAt": "2020-01-02T03:04:05Z" });
    let made = program.post("/conversations", &new).await.expect(201).json();
    assert_eq!(
        (&made["id"], &made["country"], &made["createdAt"]),
        (&json!("crm-42"), &json!("SE"), &json!("2020-01-02T03:04:05Z"))
    );
    program.post("/conversations", &new).await.expect(409);
    let path = "/conversations/crm-42/messages";
    let one =
        json!({ "id": "m1", "from": "visitor", "body": "The lamp is broken", "createdAt": "2020-01-02T03:04:06Z" });
    let first = program.post(path, &one).await.expect(201).json();
    assert_eq!((&first["position"], &first["createdAt"]), (&json!(1), &json!("2020-01-02T03:04:06Z")));
    assert_eq!(program.post(path, &one).await.expect(200).json(), first, "a known id is answered as before");
    let many: Vec<Value> = (1..=500)
        .map(|index| json!({ "id": format!("m{index}"), "from": "agent", "authorName": "Ben", "body": format!("line {index}") }))
        .collect();
    let brought = program.post(path, &json!(many)).await.expect(201).json();
    assert_eq!(brought["data"].as_array().unwrap().len(), 500);
    assert_eq!((&brought["data"][0], &brought["data"][499]["position"]), (&first, &json!(500)));
    program.post(path, &json!([many.clone(), many].concat())).await.expect(422).expect_text("1 to 500");
    program.post(path, &json!([])).await.expect(422);
    let page = program.get(&format!("{path}?limit=2")).await.json();
    assert_eq!((&page["data"][0]["position"], &page["data"][1]["position"]), (&json!(500), &json!(499)));
    let next = program.get(&format!("{path}?limit=2&cursor={}", page["nextCursor"].as_str().unwrap())).await.json();
    assert_eq!(next["data"][0]["position"], 498);

    let listed = program.get("/conversations").await.json();
    assert_eq!((&listed["data"][0]["messageCount"], &listed["data"][0]["waitingSince"]), (&json!(500), &Value::Null));
    owner.get("/conversations/crm-42").await.expect_text("line 500").expect_text("Ben");
    owner.get("/conversations?q=lamp").await.expect_text("Vera");
    let change = json!({ "status": "closed", "visitorEmail": "vera@example.com" });
    let changed = program.send(Method::PATCH, "/conversations/crm-42", &change).await.expect(200).json();
    assert_eq!(
        (&changed["status"], &changed["visitorEmail"], &changed["visitorName"]),
        (&json!("closed"), &json!("vera@example.com"), &json!("Vera"))
    );
    // Messages through the API do not reopen a conversation: the other system sets the status.
    program.post(path, &json!({ "from": "visitor", "body": "Once more" })).await.expect(201);
    assert_eq!(program.get("/conversations/crm-42").await.json()["status"], "closed");
    program.send(Method::DELETE, "/conversations/crm-42", &Value::Null).await.expect(204);
    program.get("/conversations/crm-42").await.expect(404);
}

#[actix_web::test]
async fn another_form_system_brings_its_submissions_in() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let program = Program::of(&app, &owner).await;
    let fields = json!([{ "name": "email", "value": "a@b.example" }, { "name": "x", "value": "1" }, { "name": "x", "value": "2" }]);
    let new = json!({ "id": "form:9", "form": "Warranty", "fields": fields, "pageUrl": "https://shop.example/w" });
    let made = program.post("/form-submissions", &new).await.expect(201).json();
    assert_eq!(
        (&made["fields"], &made["form"], &made["visitorEmail"]),
        (&fields, &json!("Warranty"), &json!("a@b.example"))
    );
    program.post("/form-submissions", &new).await.expect(409);
    let other = json!({ "form": "Warranty", "fields": [{ "name": "a", "value": "b" }] });
    program.post("/form-submissions", &other).await.expect(201);
    owner.get("/submissions").await.expect_text("Warranty").expect_text("a@b.example");
    assert_eq!(
        owner.get("/settings/forms").await.texts(".row-link").iter().filter(|name| *name == "Warranty").count(),
        1,
        "one form of that name"
    );
    assert_eq!(program.get("/form-submissions/form:9").await.expect(200).json(), made);
    assert_eq!(program.get("/form-submissions?q=b.example").await.json()["data"], json!([made]));
    assert_eq!(program.get("/form-submissions?spam=true").await.json()["data"], json!([]));
    program.post("/form-submissions", &json!({ "fields": [] })).await.expect(422);
    program.send(Method::DELETE, "/form-submissions/form:9", &Value::Null).await.expect(204);
    program.get("/form-submissions/form:9").await.expect(404);
}

#[actix_web::test]
async fn a_request_with_a_key_of_its_own_is_done_once() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let program = Program::of(&app, &owner).await;
    let key = unique("order");
    let once = json!({ "title": "Once" });
    let sent = (0..12).map(|_| program.post_once(&key, "/tickets", &once));
    let answers = futures_util::future::join_all(sent).await;
    let first = answers[0].expect(201).json();
    assert!(answers.iter().all(|answer| answer.status == 201 && answer.json() == first), "{answers:?}");
    assert_eq!(owner.list("status=all").await, [1]);
    program.post_once(&key, "/tickets", &json!({ "title": "Other" })).await.expect(409);
    program.post_once(&key, "/conversations", &json!({ "title": "Once" })).await.expect(422);
    // A refused request changes nothing, and its key can be used again after a correction.
    let second = unique("order");
    program.post_once(&second, "/tickets", &json!({ "title": " " })).await.expect(422);
    program.post_once(&second, "/tickets", &json!({ "title": "Mended" })).await.expect(201);
    // Another account can use the same idempotency key.
    let neighbour = app.owner().await;
    let other = Program::of(&app, &neighbour).await;
    assert_eq!(other.post_once(&key, "/tickets", &json!({ "title": "Theirs" })).await.expect(201).json()["number"], 1);
    // An idempotency key expires after a day.
    app.wait(Duration::from_secs(25 * 3600));
    docket::upkeep::janitor::clear(&app.app).await.unwrap();
    program.post_once(&key, "/conversations", &json!({ "id": "other-things" })).await.expect(201);
}

#[actix_web::test]
async fn files_come_and_go_by_the_api_too() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let program = Program::of(&app, &owner).await;
    program.post("/tickets", &json!({ "title": "With files" })).await.expect(201);
    let png = files::png(3);
    let part = |name: &str, bytes: &[u8]| {
        let part = reqwest::multipart::Part::bytes(bytes.to_vec()).file_name(name.to_owned());
        reqwest::multipart::Form::new().part("files", part)
    };
    let path = "/tickets/1/attachments";
    let kept = program.person.send(program.request(Method::POST, path).multipart(part("a.png", &png))).await;
    let file = kept.expect(201).json()["data"][0].clone();
    assert_eq!(program.get(path).await.json(), json!({ "data": [file], "nextCursor": null }));
    let bytes = program.get(&format!("{path}/{}", file["id"].as_str().unwrap())).await;
    assert_eq!(bytes.expect(200).bytes, png);
    let refused = program.person.send(program.request(Method::POST, path).multipart(part("a.exe", b"MZ"))).await;
    assert_eq!(refused.expect(415).json()["rejected"][0]["code"], "type_not_allowed");
}

#[actix_web::test]
async fn keys_are_shown_once_counted_and_revoked() {
    let app = TestApp::start_with(|config| config.api_rate = 5.try_into().unwrap()).await;
    let owner = app.owner().await;
    let program = Program::of(&app, &owner).await;
    owner.get("/settings/keys").await.expect_text("never used").expect_no_text(&program.key);
    let answer = program.get("/tickets").await;
    assert_eq!((answer.expect(200).header("x-ratelimit-limit"), answer.header("x-ratelimit-remaining")), ("5", "4"));
    for _ in 0..4 {
        program.get("/tickets").await.expect(200);
    }
    let slowed = program.get("/tickets").await;
    assert_eq!(
        (slowed.expect(429).header("x-ratelimit-remaining"), slowed.json()["error"]["code"].as_str()),
        ("0", Some("rate_limited"))
    );
    assert!(slowed.header("retry-after").parse::<u32>().unwrap() >= 1);
    let page = owner.get("/settings/keys").await;
    page.expect_text("last used");
    let admin = app.member(&owner, Role::Admin).await;
    admin.get("/settings/keys").await.expect(403);

    let second = Program::of(&app, &owner).await;
    second.get("/tickets").await.expect(200);
    let id = owner.get("/settings/keys").await.id_below("/settings/keys/");
    owner.post(&format!("/settings/keys/{id}/revoke"), &[]).await.expect(303);
    second.get("/tickets").await.expect(401);
    owner.get("/settings/keys").await.expect_text("Revoked");
    for wrong in ["", "dk_live_wrong", "Basic x"] {
        let request = owner
            .client
            .get(format!("{}/api/v1/tickets", owner.base))
            .header("authorization", format!("Bearer {wrong}"));
        let answer = owner.send(request).await;
        assert_eq!(answer.expect(401).json()["error"]["code"], "unauthorized", "a session is no key");
    }
}

#[actix_web::test]
async fn rows_of_another_account_are_not_there_for_a_key() {
    let app = TestApp::start().await;
    let (owner, neighbour) = (app.owner().await, app.owner().await);
    let (theirs, mine) = (Program::of(&app, &owner).await, Program::of(&app, &neighbour).await);
    theirs.post("/tickets", &json!({ "title": "Secret" })).await.expect(201);
    theirs.post("/conversations", &json!({ "id": "c1" })).await.expect(201);
    theirs
        .post("/form-submissions", &json!({ "id": "s1", "fields": [{ "name": "a", "value": "b" }] }))
        .await
        .expect(201);
    for path in [
        "/tickets/1",
        "/tickets/1/attachments",
        "/conversations/c1",
        "/conversations/c1/messages",
        "/form-submissions/s1",
    ] {
        mine.get(path).await.expect(404);
    }
    for (method, path, body) in [
        (Method::PATCH, "/tickets/1", json!({ "title": "Mine" })),
        (Method::DELETE, "/tickets/1", Value::Null),
        (Method::PATCH, "/conversations/c1", json!({ "status": "closed" })),
        (Method::POST, "/conversations/c1/messages", json!({ "from": "visitor", "body": "x" })),
        (Method::DELETE, "/conversations/c1", Value::Null),
        (Method::DELETE, "/form-submissions/s1", Value::Null),
    ] {
        mine.send(method, path, &body).await.expect(404);
    }
    for path in ["/tickets", "/conversations", "/form-submissions"] {
        assert_eq!(mine.get(path).await.json(), json!({ "data": [], "nextCursor": null }));
    }
}

#[actix_web::test]
async fn a_program_learns_who_it_is_and_how_much_is_left() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let program = Program::of(&app, &owner).await;
    let answer = program.get("/me").await;
    let me = answer.expect(200).json();
    assert_eq!((&me["account"]["id"], &me["role"]), (&json!(owner.id), &json!("editor")));
    assert!(program.key.ends_with(me["key"]["hint"].as_str().unwrap()), "{me}");
    let full_in =
        answer.header("x-ratelimit-reset").parse::<i64>().unwrap() - app.app.clock.now().and_utc().timestamp();
    assert!((0..=60).contains(&full_in), "{full_in} seconds");
}

#[actix_web::test]
async fn a_status_is_read_in_any_case() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let program = Program::of(&app, &owner).await;
    let number = owner.make_ticket("Any case").await;
    let path = format!("/tickets/{number}");
    let changed = program.send(Method::PATCH, &path, &json!({ "status": "In_Progress" })).await;
    assert_eq!(changed.expect(200).json()["status"], "in_progress");
    assert_eq!(program.get("/tickets?status=IN_PROGRESS").await.expect(200).json()["data"][0]["number"], number);
    program
        .send(Method::PATCH, &path, &json!({ "status": "done" }))
        .await
        .expect(422)
        .expect_text("in_progress or closed");
    owner.post(&format!("/tickets/{number}/status"), &[("status", "CLOSED")]).await.expect(303);
}

/// The description lists every route of the API and no other.
#[actix_web::test]
async fn the_description_describes_what_is_there() {
    let app = TestApp::start().await;
    let description = app.stranger().get("/api/v1/openapi.json").await.expect(200).json();
    assert_eq!(description["openapi"], "3.1.0");
    let mut described = BTreeSet::new();
    let mut names = BTreeSet::new();
    for (path, methods) in description["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            described.insert(format!("{} {path}", method.to_uppercase()));
            assert!(names.insert(operation["operationId"].to_string()), "{}", operation["operationId"]);
            for status in ["401", "429", "503"] {
                assert!(operation["responses"][status].is_object(), "{method} {path} {status}");
            }
        }
    }
    let there: BTreeSet<String> = routes::table()
        .into_iter()
        .filter(|line| line.gate == Gate::Api)
        .map(|line| format!("{} {}", line.method, line.path.strip_prefix("/api/v1").unwrap()))
        .collect();
    assert_eq!(described, there);
    // A snapshot of the whole description, because a change here affects every program.
    insta::assert_snapshot!("openapi", serde_json::to_string_pretty(&description).unwrap());
}

/// Every command in the guide runs unchanged in a shell.
#[actix_web::test]
async fn the_guides_lines_work() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let program = Program::of(&app, &owner).await;
    let guide = owner.get("/api").await.expect(200).body.clone();
    app.file("photo.jpg", &files::jpeg_of(20_000));
    let mut ran = 0;
    for block in guide.split("<pre><code>").skip(1).map(|rest| rest.split("</code>").next().unwrap()) {
        let lines = block.replace("&quot;", "\"").replace("&#34;", "\"").replace("&#39;", "'").replace("&amp;", "&");
        let lines = lines.replace("curl ", "curl -sS --fail-with-body ");
        if !lines.contains("curl") {
            continue;
        }
        let (dir, key) = (app.dir.path().to_owned(), program.key.clone());
        let run = move || Command::new("bash").args(["-e", "-c", &lines]).env("KEY", key).current_dir(dir).output();
        let output = actix_web::rt::task::spawn_blocking(run).await.unwrap().unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{block}\n{said}\n{}", String::from_utf8_lossy(&output.stderr));
        ran += 1;
    }
    assert_eq!(ran, 4);
    owner
        .get("/tickets/1")
        .await
        .expect_text("Broken lamp")
        .expect_text("photo.jpg")
        .expect_text("The lamp is broken.");
}

#[actix_web::test]
async fn a_leap_second_is_the_second_after_it_on_both_engines() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let program = Program::of(&app, &owner).await;
    let leap = "2024-06-30T23:59:60Z";
    let new = [
        ("/conversations", json!({ "id": "c1", "createdAt": leap })),
        ("/conversations/c1/messages", json!({ "from": "visitor", "body": "Hello", "createdAt": leap })),
        ("/form-submissions", json!({ "fields": [{ "name": "a", "value": "b" }], "createdAt": leap })),
    ];
    for (path, body) in new {
        let made = program.post(path, &body).await.expect(201).json();
        assert_eq!(made["createdAt"], "2024-07-01T00:00:00Z", "{path}");
        let list = program.get(path).await.expect(200).json();
        assert_eq!(list["data"][0]["createdAt"], made["createdAt"], "{path}");
    }
}

#[actix_web::test]
async fn the_scheme_of_a_key_is_known_in_any_case() {
    let app = TestApp::start_behind_proxy().await;
    let (owner, vera) = app.shop().await;
    let key = owner.make_key("Shop system").await;
    let (tickets, messages) = ("/api/v1/tickets".to_owned(), format!("/chat/{}/messages", vera.key));
    for scheme in ["bearer", "BEARER", "Bearer"] {
        for (path, secret) in [(&tickets, &key), (&messages, &vera.secret)] {
            let request = vera.client.get(format!("{}{path}", app.base));
            vera.send(request.header("authorization", format!("{scheme} {secret}"))).await.expect(200);
        }
    }
}
