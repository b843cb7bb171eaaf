//! The chat bubble's protocol and how the team sees it.

use crate::support::chat::Visitor;
use crate::support::process::{Server, command};
use crate::support::{Person, TestApp, fresh_database, unique, until_refused};
use docket::accounts::role::Role;
use reqwest::Method;
use serde_json::json;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Shorter than a stream's polling and heartbeat intervals.
const AT_ONCE: Duration = Duration::from_secs(5);

#[actix_web::test]
async fn a_visitor_and_an_agent_talk() {
    let app = TestApp::start_behind_proxy().await;
    let (owner, vera) = app.shop().await;
    let config = vera.send(vera.request(Method::GET, "/config")).await;
    assert_eq!(config.expect(200).json()["texts"]["send"], "Send");
    assert_eq!(vera.history("").await, Vec::<String>::new());

    let mut desk = owner.live().await;
    let first = vera.write("The lamp is broken").await.expect(201).json();
    assert_eq!((first["position"].as_i64(), first["from"].as_str()), (Some(1), Some("visitor")));
    let news = desk.until("message").await;
    assert_eq!((news["visitor"].as_str(), news["preview"].as_str()), (Some("Vera"), Some("The lamp is broken")));
    assert_eq!(owner.unread().await, 1);
    let list = owner.get("/conversations").await;
    list.expect_text("aria-label=\"1 unread\"").expect_text("Needs reply");

    let id = news["conversation"].as_str().unwrap().to_owned();
    let path = format!("/conversations/{id}");
    owner.get(&path).await.expect_text("The lamp is broken").expect_text("https://shop.example/lamps");
    assert_eq!(owner.unread().await, 0, "opening it is reading it");
    owner.get("/conversations").await.expect_no_text("1 unread").expect_text("Needs reply");

    let mut bubble = vera.events(0).await;
    assert_eq!(bubble.until("message").await["body"], "The lamp is broken");
    owner.post(&format!("{path}/messages"), &[("body", "We send a new one")]).await.expect(303);
    let answer = bubble.until("message").await;
    assert_eq!(answer["body"], "We send a new one");
    assert_eq!((answer["position"].as_i64(), answer["from"].as_str()), (Some(2), Some("agent")));
    owner.get("/conversations").await.expect_no_text("Needs reply");
    assert_eq!(vera.history("").await, ["The lamp is broken", "We send a new one"]);

    owner.post(&format!("{path}/status"), &[("status", "closed")]).await.expect(303);
    assert_eq!(bubble.until("status").await, json!({ "status": "closed" }));
}

#[actix_web::test]
async fn a_message_that_is_sent_again_is_there_once() {
    let app = TestApp::start_behind_proxy().await;
    let (_, vera) = app.shop().await;
    // Ten copies of each of the first three messages at once create one conversation without gaps.
    let ids: Vec<String> = (0..3).map(|_| unique("message")).collect();
    let sent = (0..30).map(|index| {
        let (vera, id) = (vera.clone(), ids[index % 3].clone());
        async move { vera.write_as(&id, &format!("text of {id}")).await }
    });
    let answers = futures_util::future::join_all(sent).await;
    for id in &ids {
        let of_id: Vec<_> = answers.iter().filter(|answer| answer.json()["id"] == id.as_str()).collect();
        assert_eq!(of_id.iter().filter(|answer| answer.status == 201).count(), 1, "made once");
        assert_eq!(of_id.iter().filter(|answer| answer.status == 200).count(), 9, "and answered as before");
        let first = of_id[0].json();
        assert!(of_id.iter().all(|answer| answer.json() == first));
    }
    let history = vera.send(vera.request(Method::GET, "/messages")).await.json();
    let positions: Vec<i64> =
        history["messages"].as_array().unwrap().iter().map(|line| line["position"].as_i64().unwrap()).collect();
    assert_eq!(positions, [1, 2, 3]);
}

