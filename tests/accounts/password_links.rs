//! Links for a new password, by email and from a manager; invitations and test emails.

use crate::support::smtp::{MailServer, decode, link};
use crate::support::{Answer, PASSWORD, Person, TestApp};
use crate::upkeep::notices::with_mail;
use docket::accounts::role::Role;
use docket::upkeep::link_mails;
use docket::values::email::Email;
use std::time::Duration;

const NEW: &str = "another horse, another battery";

async fn set_by(person: &Person, link: &str, password: &str) -> Answer {
    person.get(link).await.expect_redirect("/password/new");
    person.post("/password/new", &[("password", password)]).await
}

#[actix_web::test]
async fn a_forgotten_password_is_replaced_by_a_mailed_link() {
    let server = MailServer::start();
    let app = TestApp::start_with(with_mail(&server)).await;
    let owner = app.owner().await;
    let stranger = app.stranger();
    stranger.get("/login").await.expect_text("/password/forgot");
    let ask = async |email: &str| stranger.post("/password/forgot", &[("email", email)]).await.expect(200).body.clone();
    let unknown = ask("nobody@example.com").await;
    let known = ask(&owner.email).await;
    assert_eq!(known.replace(&owner.email, ""), unknown.replace("nobody@example.com", ""));
    stranger.post("/password/forgot", &[("email", "nobody")]).await.expect(422);

    let mail = server.next(&app).await;
    assert!(mail.contains("Auto-Submitted: auto-generated") && mail.contains(&owner.email), "{mail}");
    let link = link(&mail);
    let secret = link.strip_prefix("/password/").unwrap();
    let copy = app.dir.path().join("docket.db");
    if copy.exists() {
        let bytes = [std::fs::read(&copy).unwrap(), std::fs::read(copy.with_extension("db-wal")).unwrap()].concat();
        assert!(!bytes.windows(secret.len()).any(|part| part == secret.as_bytes()), "only the hash is stored");
    }
    // A scanner opens the link first.
    let scanner = app.stranger();
    scanner.get(&link).await.expect_redirect("/password/new");
    scanner.get(&link).await.expect_redirect("/password/new");

    let page = stranger.get("/password/new").await;
    page.expect(404).expect_text("Open the link for your new password again");
    set_by(&stranger, &link, "short").await.expect(422).expect_text("at least 10");
    stranger.get("/password/new").await.expect(200).expect_text(&owner.email);
    stranger.post("/password/new", &[("password", NEW)]).await.expect_redirect("/tickets");
    stranger.get("/tickets").await.expect(200).expect_text("Your new password is set");
    assert!(owner.get("/tickets").await.expect(303).location().starts_with("/login"), "other sessions end");
    app.stranger().sign_in(&owner.email, PASSWORD).await.expect(401);
    app.stranger().sign_in(&owner.email, NEW).await.expect(303);
    app.stranger().get(&link).await.expect(404).expect_text("Ask for a new one");
    scanner.post("/password/new", &[("password", PASSWORD)]).await.expect(404);
}

#[actix_web::test]
async fn a_mailed_link_lasts_an_hour_and_the_newest_only() {
    let server = MailServer::start();
    let app = TestApp::start_with(with_mail(&server)).await;
    let owner = app.owner().await;
    let ask = async |email: &str| link_mails::request_password(&app.app, Email::parse(email).unwrap()).await.unwrap();
    ask(&owner.email).await;
    let first = link(&server.next(&app).await);
    ask(&owner.email).await;
    ask(&owner.email).await;
    let second = link(&server.next(&app).await);
    app.stranger().get(&first).await.expect(404);
    let late = app.stranger();
    late.get(&second).await.expect(303);
    app.wait(Duration::from_secs(3601));
    app.stranger().get(&second).await.expect(404);
    late.post("/password/new", &[("password", NEW)]).await.expect(404);

    // Changing the password in the profile ends links, too.
    ask(&owner.email).await;
    let third = link(&server.next(&app).await);
    let fields = [("current", PASSWORD), ("password", NEW)];
    owner.post("/profile/password", &fields).await.expect(303);
    app.stranger().get(&third).await.expect(404);

    // Who may not sign in gets none.
    let owner = app.owner().await;
    let editor = app.member(&owner, Role::Editor).await;
    ask(&editor.email).await;
    let fourth = link(&server.next(&app).await);
    // Nobody ends a manager's link by asking for a mail.
    let handed = owner.post(&format!("/settings/team/{}/password-link", editor.id), &[]).await;
    let handed = handed.expect(201).one_time_link();
    ask(&editor.email).await;
    let fourth = {
        app.stranger().get(&fourth).await.expect(303);
        link(&server.next(&app).await)
    };
    app.stranger().get(&handed).await.expect(303);
    owner.post(&format!("/settings/team/{}/disable", editor.id), &[]).await.expect(303);
    app.stranger().get(&fourth).await.expect(404);
    owner.post(&format!("/settings/team/{}/enable", editor.id), &[]).await.expect(303);
    app.stranger().get(&fourth).await.expect(404);
    app.stranger().get(&handed).await.expect(404);
    owner.post(&format!("/settings/team/{}/disable", editor.id), &[]).await.expect(303);
    ask(&editor.email).await;
    ask("nobody@example.com").await;
    app.run_jobs().await;
    assert_eq!(server.take(), Vec::<String>::new());
}

