//! Accounts, sessions, invitations, roles.

mod failed_sign_ins;
mod password_links;
mod sessions;

use crate::support::{PASSWORD, TestApp};
use docket::accounts::role::Role;
use reqwest::Method;
use std::time::Duration;

pub const OPEN: [(&str, &str); 4] =
    [("name", "Ana"), ("email", "Ana@Example.com"), ("password", PASSWORD), ("timeZone", "Europe/Madrid")];

#[actix_web::test]
async fn the_set_up_link_opens_one_account_once() {
    let app = TestApp::start().await;
    let path = app.setup_path.clone().unwrap();
    let ana = app.stranger();
    ana.get("/setup?token=guess").await.expect(404);
    ana.get("/login").await.expect(404).expect_text("Open the set-up link");
    ana.get(&path).await.expect(200).expect_text("Create the first account");
    let weak = [&OPEN[..2], &[("password", "short")]].concat();
    ana.post(&path, &weak).await.expect(422).expect_text("at least 10 characters").expect_text("Ana@Example.com");
    ana.post(&path, &OPEN).await.expect_redirect("/tickets");
    ana.get("/tickets").await.expect(200).expect_text("No tickets yet");
    ana.get("/profile").await.expect_text("<option selected>Europe/Madrid");
    app.stranger().post(&path, &OPEN).await.expect(404);
    app.stranger().sign_in("ANA@example.com ", PASSWORD).await.expect_redirect("/tickets");
}

#[actix_web::test]
async fn the_set_up_link_ends_after_thirty_minutes() {
    let app = TestApp::start().await;
    app.wait(Duration::from_secs(31 * 60));
    app.stranger().get(&app.setup_path.clone().unwrap()).await.expect(404);
}

#[actix_web::test]
async fn sample_data_can_be_ticked_at_the_start() {
    let app = TestApp::start().await;
    let ana = app.stranger();
    let fields = [&OPEN[..], &[("sample", "1")]].concat();
    ana.post(&app.setup_path.clone().unwrap(), &fields).await.expect(303);
    assert!(ana.list("").await.len() > 10);
}

#[actix_web::test]
async fn the_session_is_a_cookie_that_scripts_cannot_read() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let answer = app.stranger().sign_in(&owner.email, PASSWORD).await;
    let cookie = answer.header("set-cookie");
    for part in ["docket_session_", "HttpOnly", "SameSite=Lax", "Path=/"] {
        assert!(cookie.contains(part), "{cookie}");
    }
    let secure = TestApp::start_with(|config| config.public_url = Some("https://desk.example".parse().unwrap())).await;
    let person = secure.stranger();
    // The client sends no Secure cookies over plain http, so check only the header.
    let request = person.request(Method::POST, &secure.setup_path.clone().unwrap());
    let request = request.header("host", "desk.example").form(&OPEN);
    let answer = person.send(request).await;
    let cookie = answer.expect(303).header("set-cookie");
    assert!(cookie.starts_with("__Host-docket_") && cookie.contains("Secure"), "{cookie}");
}

#[actix_web::test]
async fn sessions_end_when_they_should() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let other = app.stranger();
    other.sign_in(&owner.email, PASSWORD).await.expect(303);

    // Signing out ends the session, so a copy of the cookie stops working too.
    let copied = app.stranger();
    let signed_in = copied.sign_in(&owner.email, PASSWORD).await;
    let cookie = signed_in.header("set-cookie").split(';').next().unwrap().to_owned();
    let replay = || app.stranger().client.get(format!("{}/tickets", app.base)).header("cookie", &cookie);
    copied.send(replay()).await.expect(200);
    copied.post("/logout", &[]).await.expect_redirect("/login");
    copied.send(replay()).await.expect(303);
    owner.get("/tickets").await.expect(200);

    other.sign_in(&owner.email, PASSWORD).await.expect(303);
    let wrong = [("current", "wrong password"), ("password", "another good password")];
    owner.post("/profile/password", &wrong).await.expect(422).expect_text("current password is wrong");
    let right = [("current", PASSWORD), ("password", "another good password")];
    owner.post("/profile/password", &right).await.expect(303);
    owner.get("/tickets").await.expect(200);
    other.get("/tickets").await.expect(303);
    other.sign_in(&owner.email, PASSWORD).await.expect(401);

    // A session that is used every ten days stays valid, but not for ever.
    for _ in 0..2 {
        app.wait(Duration::from_secs(10 * 24 * 3600));
        owner.get("/tickets").await.expect(200);
    }
    app.wait(Duration::from_secs(11 * 24 * 3600));
    owner.get("/tickets").await.expect(303);
    owner.sign_in(&owner.email, "another good password").await.expect(303);
    app.wait(Duration::from_secs(15 * 24 * 3600));
    owner.get("/tickets").await.expect(303);
}

#[actix_web::test]
async fn disabling_somebody_ends_their_session_at_once() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let editor = app.member(&owner, Role::Editor).await;
    let disable = owner.post(&format!("/settings/team/{}/disable", editor.id), &[]).await;
    disable.expect(303);
    editor.get("/tickets").await.expect(303);
    editor.sign_in(&editor.email, PASSWORD).await.expect(401);
    owner
        .get("/settings/team")
        .await
        .expect_text("Disabled")
        .expect_text(&format!("/settings/team/{}/enable", editor.id));
    owner.post(&format!("/settings/team/{}/enable", editor.id), &[]).await.expect(303);
    editor.sign_in(&editor.email, PASSWORD).await.expect(303);
    owner.post(&format!("/settings/team/{}/disable", owner.id), &[]).await.expect(403);
}

