//! Files both ways: from visitors and from agents.

use crate::conversations::answers::{hand_over, with_answers};
use crate::conversations::mails::{Desk, only};
use crate::support::chat::Visitor;
use crate::support::clamd::Clamd;
use crate::support::files::{pdf, png};
use crate::support::multipart::{MULTIPART, multipart};
use crate::support::smtp::{MailServer, link};
use crate::support::{Answer, Person, TestApp, unique};
use crate::upkeep::check::check;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use diesel::prelude::*;
use docket::limits::slots::Holder;
use docket::upkeep::janitor;
use reqwest::Method;
use reqwest::multipart::{Form, Part};
use std::time::Duration;

const DAY: Duration = Duration::from_secs(24 * 3600);

/// Fields and files, as a browser sends them.
fn form(fields: &[(&str, &str)], files: &[(&str, &[u8])]) -> Form {
    let texts =
        fields.iter().fold(Form::new(), |form, (name, value)| form.text((*name).to_owned(), (*value).to_owned()));
    files.iter().fold(texts, |form, (name, bytes)| {
        form.part("files", Part::bytes(bytes.to_vec()).file_name((*name).to_owned()))
    })
}

/// A visitor's message from the bubble, with files.
async fn send(vera: &Visitor, body: &str, files: &[(&str, &[u8])]) -> Answer {
    let fields = [("id", unique("message")), ("body", body.to_owned()), ("name", "Vera".into())];
    let fields = fields.each_ref().map(|(name, value)| (*name, value.as_str()));
    vera.send(vera.request(Method::POST, "/messages").multipart(form(&fields, files))).await
}

async fn post(person: &Person, path: &str, fields: &[(&str, &str)], files: &[(&str, &[u8])]) -> Answer {
    person.send(person.request(Method::POST, path).multipart(form(fields, files))).await
}

/// Rows, files and counters agree.
async fn is_sound(app: &TestApp) {
    assert_eq!(check(app, false).await.1, Vec::<String>::new());
}

/// The addresses of the files on a page.
fn files_on(page: &Answer) -> Vec<String> {
    page.attributes(".shown-files a", "href")
}

