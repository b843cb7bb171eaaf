//! Submissions from websites' forms.

use crate::support::{Person, TestApp};
use docket::accounts::role::Role;
use reqwest::Method;
use reqwest::multipart::{Form, Part};
use serde_json::json;
use std::time::Instant;

#[actix_web::test]
async fn every_encoding_keeps_every_field_in_order() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let form = owner.make_form("Contact").await;
    let visitor = app.stranger();
    let url = format!("{}{form}", app.base);

    let fields = [("zeta", "1"), ("alpha", "zwei & <drei>"), ("zeta", "vier"), ("empty", ""), ("email", "a@b.example")];
    let plain = visitor.send(visitor.client.post(&url).form(&fields)).await;
    plain.expect_redirect(&format!("{form}/thanks"));
    visitor.get(plain.location()).await.expect(200).expect_text("Thank you");

    let mut multipart = Form::new();
    for (name, value) in fields {
        multipart = multipart.text(name, value);
    }
    multipart = multipart.part("photo", Part::bytes(b"bytes".to_vec()).file_name("photo.png"));
    visitor.send(visitor.client.post(&url).multipart(multipart)).await.expect(303);

    let body = r#"{"zeta":1,"alpha":"zwei & <drei>","zeta":"vier","empty":null,"email":"a@b.example"}"#;
    let request = visitor.client.post(&url).header("content-type", "application/json").body(body);
    let answer = visitor.send(request.header("origin", "https://shop.example")).await;
    assert_eq!(answer.expect(201).header("access-control-allow-origin"), "*");
    assert!(answer.json()["id"].is_string());

    let list = owner.get("/submissions").await;
    let ids: Vec<String> = list.expect(200).attributes(".row-link", "href");
    assert_eq!(ids.len(), 3);
    for id in ids {
        let page = owner.get(&id).await;
        let names: Vec<String> = page.texts("dt").into_iter().take(5).collect();
        assert_eq!(names, ["zeta", "alpha", "zeta", "empty", "email"], "{}", page.body);
        page.expect_text("zwei &#38; &#60;drei&#62;").expect_text("vier").expect_text("a@b.example");
    }
}

#[actix_web::test]
async fn page_url_and_country_come_from_whom_they_should() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let form = owner.make_form("Contact").await;
    let visitor = app.stranger();
    let send = |fields: Vec<(&'static str, &'static str)>, headers: Vec<(&'static str, &'static str)>| {
        let mut request = visitor.client.post(format!("{}{form}", app.base)).form(&fields);
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let (visitor, owner) = (visitor.clone(), owner.clone());
        async move {
            visitor.send(request).await.expect(303);
            owner.get(&format!("/submissions/{}", owner.newest_submission().await)).await
        }
    };
    let page =
        send(vec![("a", "b"), ("_page", "https://shop.example/x?y=1")], vec![("referer", "https://other.example/")])
            .await;
    page.expect_text("https://shop.example/x?y=1").expect_no_text("other.example").expect_no_text("_page");
    let page = send(vec![("a", "b")], vec![("referer", "https://other.example/"), ("cf-ipcountry", "SE")]).await;
    page.expect_text("https://other.example/").expect_no_text("SE</dd>");
    let page = send(vec![("a", "b"), ("_page", "javascript:alert(1)")], vec![]).await;
    page.expect_no_text("javascript:");

    let behind = TestApp::start_with(|config| config.trusted_proxies = "127.0.0.0/8".parse().unwrap()).await;
    let owner = behind.owner().await;
    let form = owner.make_form("Contact").await;
    let request = owner.client.post(format!("{}{form}", behind.base)).form(&[("a", "b")]);
    owner.send(request.header("cf-ipcountry", "se")).await.expect(303);
    owner.get(&format!("/submissions/{}", owner.newest_submission().await)).await.expect_text("Sweden (SE)");
}

