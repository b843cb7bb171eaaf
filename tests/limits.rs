//! Limits on memory, time and counts: one client does not affect others.

use crate::support::files::png;
use crate::support::raw::{FORM, HALF_A_FILE, PATIENCE, Raw, UPLOAD, cookie_of};
use crate::support::{PASSWORD, Person, TestApp, client, from_elsewhere, until_refused};
use docket::accounts::role::Role;
use docket::limits::slots::{Holder, Place};
use reqwest::Method;
use std::time::Duration;
use tokio::time::timeout;

/// One network can use a tenth of the memory for bodies, about 13 MB.
#[actix_web::test]
async fn one_network_cannot_take_the_memory_of_others() {
    let app = TestApp::start_behind_proxy().await;
    let owner = app.owner().await;
    let notes = format!("notes={}", "a".repeat(1_200_000));
    let mut held = Vec::new();
    let mut refused = 0;
    for _ in 0..20 {
        let from = format!("{FORM}X-Forwarded-For: 203.0.113.9\r\n");
        // One byte is missing, so that the body stays in memory.
        let mut raw = Raw::begin(&app.base, "/login", &from, notes.len() + 1, &notes).await;
        // The server refuses a request before the end of its body.
        match timeout(Duration::from_millis(200), raw.status()).await {
            Ok(status) => {
                assert_eq!(status, "503");
                refused += 1;
            }
            Err(_) => held.push(raw),
        }
    }
    assert!((1..=11).contains(&held.len()) && refused >= 6, "{} held, {refused} refused", held.len());
    let same = app.stranger();
    let request = same.request(Method::POST, "/login").header("x-forwarded-for", "203.0.113.9");
    let answer = same.send(request.form(&[("email", "x"), ("password", "a".repeat(1_200_000).as_str())])).await;
    answer.expect(503).expect_text("Try again in a moment");
    assert_eq!(answer.header("retry-after"), "5");
    let other = app.stranger();
    let request = from_elsewhere(other.request(Method::POST, "/login"));
    other.send(request.form(&[("email", owner.email.as_str()), ("password", PASSWORD)])).await.expect(303);
    let ticket = owner.make_ticket("Others work").await;
    owner.get(&format!("/tickets/{ticket}")).await.expect(200);
    drop(held);
}

#[actix_web::test]
async fn the_desks_forms_are_limited_by_network_before_they_are_read() {
    let app = TestApp::start_behind_proxy().await;
    let owner = app.owner().await;
    let stranger = app.stranger();
    let post = || stranger.request(Method::POST, "/tickets").form(&[("title", "x")]);
    let ask = async || stranger.send(post().header("x-forwarded-for", "203.0.113.7")).await;
    let (before, refused) = until_refused(ask).await;
    assert!(!refused.header("retry-after").is_empty());
    assert!(before.len() >= 600 && before.iter().all(|answer| answer.status == 401));
    stranger.send(from_elsewhere(post())).await.expect(401);
    owner.make_ticket("Signed in from there").await;
}

#[actix_web::test]
async fn a_search_of_very_many_words_is_answered_in_words() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    owner.make_ticket("Needle in the hay").await;
    let words = |count: usize| (0..count).map(|index| format!("w{index:04}*")).collect::<Vec<_>>().join("+");
    for path in ["/tickets", "/conversations", "/submissions"] {
        let page = owner.get(&format!("{path}?q={}", words(4_900))).await;
        page.expect(422).expect_text("at most 20");
        owner.get(&format!("{path}?q={}", words(21))).await.expect(422);
        owner.get(&format!("{path}?q={}", words(20))).await.expect(200);
        // A repeated word counts as one word.
        owner.get(&format!("{path}?q={}", ["hay"; 500].join("+"))).await.expect(200);
    }
    assert_eq!(owner.list(&format!("q=needle+{}", ["hay"; 100].join("+"))).await.len(), 1);
    assert!(owner.list("q=n").await.is_empty(), "one letter is a word, not the beginning of many");
    assert_eq!(owner.list("q=ne").await.len(), 1);
    let key = owner.make_key("Program").await;
    let answer = client().get(format!("{}/api/v1/tickets?q={}", app.base, words(21))).bearer_auth(key);
    assert_eq!(answer.send().await.unwrap().status(), 422);
}

/// A user gets a hundred streams; a further one is refused, and colleagues still get theirs.
#[actix_web::test]
async fn a_user_holds_so_many_streams_and_no_more() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let viewer = app.member(&owner, Role::Viewer).await;
    let mut held = Vec::new();
    for _ in 0..100 {
        held.push(viewer.live().await);
    }
    let refused = timeout(PATIENCE, viewer.get("/live")).await.expect("a refusal, and no stream");
    assert!(!refused.expect(503).header("retry-after").is_empty());
    owner.live().await;
    viewer.get("/tickets").await.expect(200);
    drop(held);
    let again = async {
        while viewer.request(Method::GET, "/live").send().await.unwrap().status() != 200 {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, again).await.expect("the places are free again");
}

#[actix_web::test]
async fn slow_uploads_of_one_user_hold_up_nobody_else() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let editor = app.member(&owner, Role::Editor).await;
    let number = owner.make_ticket("Files").await;
    let (cookie, path) = (cookie_of(&app, &editor).await, format!("/tickets/{number}/attachments"));
    let mut held = Vec::new();
    for _ in 0..8 {
        held.push(Raw::begin(&app.base, &path, &format!("{UPLOAD}{cookie}"), 5000, HALF_A_FILE).await);
    }
    for index in 1..=8 {
        // Well before the server gives up the slow uploads.
        let colleague = timeout(Duration::from_secs(10), owner.attach(number, &[("a.png", &png(index))])).await;
        colleague.expect("without waiting for others").expect(201);
    }
    drop(held);
}

#[actix_web::test]
async fn searches_of_one_user_wait_for_each_other_and_hold_up_nobody_else() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let viewer = app.member(&owner, Role::Viewer).await;
    let holder = Holder { account: owner.id, user: viewer.id };
    let mut held: Vec<Place> = std::iter::from_fn(|| app.app.lists.try_take(holder)).collect();
    for path in ["/tickets", "/conversations", "/submissions"] {
        owner.get(path).await.expect(200);
    }
    let (refused, page) = tokio::join!(viewer.get("/tickets"), viewer.get("/profile"));
    assert!(!refused.expect(503).expect_text("earlier searches").header("retry-after").is_empty());
    page.expect(200);
    held.pop();
    viewer.get("/tickets").await.expect(200);
}

#[actix_web::test]
async fn invented_places_push_out_ones_own_only() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let (viewer, editor) = (app.member(&owner, Role::Viewer).await, app.member(&owner, Role::Editor).await);
    let at = async |person: &Person, place: &str| {
        let fields = [("place", place), ("doing", "looking")];
        person.post("/live/presence", &fields).await.expect(200).json().as_array().unwrap().len()
    };
    at(&editor, "/tickets/1").await;
    assert_eq!(at(&viewer, "/tickets/1").await, 2);
    for index in 2..1_000 {
        at(&viewer, &format!("/tickets/{index}")).await;
    }
    assert_eq!(at(&owner, "/tickets/1").await, 2, "the editor is still there, the viewer is not");
    assert_eq!(at(&owner, "/tickets/999").await, 2);
}