#[actix_web::test]
async fn a_screenshot_reaches_the_team_and_the_ticket() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let vera = Visitor::new(&app.base, &owner.make_widget("Shop").await);
    let picture = png(1);
    let sent = send(&vera, "It looks like this", &[("Bild ä.png", &picture), ("bill.pdf", &pdf("red"))]).await;
    let line = sent.expect(201).json();
    assert_eq!(line["files"][0]["name"], "Bild ä.png");
    assert_eq!((&line["files"][0]["hasThumbnail"], &line["files"][1]["hasThumbnail"]), (&true.into(), &false.into()));
    let only_files = send(&vera, "", &[("two.png", &png(2))]).await;
    assert_eq!(only_files.expect(201).json()["body"], "", "its name is not repeated");

    let id = vera.conversation(&owner).await;
    let page = owner.get(&format!("/conversations/{id}")).await;
    let files = files_on(&page);
    assert_eq!(files.len(), 3);
    page.expect_text("Bild ä.png").expect_text(&format!("<img src=\"{}/thumbnail\"", files[0]));
    owner.get("/conversations").await.expect_text("two.png");
    owner.get("/conversations?q=two.png").await.expect_text("two.png");
    let file = owner.get(&files[0]).await;
    assert_eq!((file.expect(200).bytes.as_slice(), file.header("content-type")), (picture.as_slice(), "image/png"));
    assert!(file.header("content-security-policy").contains("sandbox"));
    owner.get(&format!("{}/thumbnail", files[0])).await.expect(200);
    let keys = app.stored_keys();
    assert_eq!(keys.iter().filter(|key| key.starts_with(&format!("sources/{}/", owner.id))).count(), 3, "{keys:?}");

    // Only the account and the visitor have it.
    app.owner().await.get(&files[0]).await.expect(404);
    app.stranger().get(&files[0]).await.expect(303);
    let path = format!("/files/{}", line["files"][0]["id"].as_str().unwrap());
    let fetch = |visitor: &Visitor| visitor.request(Method::GET, &path);
    assert_eq!(vera.send(fetch(&vera)).await.expect(200).bytes, picture);
    vera.send(vera.request(Method::GET, &format!("{path}/thumbnail"))).await.expect(200);
    let eve = Visitor::new(&app.base, &vera.key);
    eve.write("Hello").await.expect(201);
    eve.send(fetch(&eve)).await.expect(404);

    // The ticket gets copies of those that are ticked.
    let new = owner.get(&format!("/tickets/new?conversationId={id}")).await;
    let offered = new.attributes("input[name=copy][checked]", "value");
    assert_eq!(offered.len(), 3);
    let request = unique("request");
    let fields = [
        ("title", "Broken"),
        ("conversationId", &id),
        ("requestId", &request),
        ("copy", &offered[0]),
        ("copy", &offered[1]),
    ];
    for _ in 0..2 {
        owner.post("/tickets", &fields).await.expect_redirect("/tickets/1");
    }
    let ticket = owner.get("/tickets/1").await;
    assert_eq!(ticket.texts("#files .file-name"), ["Bild ä.png", "bill.pdf"], "sent twice, copied once");
    assert_eq!(files_on(&ticket), files, "and the conversation shows its own");
    let foreign = app.owner().await;
    let fields = [("title", "Mine"), ("conversationId", id.as_str()), ("requestId", "r-2"), ("copy", &offered[0])];
    foreign.post("/tickets", &fields).await.expect(303);
    assert_eq!(foreign.get("/tickets/1").await.count("#files .file"), 0);

    // The source and its files go; those of the ticket stay.
    owner.post(&format!("/conversations/{id}/delete"), &[]).await.expect(303);
    is_sound(&app).await;
    app.wait(DAY * 32);
    janitor::clear(&app.app).await.unwrap();
    let keys = app.stored_keys();
    assert!(!keys.iter().any(|key| key.starts_with("sources/")), "{keys:?}");
    owner.sign_in(&owner.email, crate::support::PASSWORD).await;
    let ticket = owner.get("/tickets/1").await;
    let copy = ticket.attributes("#files .file-face", "href");
    assert_eq!(owner.get(&copy[0]).await.expect(200).bytes, picture);
    is_sound(&app).await;
}

#[actix_web::test]
async fn what_is_refused_is_told_and_nothing_is_sent_without_it() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let vera = Visitor::new(&app.base, &owner.make_widget("Shop").await);
    let large = vec![b'x'; 5 * 1024 * 1024 + 1];
    let six: Vec<(&str, &[u8])> = vec![("a.txt", b"text".as_slice()); 6];
    for (files, status, said) in [
        (vec![("virus.exe", b"MZ".as_slice())], 415, "virus.exe: Only "),
        (vec![("fake.png", b"no picture".as_slice())], 415, "fake.png: "),
        (vec![("large.txt", large.as_slice())], 413, "large.txt: The file is larger than 5 MB."),
        (vec![("empty.txt", b"".as_slice())], 415, "empty.txt: The file is empty."),
        (vec![("good.txt", b"text".as_slice()), ("bad.exe", b"MZ".as_slice())], 415, "bad.exe: "),
        (six, 413, "a.txt: Send at most 5 files"),
    ] {
        let answer = send(&vera, "Look", &files).await;
        assert!(answer.expect(status).body.contains(said), "{}", answer.body);
    }
    assert_eq!(vera.history("").await.len(), 0);
    assert_eq!(owner.get("/conversations").await.count(".row-link"), 0);
    send(&vera, "", &[]).await.expect(422);
    // What was stored beside a refused file is removed.
    app.wait(DAY);
    janitor::clear(&app.app).await.unwrap();
    assert!(!app.stored_keys().iter().any(|key| key.starts_with("sources/")));
    is_sound(&app).await;
}

