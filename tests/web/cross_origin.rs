//! Requests from other websites.

use crate::support::{Answer, TestApp};
use reqwest::Method;
use serde_json::json;

#[actix_web::test]
async fn browsers_may_add_the_headers_of_monitoring() {
    let app = TestApp::start().await;
    let (owner, vera) = app.shop().await;
    let form = owner.make_form("Contact").await;
    let asked = "sentry-trace, baggage, traceparent, x-requested-with";
    let chat = ["messages", "config", "events"].map(|name| format!("/chat/{}/{name}", vera.key));
    for path in chat.iter().chain([&form]) {
        let request = vera
            .client
            .request(Method::OPTIONS, format!("{}{path}", app.base))
            .header("origin", "https://shop.example")
            .header("access-control-request-method", "POST")
            .header("access-control-request-headers", asked);
        let answer = vera.send(request).await;
        assert_eq!(answer.expect(204).header("access-control-allow-headers"), asked, "{path}");
        assert_eq!(answer.header("access-control-allow-origin"), "*", "{path}");
        assert!(answer.header("access-control-allow-methods").contains("POST"), "{path}");
    }
}

#[actix_web::test]
async fn every_answer_of_the_public_endpoints_can_be_read() {
    let app = TestApp::start().await;
    let (owner, vera) = app.shop().await;
    let form = owner.make_form("Contact").await;
    let [config, messages, events, nothing] =
        ["config", "messages", "events", "nothing"].map(|name| format!("/chat/{}/{name}", vera.key));
    let (long, longer) = ("x".repeat(70_000), "x".repeat(200_000));
    let cases = [
        (Method::POST, form.as_str(), "application/json", "{\"a\":\"b\"}", 201),
        (Method::POST, form.as_str(), "application/json", "[", 400),
        (Method::POST, "/f/unknown", "application/json", "{\"a\":\"b\"}", 404),
        (Method::PUT, form.as_str(), "application/json", "{}", 405),
        (Method::POST, form.as_str(), "application/json", long.as_str(), 413),
        (Method::POST, form.as_str(), "text/plain", "a=b", 415),
        (Method::POST, form.as_str(), "application/json", "{}", 422),
        (Method::GET, config.as_str(), "application/json", "", 200),
        (Method::GET, "/chat/unknown/config", "application/json", "", 404),
        (Method::GET, events.as_str(), "application/json", "", 404),
        (Method::GET, nothing.as_str(), "application/json", "", 404),
        (Method::POST, messages.as_str(), "application/json", "{", 400),
        (Method::POST, messages.as_str(), "application/json", longer.as_str(), 413),
        (Method::POST, messages.as_str(), "application/json", "{\"id\":\"short\",\"body\":\"x\"}", 422),
    ];
    let allows = |answer: &Answer| answer.header("access-control-allow-origin") == "*";
    for (method, path, content_type, body, status) in cases {
        let request = vera.client.request(method, format!("{}{path}", app.base)).bearer_auth(&vera.secret);
        let request = request.header("origin", "https://shop.example").header("content-type", content_type);
        let answer = vera.send(request.body(body.to_owned())).await;
        assert!(allows(answer.expect(status)), "{path} {status}");
    }
    vera.write("Hello").await.expect(201);
    let stream = vera.request(Method::GET, "/events?after=0").send().await.unwrap();
    assert_eq!(stream.headers()["access-control-allow-origin"], "*");

    let stranger = app.stranger();
    for path in ["/f/unknown", "/chat/unknown/messages"] {
        let url = format!("{}{path}", app.base);
        let flood = (0..90).map(|_| stranger.send(stranger.client.post(&url).json(&json!({ "a": "b" }))));
        let answers = futures_util::future::join_all(flood).await;
        assert!(answers.iter().any(|answer| answer.status == 429) && answers.iter().all(allows), "{path}");
    }
}
