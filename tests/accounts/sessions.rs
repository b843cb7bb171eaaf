//! Sessions, roles that change while people work, passwords and known browsers.

use crate::support::files::png;
use crate::support::raw::{FORM, Raw, cookie_of};
use crate::support::{PASSWORD, Person, TestApp, client, from_elsewhere, unique};
use chrono::TimeDelta;
use docket::accounts::role::Role;
use docket::accounts::sessions::Used;
use docket::accounts::{devices, sessions};
use reqwest::Method;
use std::time::Duration;
use tokio::io::AsyncWriteExt;

/// Demoted or disabled owners lose the invitations and keys that they may no longer create.
#[actix_web::test]
async fn what_a_demoted_owner_left_behind_is_worth_nothing() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    for (word, end) in [("role", [("role", "editor")].as_slice()), ("disable", &[])] {
        let second = app.member(&owner, Role::Owner).await;
        let invite = async |email: &str| {
            let fields = [("email", email), ("role", "owner"), ("current", PASSWORD)];
            let invited = second.post("/settings/team/invitations", &fields).await;
            invited.expect(201).one_time_link()
        };
        let path = invite(&format!("{}@example.com", unique("back"))).await;
        let key = second.make_key("Back door").await;
        let api = || client().get(format!("{}/api/v1/tickets", app.base)).bearer_auth(&key).send();
        assert_eq!(api().await.unwrap().status(), 200);
        owner.post(&format!("/settings/team/{}/{word}", second.id), end).await.expect(303);
        let new = app.stranger();
        new.post(&path, &[("name", "Back"), ("password", PASSWORD)]).await.expect(404);
        assert_eq!(api().await.unwrap().status(), 401);
        owner.get("/settings/team").await.expect(200).expect_no_text("Invited as owner");
    }
}

/// The gate checks a request when its head has arrived, but the role at the time of the
/// change decides.
#[actix_web::test]
async fn a_role_that_goes_while_the_form_is_sent_is_gone() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let (second, victim) = (app.member(&owner, Role::Admin).await, app.member(&owner, Role::Editor).await);
    let cookie = cookie_of(&app, &second).await;
    let path = format!("/settings/team/{}/role", victim.id);
    let mut raw = Raw::begin(&app.base, &path, &format!("{FORM}{cookie}"), "role=viewer".len(), "role=").await;
    // Further requests to the same server, so that the first one has passed the gate.
    for _ in 0..20 {
        second.get("/settings/team").await.expect(200);
    }
    owner.post(&format!("/settings/team/{}/role", second.id), &[("role", "viewer")]).await.expect(303);
    raw.0.write_all(b"viewer").await.unwrap();
    assert_eq!(raw.status().await, "403");
    victim.make_ticket("Still an editor").await;
}

#[actix_web::test]
async fn people_see_and_end_their_sessions() {
    let app = TestApp::start_behind_proxy().await;
    let owner = app.owner().await;
    let phone = app.stranger();
    let request = phone.request(Method::POST, "/login").header("x-forwarded-for", "203.0.113.77");
    let agent = "Mozilla/5.0 (Android 14; Mobile; rv:140.0) Gecko/140.0 Firefox/140.0";
    let fields = [("email", owner.email.as_str()), ("password", PASSWORD)];
    phone.send(request.header("user-agent", agent).form(&fields)).await.expect(303);
    let page = owner.get("/profile/sessions").await;
    page.expect(200).expect_text("This browser").expect_text("Firefox").expect_text("203.0.113.77");
    let id = page.id_below("/profile/sessions/");

    let neighbour = app.owner().await;
    neighbour.post(&format!("/profile/sessions/{id}/end"), &[]).await.expect(404);
    phone.get("/tickets").await.expect(200);
    owner.post(&format!("/profile/sessions/{id}/end"), &[]).await.expect_redirect("/profile/sessions");
    phone.get("/tickets").await.expect(303);
    owner.get("/tickets").await.expect(200);

    phone.sign_in(&owner.email, PASSWORD).await.expect(303);
    owner.post("/profile/sessions/end-others", &[]).await.expect(303);
    phone.get("/tickets").await.expect(303);
    owner.get("/tickets").await.expect(200);
}

#[actix_web::test]
async fn admins_sign_out_whom_they_may_manage() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let (admin, editor) = (app.member(&owner, Role::Admin).await, app.member(&owner, Role::Editor).await);
    let end = |id: i64| format!("/settings/team/{id}/end-sessions");
    admin.post(&end(owner.id), &[]).await.expect(403);
    editor.post(&end(admin.id), &[]).await.expect(403);
    app.owner().await.post(&end(editor.id), &[]).await.expect(404);
    editor.get("/tickets").await.expect(200);
    admin.post(&end(editor.id), &[]).await.expect_redirect("/settings/team");
    editor.get("/tickets").await.expect(303);
    owner.get("/tickets").await.expect(200);
}