#[actix_web::test]
async fn visitors_have_a_quota_and_a_pace_of_their_own() {
    let app = TestApp::start_with(|config| config.visitor_quota = "10KB".parse().unwrap()).await;
    let owner = app.owner().await;
    let vera = Visitor::new(&app.base, &owner.make_widget("Shop").await);
    let text = vec![b'x'; 6_000];
    send(&vera, "One", &[("one.txt", &text)]).await.expect(201);
    let full = send(&vera, "Two", &[("two.txt", &text)]).await;
    assert!(full.expect(507).body.contains("There is no room for more files here at the moment."), "{}", full.body);
    send(&vera, "Without", &[]).await.expect(201);
    let number = owner.make_ticket("The team has room").await;
    owner.attach(number, &[("three.txt", &text)]).await.expect(201);
    let id = vera.conversation(&owner).await;
    post(&owner, &format!("/conversations/{id}/messages"), &[("body", "Here")], &[("four.txt", &text)])
        .await
        .expect(303);

    // One network sends only so many.
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let vera = Visitor::new(&app.base, &owner.make_widget("Shop").await);
    let mut sent = 0;
    loop {
        let id = unique("message");
        let request = vera.client.post(format!("{}/chat/{}/messages", app.base, vera.key)).bearer_auth(&vera.secret);
        let files = [("a.txt", b"text".as_slice()); 5];
        let answer = vera.send(request.multipart(form(&[("id", &id), ("body", "Look")], &files))).await;
        if answer.status == 507 {
            break;
        }
        answer.expect(201);
        sent += 5;
        assert!(sent <= 200, "it ends");
    }
    assert_eq!(sent, 40);
}

#[actix_web::test]
async fn a_form_of_any_page_has_bounds() {
    let app = TestApp::start().await;
    let field = |name: &str, size: usize| {
        let body = vec![b'x'; size];
        multipart(&[(format!("name=\"{name}\"").as_bytes(), &body)])
    };
    let many: Vec<(&[u8], &[u8])> = vec![(b"name=\"a\"", b""); 200];
    let large = vec![b'x'; 17 * 1024 * 1024];
    let file: Vec<u8> = multipart(&[(b"name=\"a\"; filename=\"a.txt\"", &large)]);
    for body in [field("email", 1_400_000), multipart(&many), file] {
        let request = app.stranger().request(Method::POST, "/login").header("content-type", MULTIPART).body(body);
        app.stranger().send(request).await.expect(413);
    }
}

#[actix_web::test]
async fn a_check_keeps_files_that_are_newer_than_the_database() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let vera = Visitor::new(&app.base, &owner.make_widget("Shop").await);
    let sent = send(&vera, "Look", &[("old.txt", b"old")]).await.expect(201).json();
    let orphan = format!("sources/{}/abcdefghjkmnpqr0.txt", owner.id);
    app.app.storage.put(&orphan, b"left over".to_vec().into()).await.unwrap();
    // The database of a day ago: for its clock, the object is from the future.
    let id = sent["files"][0]["id"].as_str().unwrap().to_owned();
    let day_ago = app.app.clock.now() - chrono::TimeDelta::days(400);
    let age = move |conn: &mut _| {
        let row = docket::db::schema::source_files::table.find(&id);
        diesel::update(row).set(docket::db::schema::source_files::created_at.eq(day_ago)).execute(conn)?;
        Ok(())
    };
    app.app.db.write(age).await.unwrap();
    let (_, said) = check(&app, true).await;
    assert!(said.len() == 1 && said[0].contains("is newer than the database"), "{said:?}");
    assert!(app.stored_keys().contains(&orphan));
}

#[actix_web::test]
async fn a_form_without_files_needs_no_place_for_files() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let path = owner.make_form("Contact").await;
    let holder = |number| Holder { account: number, user: number };
    let held: Vec<_> = (1..=4).map(|number| app.app.uploads.visitor_files.try_take(holder(number)).unwrap()).collect();
    assert!(app.app.uploads.visitor_files.try_take(holder(9)).is_none(), "all are taken");
    let empty = multipart(&[(b"name=\"message\"", b"Only words"), (b"name=\"files\"; filename=\"\"", b"")]);
    let request = app.stranger().request(Method::POST, &path).header("content-type", MULTIPART).body(empty);
    app.stranger().send(request).await.expect_redirect(&format!("{path}/thanks"));
    owner.get(&format!("/submissions/{}", owner.newest_submission().await)).await.expect_no_text("file not kept");
    drop(held);
}

