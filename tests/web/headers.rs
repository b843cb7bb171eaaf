//! Headers of every response, whatever its status.

use crate::support::TestApp;
use reqwest::Method;
use std::io::Read;

#[actix_web::test]
async fn every_answer_carries_the_headers_of_the_desk() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self'; \
                  manifest-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";
    let answers = [
        (owner.get("/tickets").await, 200),
        (owner.get("/").await, 303),
        (app.stranger().post("/tickets", &[("title", "x")]).await, 401),
        (owner.get("/tickets/99").await, 404),
        (owner.send(owner.request(reqwest::Method::PUT, "/tickets")).await, 405),
        (owner.post("/tickets", &[("title", "")]).await, 422),
        (owner.send(owner.request(reqwest::Method::POST, "/tickets").json(&1)).await, 415),
        (app.stranger().get("/setup?token=none").await, 404),
    ];
    for (answer, status) in answers {
        answer.expect(status);
        assert_eq!(answer.header("content-security-policy"), policy, "{status}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{status}");
        assert_eq!(answer.header("referrer-policy"), "same-origin", "{status}");
        assert_eq!(answer.header("cache-control"), "no-store", "{status}");
        assert!(!answer.header("x-request-id").is_empty(), "{status}");
        assert!(answer.header("server").is_empty(), "{status}");
    }
}

#[actix_web::test]
async fn assets_are_cached_for_ever_under_their_hash() {
    let app = TestApp::start().await;
    let page = app.stranger().get("/login").await;
    // There is no account yet, so this is an error page. It still has styles.
    let path = page.attribute("link[rel=stylesheet]", "href");
    let asset = app.stranger().get(&path).await;
    assert!(asset.expect(200).header("cache-control").contains("immutable"));
    let outdated = path.replace("/static/", "/static/0");
    app.stranger().get(&outdated).await.expect(404);
}

#[actix_web::test]
async fn pages_have_no_inline_script_or_style() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let number = owner.make_ticket("<script>alert(1)</script>").await;
    for path in ["/tickets", "/tickets/new", "/conversations", "/submissions", "/settings/team", "/profile"] {
        let page = owner.get(path).await;
        for script in page.expect(200).body.split("<script").skip(1) {
            assert!(script.starts_with(" type=\"module\" src="), "{path}");
        }
        page.expect_no_text("<style").expect_no_text(" style=").expect_no_text(" onclick");
    }
    let page = owner.get(&format!("/tickets/{number}")).await;
    page.expect(200).expect_no_text("<script>alert").expect_text("&#60;script&#62;alert");
}

/// Browsers request error pages compressed too.
#[actix_web::test]
async fn errors_come_in_the_encoding_that_they_name() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    for path in ["/nothing/here", "/tickets/999", "/api/v1/nothing", "/chat/nokey/config"] {
        let request = owner.request(Method::GET, path).header("accept-encoding", "gzip");
        let answer = owner.send(request).await;
        assert_eq!(answer.status / 100, 4, "{path}");
        if answer.header("content-encoding") == "gzip" {
            let mut text = String::new();
            flate2::read::GzDecoder::new(answer.bytes.as_slice()).read_to_string(&mut text).unwrap();
            assert!(!text.is_empty(), "{path}");
        } else {
            assert!(answer.body.starts_with(['<', '{']), "{path}: {}", answer.body);
        }
    }
}