#[actix_web::test]
async fn sessions_last_as_long_as_the_settings_say() {
    let hours = |count: u64| Duration::from_secs(count * 3600);
    let app = TestApp::start_with(|config| {
        config.session_idle = TimeDelta::hours(8);
        config.session_max = TimeDelta::days(1);
    })
    .await;
    let owner = app.owner().await;
    for _ in 0..3 {
        app.wait(hours(7));
        owner.get("/tickets").await.expect(200);
    }
    app.wait(hours(4));
    owner.get("/tickets").await.expect(303);
    owner.sign_in(&owner.email, PASSWORD).await.expect(303);
    app.wait(hours(9));
    owner.get("/tickets").await.expect(303);
}

#[actix_web::test]
async fn signing_out_clears_what_the_browser_keeps() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let number = owner.make_ticket("Picture").await;
    owner.attach(number, &[("a.png", &png(3))]).await.expect(201);
    let page = owner.get(&format!("/tickets/{number}")).await;
    let id = page.id_below("/attachments/");
    let path = format!("/tickets/{number}/attachments/{id}/thumbnail");
    let picture = owner.get(&path).await;
    assert_eq!(picture.expect(200).header("cache-control"), "private, no-cache");
    let tag = picture.header("etag").to_owned();
    let again = || owner.request(Method::GET, &path).header("if-none-match", &tag);
    owner.send(again()).await.expect(304);
    let out = owner.post("/logout", &[]).await;
    assert_eq!(out.expect(303).header("clear-site-data"), "\"cache\"");
    owner.send(again()).await.expect(303);
}

/// Guesses from a hundred addresses slow down strangers, but not the owner's browser.
#[actix_web::test]
async fn guessing_from_everywhere_leaves_known_browsers_alone() {
    let app = TestApp::start_behind_proxy().await;
    let owner = app.owner().await;
    let guess = async |person: &Person, password: &str| {
        let fields = [("email", owner.email.as_str()), ("password", password)];
        person.send(from_elsewhere(person.request(Method::POST, "/login")).form(&fields)).await
    };
    let mut statuses = Vec::new();
    for _ in 0..100 {
        statuses.push(guess(&app.stranger(), "a wrong password").await.status);
    }
    let refused = statuses.iter().filter(|status| **status == 429).count();
    assert!((70..=80).contains(&refused), "{statuses:?}");
    let stranger = guess(&app.stranger(), PASSWORD).await;
    assert!(!stranger.expect(429).header("retry-after").is_empty());
    owner.post("/logout", &[]).await.expect(303);
    guess(&owner, PASSWORD).await.expect(303);
}

#[actix_web::test]
async fn the_current_password_is_not_guessed_in_the_profile() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let viewer = app.member(&owner, Role::Viewer).await;
    let wish = [("current", "a wrong password"), ("password", "another good pass phrase")];
    let mut statuses = Vec::new();
    for _ in 0..10 {
        statuses.push(viewer.post("/profile/password", &wish).await.status);
    }
    assert!(statuses.contains(&422) && statuses.last() == Some(&429), "{statuses:?}");
    viewer.get("/tickets").await.expect(200);
    app.stranger().sign_in(&owner.email, PASSWORD).await.expect(303);
}

#[actix_web::test]
async fn weak_passwords_are_refused_and_equal_ones_are_equal() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    for weak in ["password123", "Passwort2024", "qwertzuiop", "oliviaowner", "short", "docketdocket1"] {
        let page = owner.post("/profile/password", &[("current", PASSWORD), ("password", weak)]).await;
        page.expect(422);
    }
    let nul = [("current", PASSWORD), ("password", "long enough \0 but not a text")];
    owner.post("/profile/password", &nul).await.expect(422);
    // One keyboard sends the letter as one character, another as two.
    let (whole, parts) = ("Möwen über dem Haus 7", "Mo\u{308}wen u\u{308}ber dem Haus 7");
    owner.post("/profile/password", &[("current", PASSWORD), ("password", whole)]).await.expect(303);
    app.stranger().sign_in(&owner.email, parts).await.expect(303);
    app.stranger().sign_in(&owner.email, whole).await.expect(303);
}

#[actix_web::test]
async fn a_user_has_a_hundred_sessions_and_twenty_known_browsers() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let (id, now) = (owner.id, app.app.clock.now() + TimeDelta::minutes(1));
    let open = async |from: usize, to: usize| {
        let open = move |conn: &mut docket::db::Connection| {
            for index in from..to {
                let used = Used { device: String::new(), network: String::new(), last_seen_at: now };
                sessions::open(conn, id, &format!("session {index}"), None, &used)?;
            }
            Ok(())
        };
        app.app.db.write(open).await.unwrap();
    };
    open(0, 99).await;
    owner.get("/tickets").await.expect(200);
    open(99, 100).await;
    owner.get("/tickets").await.expect_redirect("/login?next=%2Ftickets");
    let remember = move |conn: &mut docket::db::Connection| {
        let mut known = Vec::new();
        for index in 0..21 {
            let at = now + TimeDelta::minutes(index);
            devices::remember(conn, id, None, &format!("browser {index}"), at)?;
            known.push(devices::is_known(conn, id, "browser 0", at)?);
        }
        Ok(known)
    };
    let known = app.app.db.write(remember).await.unwrap();
    assert_eq!(known.iter().filter(|known| **known).count(), 20, "{known:?}");
}