#[actix_web::test]
async fn a_stream_goes_on_where_it_was_left() {
    let app = TestApp::start_behind_proxy().await;
    let (owner, vera) = app.shop().await;
    let none = vera.send(vera.request(Method::GET, "/events?after=0")).await;
    none.expect(404);
    for index in 1..=130 {
        vera.write(&format!("message {index}")).await.expect(201);
    }
    let mut stream = vera.events(5).await;
    stream.until("hello").await;
    for index in 6..=130 {
        let event = stream.next().await.unwrap();
        assert_eq!(
            (event.id, event.data["body"].as_str()),
            (index.to_string(), Some(format!("message {index}").as_str()))
        );
    }
    // The next stream delivers messages that arrived while nobody was listening.
    drop(stream);
    vera.write("message 131").await;
    assert_eq!(vera.events(130).await.until("message").await["body"], "message 131");
    vera.send(vera.request(Method::GET, "/events?after=132")).await.expect(404);
    assert_eq!(vera.history("?after=129").await, ["message 130", "message 131"]);
    assert_eq!(vera.history("?before=3").await, ["message 1", "message 2"]);
    assert_eq!(vera.history("").await.len(), 50);

    // A deleted conversation is gone for the visitor too, and a new one starts.
    let mut stream = vera.events(131).await;
    let id = vera.conversation(&owner).await;
    owner.post(&format!("/conversations/{id}/delete"), &[]).await.expect(303);
    stream.end().await;
    let gone = vera.send(vera.request(Method::GET, "/messages")).await.json();
    assert_eq!(gone["status"], "none");
    assert_eq!(vera.write("once more").await.expect(201).json()["position"], 1);
    assert_ne!(vera.conversation(&owner).await, id);
    // The restored conversation says that the visitor no longer sees it.
    owner.post(&format!("/conversations/{id}/restore"), &[]).await.expect(303);
    owner.get(&format!("/conversations/{id}")).await.expect_text("won’t see replies here");
    assert_eq!(vera.history("").await, ["once more"]);
}

#[actix_web::test]
async fn a_secret_opens_its_own_conversation_and_nothing_else() {
    let app = TestApp::start_behind_proxy().await;
    let (owner, vera) = app.shop().await;
    vera.write("For the shop’s eyes only").await.expect(201);
    let stranger = Visitor::new(&app.base, &vera.key);
    assert_eq!(stranger.history("").await, Vec::<String>::new());
    stranger.send(stranger.request(Method::GET, "/events")).await.expect(404);
    // The same secret with the bubble of another account, or another bubble of the same account.
    for other in [app.owner().await.make_widget("Other").await, owner.make_widget("Second").await] {
        let elsewhere = Visitor { key: other, ..vera.clone() };
        assert_eq!(elsewhere.history("").await, Vec::<String>::new());
    }
    // An agent’s cookie makes no difference: these addresses ignore it.
    let url = format!("/chat/{}/messages", vera.key);
    owner.send(owner.request(Method::GET, &url)).await.expect(401);
    let with_cookie = owner.request(Method::GET, &url).bearer_auth(&stranger.secret);
    let answer = owner.send(with_cookie).await;
    assert_eq!(answer.expect(200).json()["messages"], json!([]));
    assert_eq!(answer.header("set-cookie"), "");
}

#[actix_web::test]
async fn other_websites_and_bad_messages_are_told_so_readably() {
    let app = TestApp::start_behind_proxy().await;
    let (owner, vera) = app.shop().await;
    let post = |body: serde_json::Value| vera.send(vera.request(Method::POST, "/messages").json(&body));
    let bad = [
        (json!({ "id": "short", "body": "x" }), 422),
        (json!({ "id": "long-enough", "body": "  " }), 422),
        (json!({ "id": "long-enough", "body": "x".repeat(10_001) }), 422),
        (json!({ "id": "long-enough" }), 400),
        (json!({ "id": "long-enough", "body": "x".repeat(200_000) }), 413),
    ];
    for (body, status) in bad {
        let answer = post(body).await;
        assert_eq!(answer.expect(status).header("access-control-allow-origin"), "*");
        assert!(!answer.json()["error"]["message"].as_str().unwrap().is_empty());
    }
    // An invalid optional field does not lose the message.
    post(json!({ "id": "long-enough", "body": "x".repeat(10_000), "email": "not an address" })).await.expect(201);
    let settings = owner.get("/settings/chat").await.id_below("/settings/chat/");
    let form =
        [("name", "Shop"), ("allowedOrigins", "https://www.shop.example/x"), ("colour", "#abcdef"), ("language", "de")];
    owner.post(&format!("/settings/chat/{settings}"), &form).await.expect(303);
    let refused = vera.send(vera.request(Method::GET, "/config")).await;
    assert_eq!(refused.expect(403).header("access-control-allow-origin"), "*");
    let unknown = Visitor::new(&app.base, "nokey");
    unknown.send(unknown.request(Method::GET, "/config")).await.expect(404);
}

