//! Numbers for monitoring.

use crate::support::{Answer, TestApp, files};
use docket::config::Config;
use std::time::{Duration, Instant};

const TOKEN: &str = "a-token-for-monitoring";

fn with_token(config: &mut Config) {
    config.metrics_token = Some(TOKEN.into());
}

async fn metrics(app: &TestApp, token: &str) -> Answer {
    let stranger = app.stranger();
    stranger.send(stranger.client.get(format!("{}/metrics", app.base)).bearer_auth(token)).await
}

#[actix_web::test]
async fn whoever_has_the_token_sees_numbers_and_nothing_personal() {
    let app = TestApp::start_with(with_token).await;
    let owner = app.owner().await;
    let number = owner.make_ticket("A canary in a title").await;
    owner.get(&format!("/tickets/{number}?q=canary")).await.expect(200);
    owner.get("/tickets/999").await.expect(404);
    app.stranger().get("/canary/of/a/path").await.expect(404);
    app.stranger().get("/metrics").await.expect(401);
    metrics(&app, "another-token-of-20-signs").await.expect(401);
    owner.get("/metrics").await.expect(401);

    let page = metrics(&app, TOKEN).await;
    assert_eq!(page.expect(200).header("content-type"), "application/openmetrics-text; version=1.0.0; charset=utf-8");
    let has = |line: &str| page.body.lines().any(|known| known == line);
    for line in [
        "docket_requests_total{method=\"POST\",route=\"/tickets\",status=\"303\"} 1",
        "docket_requests_total{method=\"GET\",route=\"/tickets/{number}\",status=\"200\"} 1",
        "docket_requests_total{method=\"GET\",route=\"/tickets/{number}\",status=\"404\"} 1",
        "docket_requests_total{method=\"GET\",route=\"none\",status=\"404\"} 1",
        "docket_request_duration_seconds_count{method=\"GET\",route=\"/tickets/{number}\"} 2",
        "docket_given_up_jobs 0",
        "# EOF",
    ] {
        assert!(has(line), "{line} in {}", page.body);
    }
    page.expect_no_text("canary").expect_no_text(&owner.email);
    let free = page.body.lines().find_map(|line| line.strip_prefix("docket_free_space_bytes ")).unwrap();
    assert!(free.parse::<u64>().unwrap() > 0);
}

#[actix_web::test]
async fn files_jobs_and_connections_are_counted() {
    let app = TestApp::start_with(with_token).await;
    let owner = app.owner().await;
    let number = owner.make_ticket("T").await;
    owner.attach(number, &[("a.png", &files::png(1)), ("b.exe", b"MZ")]).await.expect(201);
    app.run_jobs().await;
    let page = metrics(&app, TOKEN).await;
    let value = |line: &str| page.body.lines().find_map(|known| known.strip_prefix(line)).map(str::to_owned);
    assert_eq!(value("docket_files_total{sender=\"team\",verdict=\"accepted\"} ").as_deref(), Some("1"));
    assert_eq!(value("docket_files_total{sender=\"team\",verdict=\"type_not_allowed\"} ").as_deref(), Some("1"));
    assert_eq!(value("docket_ended_jobs_total{kind=\"cleanup\",outcome=\"done\"} ").as_deref(), Some("1"));
    assert_eq!(value("docket_database_write_queue ").as_deref(), Some("0"));
    // Streams of events may still read what the last change was.
    let end = Instant::now() + Duration::from_secs(20);
    while !metrics(&app, TOKEN).await.body.contains("docket_database_connections_in_use{purpose=\"reading\"} 0\n") {
        assert!(Instant::now() < end, "a connection stays in use");
    }
    // The dashboard asks for nothing else.
    let dashboard = std::fs::read_to_string("deploy/grafana.json").unwrap();
    let names = dashboard.split("docket_").skip(1).map(|rest| {
        let name = rest.split(|c: char| !c.is_ascii_lowercase() && c != '_').next().unwrap();
        format!("docket_{name}")
    });
    for name in names {
        assert!(page.body.lines().any(|line| line.starts_with(&name)), "{name} is in no line");
    }
}

#[actix_web::test]
async fn jobs_that_wait_are_seen() {
    let app = TestApp::start_with(with_token).await;
    let owner = app.owner().await;
    let number = owner.make_ticket_of(&[("title", "T"), ("requesterEmail", "ann@x.example")]).await;
    let contact = owner.get(&format!("/tickets/{number}")).await.id_below("/contacts/");
    owner.post(&format!("/contacts/{contact}/erase"), &[("contacts", &contact)]).await.expect(303);
    app.wait(Duration::from_secs(600));
    let page = metrics(&app, TOKEN).await;
    page.expect(200).expect_text("docket_open_jobs{kind=\"erasure\"} 1");
    let lag = page.body.lines().find_map(|line| line.strip_prefix("docket_job_lag_seconds ")).unwrap();
    assert!(lag.parse::<f64>().unwrap() >= 600.0, "{lag}");
    app.run_jobs().await;
    metrics(&app, TOKEN).await.expect_no_text("docket_open_jobs{kind=\"erasure\"");
}

#[actix_web::test]
async fn without_a_token_there_is_no_such_page() {
    let app = TestApp::start().await;
    metrics(&app, TOKEN).await.expect(404);
    metrics(&app, "").await.expect(404);
}