#[actix_web::test]
async fn requests_for_links_are_bounded_without_a_word_about_the_address() {
    let server = MailServer::start();
    let app = TestApp::start_with(with_mail(&server)).await;
    let owner = app.owner().await;
    for _ in 0..3 {
        app.stranger().post("/password/forgot", &[("email", &owner.email)]).await.expect(200);
        server.next(&app).await;
    }
    app.stranger().post("/password/forgot", &[("email", &owner.email)]).await.expect(200);
    let mut refused = 0;
    for _ in 0..20 {
        let answer = app.stranger().post("/password/forgot", &[("email", &owner.email)]).await;
        refused += u32::from(answer.status == 429);
    }
    assert!(refused > 0, "one network asks only so often");
    app.run_jobs().await;
    assert_eq!(server.take(), Vec::<String>::new(), "an address gets three in a row");
}

#[actix_web::test]
async fn a_manager_hands_a_link_to_those_whom_they_may_manage() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let admin = app.member(&owner, Role::Admin).await;
    let editor = app.member(&owner, Role::Editor).await;
    app.stranger().get("/password/forgot").await.expect(200).expect_text("Ask an owner or admin");
    let path = |person: &Person| format!("/settings/team/{}/password-link", person.id);
    admin.post(&path(&owner), &[("current", PASSWORD)]).await.expect(403);
    admin.post(&path(&admin), &[]).await.expect(403);
    editor.post(&path(&admin), &[]).await.expect(403);
    app.owner().await.post(&path(&editor), &[]).await.expect(404);

    let create = async |by: &Person, of: &Person| by.post(&path(of), &[]).await.expect(201).one_time_link();
    let link = create(&admin, &editor).await;
    admin.get("/settings/audit").await.expect_text("created a link for a new password of Max editor");
    set_by(&app.stranger(), &link, NEW).await.expect(303);
    app.stranger().sign_in(&editor.email, NEW).await.expect(303);
    app.stranger().get(&link).await.expect(404);

    // It holds for a day, and only while the manager may still manage the member.
    let link = create(&admin, &editor).await;
    app.wait(Duration::from_secs(23 * 3600));
    app.stranger().get(&link).await.expect(303);
    app.wait(Duration::from_secs(3601));
    app.stranger().get(&link).await.expect(404);
    let link = create(&admin, &editor).await;
    let promote = [("role", "owner"), ("current", PASSWORD)];
    owner.post(&format!("/settings/team/{}/role", editor.id), &promote).await.expect(303);
    app.stranger().get(&link).await.expect(404);
    owner.post(&format!("/settings/team/{}/role", editor.id), &[("role", "editor")]).await.expect(303);
    app.stranger().get(&link).await.expect(303);
    owner.post(&format!("/settings/team/{}/role", admin.id), &[("role", "editor")]).await.expect(303);
    app.stranger().get(&link).await.expect(404);

    // For an owner it needs the password of the owner who creates it.
    owner.post(&format!("/settings/team/{}/role", editor.id), &promote).await.expect(303);
    owner.post(&path(&editor), &[]).await.expect(422);
    owner.post(&path(&editor), &[("current", PASSWORD)]).await.expect(201);
    owner.post(&format!("/settings/team/{}/disable", admin.id), &[]).await.expect(303);
    owner.post(&path(&admin), &[]).await.expect(409).expect_text("is disabled");
}

#[actix_web::test]
async fn invitations_are_mailed_and_tell_nobody_whose_addresses_exist() {
    let server = MailServer::start();
    let app = TestApp::start_with(with_mail(&server)).await;
    let owner = app.owner().await;
    let elsewhere = app.owner().await;
    let invite = async |email: &str| {
        let answer = owner.post("/settings/team/invitations", &[("email", email), ("role", "editor")]).await;
        answer.expect_redirect("/settings/team");
        let page = owner.get("/settings/team").await.expect(200).body.clone();
        (page.matches(email).count(), server.next(&app).await)
    };
    let (shown, free) = invite("new@example.com").await;
    let (shown_too, taken) = invite(&elsewhere.email).await;
    assert_eq!(shown, shown_too, "both wait on the team page");
    assert!(taken.contains("already have a user") && !taken.contains("/invitations/"), "{taken}");
    assert!(free.contains("Olivia Owner invites you to join"), "{free}");
    let path = link(&free);
    let new = app.stranger();
    new.post(&path, &[("name", "Nina"), ("password", PASSWORD)]).await.expect_redirect("/tickets");
    let own = [("email", "new@example.com"), ("role", "viewer")];
    owner.post("/settings/team/invitations", &own).await.expect(409).expect_text("already exists");

    // A test email goes to the user who asks for it.
    owner.post("/settings/test-email", &[]).await.expect_redirect("/settings");
    let mails = server.take();
    assert_eq!(mails.len(), 1);
    assert!(decode(&mails[0]).contains(&format!("X-RcptTo: {}", owner.email)), "{mails:?}");
    owner.get("/settings").await.expect_text("The mail server accepted the email");
}