#[actix_web::test]
async fn who_is_too_quick_is_slowed_down_and_nobody_else() {
    // Without a trusted proxy, all requests from this machine have the same address.
    let app = TestApp::start().await;
    let (owner, vera) = app.shop().await;
    let (taken, refused) = until_refused(async || vera.write("Hello").await).await;
    assert!(taken.iter().all(|answer| answer.status == 201));
    assert!(refused.header("retry-after").parse::<u32>().unwrap() >= 1);
    assert_eq!(refused.header("access-control-expose-headers"), "Retry-After");
    // The number of streams for one conversation is limited too.
    let open = async || vera.request(Method::GET, "/events?after=0").send().await.unwrap();
    let mut streams = Vec::new();
    for _ in 0..20 {
        streams.push(open().await);
        assert_eq!(streams.last().unwrap().status(), 200);
    }
    assert_eq!(open().await.status(), 429);
    // Closed streams free their slots as soon as the server notices.
    drop(streams);
    let begun = Instant::now();
    while open().await.status() != 200 {
        assert!(begun.elapsed() < AT_ONCE, "places are given back");
    }
    owner.get("/conversations").await.expect(200);
}

#[actix_web::test]
async fn a_visitor_who_writes_again_reopens_and_the_open_ticket_shows_it() {
    let app = TestApp::start_behind_proxy().await;
    let (owner, vera) = app.shop().await;
    vera.write("It broke").await;
    let id = vera.conversation(&owner).await;
    let open = owner.make_ticket_of(&[("title", "Lamp"), ("conversationId", &id)]).await;
    let closed = owner.make_ticket_of(&[("title", "Bulb"), ("conversationId", &id), ("another", "1")]).await;
    owner.set_status(closed, "closed").await.expect(303);
    owner.post(&format!("/conversations/{id}/status"), &[("status", "closed")]).await.expect(303);
    owner.get("/tickets").await.expect_no_text("is waiting for a reply");
    let newer = owner.make_ticket("Newer").await;
    vera.write("It broke again").await.expect(201);
    owner.get("/conversations").await.expect_text("It broke again");
    let ticket = owner.get(&format!("/tickets/{open}")).await;
    ticket.expect_text("wrote again and reopened the conversation").expect_text("It broke again");
    owner.get(&format!("/tickets/{closed}")).await.expect_no_text("wrote again");
    owner.get("/tickets").await.expect_text("Needs reply");
    assert_eq!(owner.list("").await, [open, newer], "it comes to the top");
}

#[actix_web::test]
async fn conversations_and_submissions_are_found_by_their_words() {
    let app = TestApp::start_behind_proxy().await;
    let (owner, vera) = app.shop().await;
    vera.write("Die Größe passt nicht").await;
    vera.write("東京タワー please").await;
    let other = Visitor::new(&app.base, &vera.key);
    other.write("A refund, please").await;
    let found = async |q: &str| {
        let page = owner.get(&format!("/conversations?q={q}")).await;
        page.expect(200).count(".row-link")
    };
    assert_eq!((found("grosse").await, found("große").await, found("GRÖSSE").await), (1, 1, 1));
    assert_eq!((found("grö").await, found("東京").await, found("please").await, found("vera").await), (1, 1, 2, 2));
    assert_eq!((found("refund+tokyo").await, found("%22refund+please%22").await, found("—").await), (0, 1, 0));
    let id = other.conversation(&owner).await;
    owner.post(&format!("/conversations/{id}/status"), &[("status", "closed")]).await;
    assert_eq!((found("refund").await, found("refund&status=open").await), (1, 0));
    assert_eq!(app.owner().await.get("/conversations?q=please").await.expect(200).count(".row-link"), 0);

    let form = owner.make_form("Contact").await;
    owner.visit(&form, &[("name", "Zoë"), ("message", "Where is my parcel")]).await;
    owner.visit(&form, &[("name", "Ben"), ("message", "A parcel came"), ("_gotcha", "x")]).await;
    let list = async |query: &str| owner.get(&format!("/submissions?{query}")).await;
    list("q=zoe+parc").await.expect_text("Where is my parcel").expect_no_text("A parcel came");
    list("q=parcel&spam=1").await.expect_text("A parcel came").expect_no_text("Where is");
    list("q=nothing").await.expect_text("Nothing found");
}

async fn presence(person: &Person, place: &str, doing: &str) -> serde_json::Value {
    person.post("/live/presence", &[("place", place), ("doing", doing)]).await.expect(200).json()
}

#[actix_web::test]
async fn the_team_sees_who_looks_and_who_writes() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let editor = app.member(&owner, Role::Editor).await;
    let stranger = app.owner().await;
    let (mut desk, mut elsewhere) = (owner.live().await, stranger.live().await);
    presence(&editor, "/tickets/1", "looking").await;
    assert_eq!(desk.until("presence").await["people"][0]["name"], "Max editor");
    presence(&editor, "/tickets/1", "editing").await;
    let people = json!([{ "id": editor.id, "name": "Max editor", "editing": true }]);
    assert_eq!(desk.until("presence").await, json!({ "place": "/tickets/1", "people": people }));
    assert_eq!(presence(&stranger, "/tickets/1", "looking").await.as_array().unwrap().len(), 1);
    elsewhere.until("presence").await;
    assert!(!elsewhere.raw.contains("Max"), "another account hears nothing: {}", elsewhere.raw);
    presence(&editor, "/tickets/1", "gone").await;
    assert_eq!(desk.until("presence").await["people"], json!([]));
    owner.post("/live/presence", &[("place", "/tickets/1"), ("doing", "dancing")]).await.expect(422);
}