#[actix_web::test]
async fn files_of_forms_arrive_with_the_submission() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let path = owner.make_form("Contact").await;
    let visitor = app.stranger();
    let files: [(&str, &[u8]); 3] = [("damage.png", &png(3)), ("tool.exe", b"MZ"), ("bill.pdf", &pdf("blue"))];
    let fields = [("name", "Vera"), ("message", "It is broken"), ("email", "vera@visitor.example")];
    let sent = post(&visitor, &path, &fields, &files).await;
    sent.expect_redirect(&format!("{path}/thanks?files=1"));
    visitor.get(sent.location()).await.expect_text("One file was not kept");
    let id = owner.newest_submission().await;
    let page = owner.get(&format!("/submissions/{id}")).await;
    page.expect_text("damage.png").expect_text("(file not kept: tool.exe: Only ").expect_text("It is broken");
    assert_eq!(files_on(&page).len(), 2);
    owner.get(&files_on(&page)[0]).await.expect(200);
    let new = owner.get(&format!("/tickets/new?formSubmissionId={id}")).await;
    let offered = new.attributes("input[name=copy]", "value");
    assert_eq!(offered.len(), 2);
    owner.post("/tickets", &[("title", "T"), ("formSubmissionId", &id), ("copy", &offered[1])]).await.expect(303);
    let ticket = owner.get("/tickets/1").await;
    assert_eq!((ticket.texts("#files .file-name"), files_on(&ticket).len()), (vec!["bill.pdf".to_owned()], 2));

    // Spam keeps no files.
    let spam = [("message", "Buy"), ("_gotcha", "x")];
    post(&visitor, &path, &spam, &[("a.png", &png(4))]).await.expect(303);
    owner.post(&format!("/submissions/{id}/delete"), &[]).await.expect(303);
    app.wait(DAY * 32);
    janitor::clear(&app.app).await.unwrap();
    assert!(!app.stored_keys().iter().any(|key| key.starts_with("sources/")));
    is_sound(&app).await;
}

#[actix_web::test]
async fn files_go_both_ways_by_mail_and_on_its_page() {
    let server = MailServer::start();
    let desk = Desk::on(TestApp::start_with(with_answers(&server)).await).await;
    let manual = pdf("green");
    let (path, fields) = (format!("{}/messages", desk.talk), [("body", "See the manual.")]);
    post(&desk.owner, &path, &fields, &[("manual.pdf", &manual)]).await.expect(303);
    desk.after(11).await;
    let mail = only(&server);
    assert!(mail.contains("See the manual.") && mail.contains("manual.pdf"), "{mail}");

    let (stranger, thread) = (desk.app.stranger(), link(&mail));
    let page = stranger.get(&thread).await;
    let files = files_on(&page);
    let file = stranger.get(&files[0]).await;
    assert_eq!(file.expect(200).bytes, manual);
    assert_eq!((file.header("referrer-policy"), file.header("x-robots-tag")), ("no-referrer", "noindex, nofollow"));
    let picture = png(5);
    let sent = post(&stranger, &format!("{thread}/messages"), &[("body", "")], &[("photo.png", &picture)]).await;
    assert_eq!(sent.expect(303).location(), format!("{thread}?sent=1"));
    let refused = post(&stranger, &format!("{thread}/messages"), &[("body", "My words")], &[("a.exe", b"MZ")]).await;
    refused.expect(415).expect_text("My words").expect_text("a.exe: Only ");

    // By mail: three files, of which one is refused.
    let reply_to = mail.lines().find_map(|line| line.strip_prefix("Reply-To: ")).unwrap();
    let part = |name: &str, bytes: &[u8]| {
        let coded = BASE64_STANDARD.encode(bytes);
        let head = format!(
            "Content-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\nContent-Disposition: attachment; filename=\"{name}\""
        );
        format!("--b\r\n{head}\r\n\r\n{coded}\r\n")
    };
    let parts = [part("mail.png", &picture), part("tool.exe", b"MZ"), part("note.txt", b"words")].concat();
    let raw = format!(
        "From: vera@visitor.example\r\nTo: {reply_to}\r\nMessage-ID: <files@x>\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n\
         --b\r\nContent-Type: text/plain\r\n\r\nHere they are.\r\n{parts}--b--\r\n"
    );
    hand_over(&desk.app, &raw).await.expect(204);
    let page = desk.page().await;
    page.expect_text("Here they are.").expect_text("mail.png").expect_text("note.txt");
    page.expect_text("Attached, not kept: tool.exe: Only ");
    assert_eq!(files_on(&page).len(), 4);
    // A message that belongs nowhere stores nothing.
    let before = desk.app.stored_keys().len();
    hand_over(&desk.app, &raw.replace("reply+", "reply+x")).await.expect(204);
    assert_eq!(desk.app.stored_keys().len(), before);
    // The files of another conversation are out of reach of this link.
    let eve = Visitor::new(&desk.app.base, &desk.vera.key);
    let line = send(&eve, "Mine", &[("secret.txt", b"secret")]).await.expect(201).json();
    stranger.get(&format!("{thread}/files/{}", line["files"][0]["id"].as_str().unwrap())).await.expect(404);
    desk.owner.post(&format!("{}/end-links", desk.talk), &[]).await.expect(303);
    stranger.get(&files[0]).await.expect(404);
}