#[actix_web::test]
async fn next_leads_to_allowed_origins_only() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let form = owner.make_form("Contact").await;
    let visitor = app.stranger();
    let go = |next: &'static str, origin: &'static str| {
        let request = visitor.client.post(format!("{}{form}", app.base)).form(&[("a", "b"), ("_next", next)]);
        visitor.send(request.header("origin", origin))
    };
    let thanks = format!("{form}/thanks");
    // Without a list of websites, redirects lead only to the site that sent the form.
    go("https://shop.example/ok", "https://shop.example").await.expect_redirect("https://shop.example/ok");
    go("https://evil.example/", "https://shop.example").await.expect_redirect(&thanks);
    go("javascript:alert(1)", "https://shop.example").await.expect_redirect(&thanks);

    let id = owner.get("/settings/forms").await.id_below("/settings/forms/");
    let path = format!("/settings/forms/{id}");
    let settings = [
        ("name", "Contact"),
        ("allowedOrigins", "https://shop.example/page\nhttps://www.shop.example"),
        ("next", "https://shop.example/thanks"),
    ];
    owner.post(&path, &settings).await.expect(303);
    go("https://www.shop.example/ok", "https://shop.example").await.expect_redirect("https://www.shop.example/ok");
    go("https://evil.example/", "https://shop.example").await.expect_redirect("https://shop.example/thanks");
    go("/x", "https://other.example").await.expect(403);
    let bad = owner.post(&path, &[("name", "Contact"), ("allowedOrigins", "shop"), ("next", "")]).await;
    bad.expect(422).expect_text("“shop” is not a website’s address");
}

#[actix_web::test]
async fn the_honeypot_sorts_spam_away() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let form = owner.make_form("Contact").await;
    let visitor = app.stranger();
    visitor.post(&form, &[("name", "Robot"), ("_gotcha", "http://x.example")]).await.expect(303);
    owner.get("/submissions").await.expect_no_text("Robot");
    let spam = owner.get("/submissions?spam=1").await;
    let id = spam.expect_text("Robot").id_below("/submissions/");
    owner.post(&format!("/submissions/{id}/not-spam"), &[]).await.expect(303);
    owner.get("/submissions").await.expect_text("Robot");
    owner.post(&format!("/submissions/{id}/spam"), &[]).await.expect(303);
    owner.get("/submissions").await.expect_no_text("Robot</a>").expect_text("Moved to spam.");
}

#[actix_web::test]
async fn what_cannot_be_kept_is_refused_with_a_reason() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let form = owner.make_form("Contact").await;
    let visitor = app.stranger();
    let url = format!("{}{form}", app.base);
    visitor.post("/f/unknown", &[("a", "b")]).await.expect(404);
    visitor.post(&form, &[]).await.expect(422).expect_text("without any field");
    let many: Vec<(String, &str)> = (0..101).map(|index| (format!("f{index}"), "x")).collect();
    visitor.send(visitor.client.post(&url).form(&many)).await.expect(413);
    let large = "x".repeat(70_000);
    visitor.post(&form, &[("a", &large)]).await.expect(413);
    visitor.send(visitor.client.post(&url).multipart(Form::new().text("a", large))).await.expect(413);
    visitor.send(visitor.client.post(&url).header("content-type", "text/plain").body("a=b")).await.expect(415);
    let broken =
        visitor.client.post(&url).header("content-type", "application/json").header("accept", "application/json");
    let answer = visitor.send(broken.body("[1]")).await;
    assert_eq!(answer.expect(400).json()["error"]["code"], "invalid_body");
    owner.get("/submissions").await.expect_text("Nothing was sent yet");
}

#[actix_web::test]
async fn the_public_endpoint_is_blind_to_cookies() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let form = owner.make_form("Contact").await;
    for person in [&owner, &app.stranger()] {
        let request = person.client.post(format!("{}{form}", app.base)).header("sec-fetch-site", "cross-site");
        let answer = person.send(request.form(&[("a", "b")])).await;
        answer.expect(303);
        assert!(answer.header("set-cookie").is_empty());
        person.get(&format!("{form}/thanks")).await.expect(200).expect_no_text("Olivia");
    }
    let asked = app.stranger().send(owner.client.request(Method::OPTIONS, format!("{}{form}", app.base))).await;
    assert_eq!(asked.expect(204).header("access-control-allow-headers"), "Content-Type");
    let json = json!({ "a": "b" });
    owner.send(owner.client.post(format!("{}{form}", app.base)).json(&json)).await.expect(201);
}

#[actix_web::test]
async fn a_deleted_submission_leaves_its_ticket() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let form = owner.make_form("Contact").await;
    app.stranger().post(&form, &[("name", "Vera"), ("message", "Hello")]).await;
    let id: String = owner.newest_submission().await;
    let number = owner.make_ticket_of(&[("title", "Stays"), ("formSubmissionId", &id)]).await;
    owner.get("/submissions").await.expect_text(&format!("/tickets/new?formSubmissionId={id}"));
    owner.post(&format!("/submissions/{id}/delete"), &[]).await.expect(303);
    owner.get("/submissions").await.expect_text("action=\"/undo?event=");
    owner.get(&format!("/tickets/{number}")).await.expect(200).expect_text("no longer exists");
    owner.post(&format!("/submissions/{id}/restore"), &[]).await.expect(303);
    owner.get(&format!("/tickets/{number}")).await.expect_text("Hello");
}