#[actix_web::test]
async fn streams_end_with_their_session_and_hear_of_their_account_only() {
    let app = TestApp::start_behind_proxy().await;
    let (owner, vera) = app.shop().await;
    let (editor, neighbour) = (app.member(&owner, Role::Viewer).await, app.owner().await);
    let (mut first, mut second) = (editor.live().await, owner.live().await);
    let mut elsewhere = neighbour.live().await;
    let begun = Instant::now();
    editor.post("/logout", &[]).await.expect(303);
    first.end().await;
    assert!(begun.elapsed() < AT_ONCE, "not only when it looks by itself: {:?}", begun.elapsed());
    vera.write("Hello").await;
    second.until("message").await;
    let key = neighbour.make_widget("Theirs").await;
    Visitor::new(&app.base, &key).write("For the neighbour").await.expect(201);
    assert_eq!(elsewhere.until("message").await["preview"], "For the neighbour");
    assert!(!elsewhere.raw.contains("Hello"));
    // Disabling a user also ends their streams.
    let member = app.member(&owner, Role::Editor).await;
    let mut third = member.live().await;
    let begun = Instant::now();
    owner.post(&format!("/settings/team/{}/disable", member.id), &[]).await.expect(303);
    third.end().await;
    assert!(begun.elapsed() < AT_ONCE, "{:?}", begun.elapsed());
}

#[actix_web::test]
async fn open_streams_do_not_hold_up_a_stop() {
    let dir = TempDir::new().unwrap();
    let database = fresh_database(&dir);
    crate::cli::add_owner(dir.path(), &database);
    let mut server = Server::start_as(command(dir.path(), &database));
    let ana = crate::cli::signed_in(&server).await;
    let vera = Visitor::new(&server.base, &ana.make_widget("Shop").await);
    vera.write("Hello").await.expect(201);
    let (mut desk, mut bubble) = (ana.live().await, vera.events(0).await);
    let begun = Instant::now();
    server.signal("TERM");
    bubble.end().await;
    desk.end().await;
    assert!(server.child.wait().unwrap().success());
    assert!(begun.elapsed() < AT_ONCE, "{:?}", begun.elapsed());
}

#[actix_web::test]
#[ignore = "needs Postgres: only there several programs serve one database"]
async fn two_instances_tell_each_other() {
    let app = TestApp::start_behind_proxy().await;
    let (owner, vera) = app.shop().await;
    let mut here = owner.live().await;
    vera.write("Hello").await.expect(201);
    // What the second instance tells begins after this.
    here.until("message").await;
    let database = app.app.config.database();
    let other = TestApp::start_with(|config| config.database_url = Some(database)).await;
    let there = Person { base: other.base.clone(), ..owner.clone() };
    let mut desk = there.live().await;
    let mut bubble = Visitor { base: other.base.clone(), ..vera.clone() }.events(1).await;
    let id = vera.conversation(&owner).await;
    owner.post(&format!("/conversations/{id}/messages"), &[("body", "Hi")]).await.expect(303);
    assert_eq!(bubble.until("message").await["body"], "Hi");
    assert_eq!(desk.until("message").await["preview"], "Hi");
    presence(&owner, "/tickets/1", "looking").await;
    assert_eq!(desk.until("presence").await["people"].as_array().unwrap().len(), 1);
}

#[actix_web::test]
async fn the_script_is_small_and_every_site_may_load_it() {
    let app = TestApp::start().await;
    let stranger = app.stranger();
    for (name, most) in [("/embed.js", 16_000), ("/form.js", 3_000)] {
        let request = stranger.request(Method::GET, name).header("accept-encoding", "gzip");
        let script = stranger.send(request).await;
        assert_eq!(script.expect(200).header("content-encoding"), "gzip");
        assert!(script.bytes.len() < most, "{name}: {}", script.bytes.len());
        assert_eq!(script.header("cross-origin-resource-policy"), "cross-origin");
        assert_eq!(script.header("access-control-allow-origin"), "*");
        assert_eq!(script.header("content-type"), "text/javascript; charset=utf-8");
    }
}
