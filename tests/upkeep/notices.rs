//! Mails to the team, through a real mail server.

use crate::support::chat::Visitor;
use crate::support::smtp::{MailServer, decode};
use crate::support::{Person, TestApp, fresh_database};
use docket::accounts::role::Role;
use docket::config::Config;
use std::time::Duration;
use tempfile::TempDir;

pub fn with_mail(server: &MailServer) -> impl FnOnce(&mut Config) {
    with_mail_at(server.port)
}

pub fn with_mail_at(port: u16) -> impl FnOnce(&mut Config) {
    let url = format!("smtp://127.0.0.1:{port}");
    move |config| {
        config.smtp_url = Some(url);
        config.mail_from = Some("Docket <desk@desk.example>".into());
        config.public_url = Some("http://desk.example".parse().unwrap());
        config.trusted_proxies = "127.0.0.1".parse().unwrap();
    }
}

async fn start(server: &MailServer) -> (TestApp, Person) {
    let app = TestApp::start_with(with_mail(server)).await;
    let owner = app.owner().await;
    app.run_jobs().await;
    (app, owner)
}

#[actix_web::test]
async fn each_is_told_what_they_want_to_hear_and_once() {
    let mut server = MailServer::start();
    let (app, owner) = start(&server).await;
    let editor = app.member(&owner, Role::Editor).await;
    app.run_jobs().await;
    assert_eq!(server.take(), Vec::<String>::new(), "nothing is new yet");

    // The editor now wants notifications about assignments only.
    let fields = [("name", "Max editor"), ("timeZone", "UTC"), ("mail", "1"), ("mailAssignments", "1")];
    editor.post("/profile", &fields).await.expect(303);
    app.run_jobs().await;
    editor.get("/profile").await.expect_text("name=\"mailAssignments\" value=\"1\" checked");
    let form = owner.make_form("Contact").await;
    owner.visit(&form, &[("name", "Zoë ✉"), ("message", "Where is my parcel?")]).await.expect(303);
    owner.visit(&form, &[("name", "Bot"), ("_gotcha", "x")]).await.expect(303);
    let number = owner.make_ticket("Refund for Zoë").await;
    let assignee = editor.id.to_string();
    owner.post(&format!("/tickets/{number}/assignee"), &[("assignee", &assignee)]).await.expect(303);
    app.wait(Duration::from_secs(61));
    app.run_jobs().await;
    let mails = server.take();
    assert_eq!(mails.len(), 2, "{mails:?}");
    let to = |address: &str| mails.iter().find(|mail| mail.contains(&format!("X-RcptTo: {address}"))).unwrap();
    let decoded = decode(to(&owner.email));
    assert!(decoded.contains("Subject: Zoë ✉ sent a form"), "{decoded}");
    assert!(decoded.contains("Where is my parcel?") && decoded.contains("http://desk.example/submissions/"));
    assert!(decoded.contains("Auto-Submitted: auto-generated") && decoded.contains("desk@desk.example"));
    assert!(!decoded.contains("Bot"), "of spam nobody hears");
    let decoded = decode(to(&editor.email));
    assert!(decoded.contains("assigned ticket #1 to you") && decoded.contains("Refund for Zoë"), "{decoded}");
    app.run_jobs().await;
    assert_eq!(server.take(), Vec::<String>::new(), "once is enough");

    // A mail that could not be sent is sent when the mail server is back.
    server.stop();
    for index in 0..12 {
        owner.visit(&form, &[("name", "Ben"), ("message", &format!("number {index}"))]).await.expect(303);
    }
    app.wait(Duration::from_secs(61));
    app.run_jobs().await;
    server.start_again();
    app.run_jobs().await;
    assert_eq!(server.take(), Vec::<String>::new(), "the next try is in a minute");
    app.wait(Duration::from_secs(61));
    app.run_jobs().await;
    let mails = server.take();
    assert_eq!(mails.len(), 1);
    let decoded = decode(&mails[0]);
    assert!(decoded.contains("Subject: 12 new submissions") && decoded.contains("and 2 more"), "{decoded}");
}

#[actix_web::test]
async fn a_visitor_who_waits_is_told_after_five_minutes_and_never_gets_mail() {
    let server = MailServer::start();
    let (app, owner) = start(&server).await;
    let vera = Visitor::new(&app.base, &owner.make_widget("Shop").await);
    vera.write("Is anybody there?").await.expect(201);
    app.run_jobs().await;
    assert_eq!(server.take(), Vec::<String>::new(), "who is at the desk answers first");
    app.wait(Duration::from_secs(361));
    app.run_jobs().await;
    let mails = server.take();
    assert_eq!(mails.len(), 1, "{mails:?}");
    let decoded = decode(&mails[0]);
    assert!(decoded.contains("Vera is waiting for a reply") && decoded.contains("Is anybody there?"), "{decoded}");
    // After a reply, no visitor is waiting.
    let other = Visitor::new(&app.base, &vera.key);
    other.write("Me too").await.expect(201);
    let id = other.conversation(&owner).await;
    owner.post(&format!("/conversations/{id}/messages"), &[("body", "Yes")]).await.expect(303);
    app.wait(Duration::from_secs(361));
    app.run_jobs().await;
    assert_eq!(server.take(), Vec::<String>::new());
}

#[test]
fn a_mail_server_needs_a_sender_and_a_public_address() {
    let dir = TempDir::new().unwrap();
    let database = fresh_database(&dir);
    let stderr = |settings: &[(&str, &str)]| {
        let mut command = crate::support::process::command(dir.path(), &database);
        command.envs(settings.iter().copied()).arg("migrate");
        let output = crate::support::process::run(command, "");
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let (url, public, from) = (
        ("DOCKET_SMTP_URL", "smtp://localhost"),
        ("DOCKET_PUBLIC_URL", "https://desk.example"),
        ("DOCKET_MAIL_FROM", "Docket <desk@desk.example>"),
    );
    for (settings, said) in [
        (vec![url], "DOCKET_PUBLIC_URL"),
        (vec![url, public], "DOCKET_MAIL_FROM"),
        (vec![url, public, ("DOCKET_MAIL_FROM", "nobody")], "no address"),
        (vec![("DOCKET_SMTP_URL", "mail.example"), public, from], "cannot be read"),
    ] {
        let (code, text) = stderr(&settings);
        assert!(code == Some(1) && text.contains(said), "{code:?} {text}");
    }
    assert_eq!(stderr(&[url, public, from]).0, Some(0));
}