/// A short body must not grow in memory: a name is not copied for each of its many values.
#[actix_web::test]
async fn a_small_body_cannot_ask_for_very_many_fields() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let form = owner.make_form("Contact").await;
    let url = format!("{}{form}", app.base);
    let values = vec!["1"; 10_000].join(",");
    let body = format!("{{\"{}\":[{values}]}}", "n".repeat(30_000));
    let request = owner.client.post(&url).header("content-type", "application/json").body(body);
    let answer = owner.send(request.header("origin", "https://shop.example")).await;
    assert_eq!(answer.expect(413).json()["error"]["code"], "too_large");
    assert_eq!(answer.header("access-control-allow-origin"), "*", "the site can read why");
    let mut parts = Form::new();
    for _ in 0..200 {
        parts = parts.text("n".repeat(300), "");
    }
    owner.send(owner.client.post(&url).multipart(parts)).await.expect(413);
}

#[actix_web::test]
async fn nothing_is_named_by_a_nul() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let form = owner.make_form("Contact").await;
    for path in ["/f/%00/thanks", "/conversations/%00", "/submissions/a%00b"] {
        owner.get(path).await.expect(404);
    }
    owner.post("/f/%00", &[("a", "b")]).await.expect(404);
    owner.get("/tickets?tag=%00&q=%00a").await.expect(200);
    let fields = [("a%00\0b", "c\0d"), ("_page", "https://a.example/\0")];
    app.stranger().post(&form, &fields).await.expect(303);
}

#[actix_web::test]
async fn a_flood_is_refused_before_it_costs_anything_and_others_come_through() {
    let app = TestApp::start_behind_proxy().await;
    let owner = app.owner().await;
    let form = owner.make_form("Contact").await;
    // Without forwarded addresses, all of these come from one address.
    let flood = (0..90).map(|index| {
        let json = json!({ "message": format!("number {index}") });
        owner.send(owner.request(Method::POST, &form).json(&json))
    });
    let begun = Instant::now();
    let answers = futures_util::future::join_all(flood).await;
    // 60 at once, and two more each second.
    let most = 61 + 2 * begun.elapsed().as_millis().div_ceil(1_000) as usize;
    let kept: Vec<_> = answers.iter().filter(|answer| answer.status == 201).collect();
    let refused: Vec<_> = answers.iter().filter(|answer| answer.status == 429).collect();
    assert!((60..=most.min(89)).contains(&kept.len()) && kept.len() + refused.len() == 90, "{} kept", kept.len());
    for answer in &refused {
        assert!(answer.header("retry-after").parse::<u32>().unwrap() >= 1);
        assert_eq!(
            (answer.json()["error"]["code"].as_str(), answer.header("access-control-allow-origin")),
            (Some("rate_limited"), "*")
        );
    }
    let first = owner.get("/submissions").await;
    let second = owner.get(&first.attribute("[rel=next]", "href")).await;
    let shown = [first, second].map(|page| page.count(".row-link"));
    assert_eq!(shown.iter().sum::<usize>(), kept.len());
    owner.visit(&form, &[("message", "from elsewhere")]).await.expect(303);
    // A form that is switched off accepts no submissions.
    let id = owner.get("/settings/forms").await.id_below("/settings/forms/");
    owner.post(&format!("/settings/forms/{id}"), &[("name", "Contact"), ("off", "1")]).await.expect(303);
    owner.visit(&form, &[("message", "too late")]).await.expect(404);
    // The page after sending shows the form's thank-you text.
    owner.post(&format!("/settings/forms/{id}"), &[("name", "Contact"), ("thanks", "Vielen Dank!")]).await.expect(303);
    owner.get(&format!("{form}/thanks")).await.expect_text("Vielen Dank!");
}

#[actix_web::test]
async fn what_filled_the_honeypot_is_counted_and_shown() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let form = owner.make_form("Contact").await;
    owner.get("/submissions").await.expect_no_text("Spam <span");
    for count in 1..=2 {
        app.stranger().post(&form, &[("name", "Ana"), ("_gotcha", "Ana’s Lamps Ltd")]).await.expect(303);
        let list = owner.get("/submissions").await;
        list.expect_text(&format!("Spam <span class=\"count\">{count}</span>")).expect_no_text("row-link");
    }
    let id = owner.get("/submissions?spam=1").await.id_below("/submissions/");
    owner
        .get(&format!("/submissions/{id}"))
        .await
        .expect_text("<dt dir=\"auto\">_gotcha</dt><dd dir=\"auto\">Ana’s Lamps Ltd</dd>");
}