#[actix_web::test]
async fn signing_in_does_not_tell_who_exists_and_slows_down() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let stranger = app.stranger();
    let known = stranger.sign_in(&owner.email, "not the password").await;
    let unknown = stranger.sign_in("nobody@example.com", "not the password").await;
    known.expect(401);
    assert_eq!(known.body.replace(&owner.email, ""), unknown.body.replace("nobody@example.com", ""));
    for _ in 0..5 {
        stranger.sign_in(&owner.email, "not the password").await;
    }
    let kept = [
        ("email", owner.email.as_str()),
        ("password", PASSWORD),
        ("keptPath", "/tickets/1/notes"),
        ("kept.notes", "typed"),
    ];
    let slowed = stranger.post("/login", &kept).await;
    assert!(!slowed.expect(429).header("retry-after").is_empty());
    slowed.expect_text("name=\"kept.notes\"").expect_text("typed");
    let second = app.owner().await;
    app.stranger().sign_in(&second.email, PASSWORD).await.expect(303);
}

#[actix_web::test]
async fn next_leads_back_to_our_own_pages_only() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    for (next, expected) in [
        ("/tickets/new?conversationId=a&title=b", "/tickets/new?conversationId=a&title=b"),
        ("//evil.example", "/tickets"),
        ("https://evil.example", "/tickets"),
        ("/\\evil.example", "/tickets"),
    ] {
        let fields = [("email", owner.email.as_str()), ("password", PASSWORD), ("next", next)];
        app.stranger().post("/login", &fields).await.expect_redirect(expected);
    }
}

#[actix_web::test]
async fn an_invitation_lets_one_person_in_once() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let admin = app.member(&owner, Role::Admin).await;
    admin.post("/settings/team/invitations", &[("email", "a@b.example"), ("role", "owner")]).await.expect(403);
    admin.post("/settings/team/invitations", &[("email", "no address"), ("role", "viewer")]).await.expect(422);
    let taken = [("email", owner.email.as_str()), ("role", "viewer")];
    admin.post("/settings/team/invitations", &taken).await.expect(409).expect_text("already exists");

    let invited = admin.post("/settings/team/invitations", &[("email", "new@example.com"), ("role", "viewer")]).await;
    let path = invited.expect(201).one_time_link();
    let new = app.stranger();
    new.get(&path).await.expect(200).expect_text("new@example.com");
    new.post(&path, &[("name", "Nina"), ("password", PASSWORD)]).await.expect_redirect("/tickets");
    new.get("/tickets").await.expect(200);
    new.get("/settings").await.expect(403);
    app.stranger().get(&path).await.expect(404);

    let invited = admin.post("/settings/team/invitations", &[("email", "late@example.com"), ("role", "viewer")]).await;
    let path = invited.one_time_link();
    app.wait(Duration::from_secs(4 * 24 * 3600));
    app.stranger().get(&path).await.expect(404);
}

#[actix_web::test]
async fn only_owners_touch_owners() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let admin = app.member(&owner, Role::Admin).await;
    let editor = app.member(&owner, Role::Editor).await;
    admin.post(&format!("/settings/team/{}/role", owner.id), &[("role", "viewer")]).await.expect(403);
    admin.post(&format!("/settings/team/{}/disable", owner.id), &[]).await.expect(403);
    admin.post(&format!("/settings/team/{}/role", editor.id), &[("role", "owner")]).await.expect(403);
    admin.post(&format!("/settings/team/{}/role", editor.id), &[("role", "viewer")]).await.expect(303);
    editor.post("/tickets", &[("title", "x")]).await.expect(403);
    let make_owner = |password| [("role", "owner"), ("current", password)];
    let path = format!("/settings/team/{}/role", admin.id);
    owner.post(&path, &make_owner("a wrong password")).await.expect(422).expect_text("current password is wrong");
    owner.post(&path, &make_owner(PASSWORD)).await.expect(303);
}

/// Concurrent guesses do not bypass the throttle.
#[actix_web::test]
async fn many_guesses_at_once_are_slowed_down_too() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let stranger = app.stranger();
    let guesses = (0..30).map(|_| stranger.sign_in(&owner.email, "not the password"));
    let answers = futures_util::future::join_all(guesses).await;
    let checked = answers.iter().filter(|answer| answer.status == 401).count();
    assert!(checked <= 6, "{checked}");
}

#[actix_web::test]
async fn time_zones_are_known_in_any_case_and_unknown_ones_are_named() {
    for (sent, zone, is_known) in
        [("europe/berlin", "Europe/Berlin", true), ("", "UTC", true), ("Mars/Base", "UTC", false)]
    {
        let app = TestApp::start().await;
        let ana = app.stranger();
        let fields = [("name", "Ana"), ("email", "ana@example.com"), ("password", PASSWORD), ("timeZone", sent)];
        ana.post(app.setup_path.as_deref().unwrap(), &fields).await.expect_redirect("/tickets");
        let first = ana.get("/tickets").await;
        assert_eq!(first.expect(200).body.contains("is unknown here"), !is_known, "{sent}");
        if !is_known {
            first.expect_text(sent);
        }
        ana.get("/profile").await.expect_text(&format!("<option selected>{zone}</option>"));
        ana.post("/profile", &[("name", "Ana"), ("timeZone", "asia/TOKYO")]).await.expect(303);
        ana.get("/profile").await.expect_text("<option selected>Asia/Tokyo</option>");
    }
}
