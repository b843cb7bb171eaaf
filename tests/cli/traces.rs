//! Traces, as a collector of OpenTelemetry gets them.

use crate::cli::{add_owner, signed_in};
use crate::support::fresh_database;
use crate::support::process::{Server, command};
use actix_web::{App, HttpResponse, HttpServer, web};
use reqwest::Method;
use std::sync::{Arc, Mutex};
use tempfile::TempDir;

/// Starts a collector, and returns its address and what it gets.
fn collector() -> (String, Arc<Mutex<Vec<u8>>>) {
    let got = Arc::<Mutex<Vec<u8>>>::default();
    let store = got.clone();
    let server = HttpServer::new(move || {
        let store = store.clone();
        App::new().route(
            "/v1/traces",
            web::post().to(move |body: web::Bytes| {
                store.lock().unwrap().extend_from_slice(&body);
                async { HttpResponse::Ok().finish() }
            }),
        )
    });
    let server = server.workers(1).bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", server.addrs()[0]);
    actix_web::rt::spawn(server.run());
    (address, got)
}

#[actix_web::test]
async fn a_collector_gets_requests_and_database_jobs_and_nothing_personal() {
    let (endpoint, got) = collector();
    let dir = TempDir::new().unwrap();
    let database = fresh_database(&dir);
    add_owner(dir.path(), &database);
    let mut serve = command(dir.path(), &database);
    serve.env("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint).env("DOCKET_TRUSTED_PROXIES", "127.0.0.1");
    let mut server = Server::start_as(serve);
    let ana = signed_in(&server).await;
    let number = ana.make_ticket("CANARY").await;
    let trace = "0af7651916cd43dd8448eb211c80319c";
    let request = ana.request(Method::GET, &format!("/tickets/{number}?q=CANARY"));
    ana.send(request.header("traceparent", format!("00-{trace}-b7ad6b7169203331-01"))).await.expect(200);
    server.signal("TERM");
    let status = actix_web::rt::task::spawn_blocking(move || server.child.wait().unwrap());
    assert!(status.await.unwrap().success());

    let got = got.lock().unwrap();
    let has = |bytes: &[u8]| got.windows(bytes.len()).any(|part| part == bytes);
    for text in ["docket", "request", "/tickets/{number}", "database", "reading", "http.response.status_code"] {
        assert!(has(text.as_bytes()), "{text}");
    }
    let id: Vec<u8> = (0..16).map(|at| u8::from_str_radix(&trace[2 * at..2 * at + 2], 16).unwrap()).collect();
    assert!(has(&id), "the trace of the caller goes on");
    for text in ["CANARY", "ana@example.com"] {
        assert!(!has(text.as_bytes()), "{text}");
    }
}