#[actix_web::test]
async fn submissions_are_an_inbox() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let colleague = app.member(&owner, Role::Editor).await;
    let form = owner.make_form("Contact").await;
    let unread = async |person: &Person| person.get("/live/unread").await.json()["submissions"].as_i64().unwrap();
    for name in ["Ana", "Bea", "Cleo"] {
        app.stranger().visit(&form, &[("name", name), ("message", "Hello")]).await.expect(303);
    }
    app.stranger().visit(&form, &[("name", "Spam"), ("_gotcha", "x")]).await.expect(303);
    assert_eq!(unread(&owner).await, 3);
    let ids = owner.get("/submissions?done=0").await.attributes(".row-link", "href");
    let [cleo, bea, ana] = ids.as_slice() else { panic!("{ids:?}") };

    owner.get(cleo).await.expect(200);
    owner.get(cleo).await.expect(200);
    assert_eq!((unread(&owner).await, unread(&colleague).await), (2, 3), "each has read for themselves");
    owner.post(&format!("{bea}/done"), &[]).await.expect_redirect("/submissions?done=0");
    assert_eq!((unread(&owner).await, unread(&colleague).await), (1, 2), "what is done needs nobody");
    let list = owner.get("/submissions?done=0").await;
    assert_eq!(list.attributes(".row-link", "href"), [cleo.clone(), ana.clone()]);
    owner.post(&list.attribute(".flash form", "action"), &[]).await.expect(303);
    assert_eq!(owner.get("/submissions?done=0").await.count(".row-link"), 3, "undone");

    let id = ana.rsplit('/').next().unwrap();
    let number = owner.make_ticket_of(&[("title", "Ana"), ("formSubmissionId", id)]).await;
    assert_eq!(owner.get("/submissions?done=1").await.attributes(".row-link", "href"), std::slice::from_ref(ana));
    owner.get("/submissions").await.expect_text(&format!("href=\"/tickets/{number}\""));
    owner.post(&format!("{ana}/not-done"), &[]).await.expect_redirect(ana);
    assert_eq!(owner.get("/submissions?done=0").await.count(".row-link"), 3);
    app.member(&owner, Role::Viewer).await.post(&format!("{ana}/done"), &[]).await.expect(403);
    app.owner().await.post(&format!("{ana}/done"), &[]).await.expect(404);
}

#[actix_web::test]
async fn forms_and_chats_have_pages_of_their_own() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let form = owner.make_form("Contact").await;
    let settings = [("name", "Contact"), ("allowedOrigins", "https://shop.example"), ("askName", "1")];
    owner.post("/settings/forms/1", &settings).await.expect(303);
    let visitor = app.stranger();
    let page = visitor.get(&form).await;
    let names = page.expect(200).attributes("form [name]", "name");
    assert_eq!(names, ["name", "message", "files", "_gotcha"], "it asks for what its settings say");
    let sent = visitor
        .request(Method::POST, &form)
        .header("origin", &app.base)
        .header("referer", format!("{}{form}", app.base));
    let sent = visitor.send(sent.form(&[("name", "Ana"), ("message", "Hello")])).await;
    visitor.get(sent.expect(303).location()).await.expect(200).expect_no_text("Back to");
    let elsewhere = visitor.request(Method::POST, &form).header("origin", "https://other.example");
    visitor.send(elsewhere.form(&[("message", "Hello")])).await.expect(403);
    // The thank-you page leads back to the website.
    let thanks = visitor.request(Method::GET, &format!("{form}/thanks")).header("referer", "https://shop.example/");
    visitor.send(thanks).await.expect_text("href=\"https://shop.example\">Back to shop.example");

    let key = owner.make_widget("Shop").await;
    visitor.get(&format!("/c/{key}")).await.expect(200).expect_text(&format!("data-user=\"{key}\""));
    visitor.get("/c/nothing").await.expect(404);
    owner
        .post("/settings/chat/1", &[("name", "Shop"), ("language", "en"), ("colour", "#112233"), ("off", "1")])
        .await
        .expect(303);
    visitor.get(&format!("/c/{key}")).await.expect(404);
}