#[actix_web::test]
async fn a_reply_with_a_file_is_given_back_when_the_file_is_refused() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let vera = Visitor::new(&app.base, &owner.make_widget("Shop").await);
    vera.write("Hello").await.expect(201);
    let path = format!("/conversations/{}/messages", vera.conversation(&owner).await);
    let refused = post(&owner, &path, &[("body", "My long answer")], &[("a.exe", b"MZ")]).await;
    refused.expect(415).expect_text("My long answer").expect_text("a.exe: Only ");
    assert_eq!(vera.history("").await.len(), 1);
    // An expired session gives the text back, too.
    let signed_out = post(&app.stranger(), &path, &[("body", "My long answer")], &[("a.txt", b"text")]).await;
    signed_out.expect(401).expect_text("My long answer");
    post(&owner, &path, &[("body", "")], &[("a.txt", b"text")]).await.expect(303);
    assert_eq!(vera.history("").await.len(), 2);
}

/// The test file of the European Institute for Computer Antivirus Research, in two parts, so that
/// scanners leave this source alone.
fn eicar() -> Vec<u8> {
    ["X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR-STANDARD-", "ANTIVIRUS-TEST-FILE!$H+H*"].concat().into_bytes()
}

#[actix_web::test]
async fn a_scanner_keeps_harmful_files_out() {
    let mut clamd = Clamd::start();
    let setting = clamd.setting();
    let app = TestApp::start_with(|config| config.clamd = Some(setting.parse().unwrap())).await;
    let owner = app.owner().await;
    let vera = Visitor::new(&app.base, &owner.make_widget("Shop").await);
    let refused = send(&vera, "Look", &[("letter.txt", &eicar())]).await;
    assert!(refused.expect(415).body.contains("letter.txt: The virus scanner refuses this file."), "{}", refused.body);
    send(&vera, "Look", &[("letter.txt", b"Dear team")]).await.expect(201);
    let number = owner.make_ticket("T").await;
    owner
        .attach(number, &[("letter.txt", &eicar())])
        .await
        .expect(415)
        .expect_text("The virus scanner refuses this file.");
    owner.attach(number, &[("picture.png", &png(6))]).await.expect(201);
    // Without an answer, nothing passes, and no text is lost.
    clamd.stop();
    let path = owner.make_form("Contact").await;
    let sent = post(&app.stranger(), &path, &[("message", "My words")], &[("letter.txt", b"Dear team")]).await;
    sent.expect_redirect(&format!("{path}/thanks?files=1"));
    let page = owner.get(&format!("/submissions/{}", owner.newest_submission().await)).await;
    page.expect_text("My words")
        .expect_text("(file not kept: letter.txt: The file can’t be checked or stored just now.");
    let talk = format!("/conversations/{}/messages", vera.conversation(&owner).await);
    let refused = post(&owner, &talk, &[("body", "My answer")], &[("letter.txt", b"Dear customer")]).await;
    refused.expect(503).expect_text("My answer").expect_text("letter.txt: The file can’t be checked");
    send(&vera, "Look", &[("letter.txt", b"Dear team")]).await.expect(503);
    owner.attach(number, &[("letter.txt", b"Dear team")]).await.expect(503);
    assert_eq!(vera.history("").await.len(), 1);
}
