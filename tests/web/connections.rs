//! Clients that stall, read slowly or send requests ahead.

use crate::cli::add_owner;
use crate::support::files::jpeg_of;
use crate::support::process::Server;
use crate::support::raw::{FORM, HALF_A_FILE, PATIENCE, Raw, UPLOAD, cookie_of};
use crate::support::{TestApp, fresh_database};
use docket::limits::pace::Pace;
use std::time::Duration;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{interval, timeout};

fn quick(pace: &mut Pace) {
    *pace = Pace { stall: Duration::from_millis(300), grace: Duration::from_millis(300), ..Pace::default() };
}

#[actix_web::test]
async fn a_body_that_stalls_is_answered_and_its_connection_closed() {
    let app = TestApp::start_with(|config| quick(&mut config.pace)).await;
    let owner = app.owner().await;
    let (cookie, key) = (cookie_of(&app, &owner).await, owner.make_widget("Shop").await);
    let form = owner.make_form("Contact").await;
    let number = owner.make_ticket("Slow").await;
    let (chat, files) = (format!("/chat/{key}/messages"), format!("/tickets/{number}/attachments"));
    let secret = format!("Content-Type: application/json\r\nAuthorization: Bearer {}\r\n", "x".repeat(43));
    for (path, headers, beginning) in [
        ("/login", FORM.to_owned(), "email=ana"),
        ("/tickets", format!("{FORM}{cookie}"), "title=half"),
        (&form, FORM.to_owned(), "name=half"),
        (&chat, secret, "{\"body\":"),
        (&files, format!("{UPLOAD}{cookie}"), HALF_A_FILE),
    ] {
        let mut raw = Raw::begin(&app.base, path, &headers, 5000, beginning).await;
        let answer = String::from_utf8_lossy(&raw.rest().await).into_owned();
        assert!(answer.starts_with("HTTP/1.1 408"), "{path}: {answer}");
        assert!(answer.contains("The request came too slowly"), "{path}: {answer}");
    }
    let head = format!("POST /login HTTP/1.1\r\nHost: localhost\r\nSec-Fetch-Site: same-origin\r\n{FORM}");
    let mut chunked = Raw::send(&app.base, &format!("{head}Transfer-Encoding: chunked\r\n\r\n9\r\nemail=ana")).await;
    assert!(chunked.rest().await.starts_with(b"HTTP/1.1 408"));
    owner.get("/tickets").await.expect(200).expect_no_text("half");
}

/// The server cuts off clients that do not read their archives, so that others get their slots.
#[actix_web::test]
async fn a_reader_that_stalls_is_cut_off() {
    let app = TestApp::start_with(|config| config.pace.read_stall = Duration::from_millis(500)).await;
    let owner = app.owner().await;
    let (number, cookie) = (owner.make_ticket("Large").await, cookie_of(&app, &owner).await);
    let file = jpeg_of(5_000_000);
    for index in 0..4 {
        let names: Vec<String> = (0..2).map(|part| format!("{index}-{part}.jpg")).collect();
        let files: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), file.as_slice())).collect();
        owner.attach(number, &files).await.expect(201);
    }
    let wish = format!("GET /tickets/{number}/attachments.zip HTTP/1.1\r\nHost: localhost\r\n{cookie}\r\n");
    let mut lazy = Vec::new();
    for _ in 0..2 {
        let mut raw = Raw::send(&app.base, &wish).await;
        assert_eq!(raw.status().await, "200");
        lazy.push(raw);
    }
    let whole = timeout(PATIENCE, owner.get(&format!("/tickets/{number}/attachments.zip"))).await;
    let whole = whole.expect("a place becomes free").expect(200).bytes.len();
    assert!(whole > 40_000_000, "{whole}");
    for mut raw in lazy {
        let got = raw.rest().await.len();
        assert!(got < whole, "{got} of {whole} bytes");
    }
}

/// The client's system acknowledges all data, so that only the pace reveals the slow reader.
#[actix_web::test]
async fn a_reader_that_takes_too_little_is_cut_off() {
    let app = TestApp::start_with(|config| config.pace.read_stall = Duration::from_millis(200)).await;
    let owner = app.owner().await;
    let (number, cookie) = (owner.make_ticket("Large").await, cookie_of(&app, &owner).await);
    let file = jpeg_of(5_000_000);
    let stored = owner.attach(number, &[("large.jpg", &file)]).await.expect(201).json();
    let url = stored["data"][0]["url"].as_str().unwrap();
    let wish = format!("GET {url} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{cookie}\r\n");
    let mut raw = Raw::with_little_room(&app.base).await;
    raw.0.write_all(wish.as_bytes()).await.unwrap();
    let mut pace = interval(Duration::from_millis(25));
    let mut got = 0;
    for _ in 0..80 {
        pace.tick().await;
        got += timeout(PATIENCE, raw.0.read(&mut [0; 1024])).await.expect("bytes or the end").unwrap();
    }
    got += raw.rest().await.len();
    assert!(got < file.len(), "{got} of {} bytes", file.len());
}

#[actix_web::test]
async fn an_early_response_reaches_who_still_sends() {
    let app = TestApp::start().await;
    app.owner().await;
    for _ in 0..5 {
        let body = "a".repeat(20_000_000);
        let mut client = Raw::begin(&app.base, "/api/v1/tickets", FORM, body.len(), &body).await;
        assert_eq!(client.status().await, "401");
    }
}

#[actix_web::test]
async fn requests_that_are_sent_ahead_are_answered_in_turn() {
    let app = TestApp::start().await;
    let form = "email=a%40example.com&password=no+such+password";
    let post = "POST /login HTTP/1.1\r\nHost: a\r\nSec-Fetch-Site: same-origin\r\n";
    let size = form.len();
    let all = [
        "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n".repeat(100),
        format!("{post}{FORM}Content-Length: {size}\r\n\r\n{form}"),
        format!("{post}{FORM}Transfer-Encoding: chunked\r\n\r\n{size:x}\r\n{form}\r\n0\r\n\r\n"),
        format!("GET /healthz HTTP/1.1\r\nHost: a\r\nX-Long: {}\r\n\r\n", "a".repeat(50_000)),
        "GET /nothing HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".into(),
    ];
    let mut client = Raw::send(&app.base, &all.concat()).await;
    let answers = String::from_utf8_lossy(&client.rest().await).into_owned();
    let statuses: Vec<&str> = answers.split("HTTP/1.1 ").skip(1).map(|answer| &answer[..3]).collect();
    assert_eq!(statuses, [["200"; 100].as_slice(), &["401", "401", "200", "404"]].concat());
}

/// Each of these requests takes 7 KB when decoded.
#[actix_web::test]
async fn requests_that_are_sent_ahead_take_no_memory() {
    let dir = TempDir::new().unwrap();
    let database = fresh_database(&dir);
    add_owner(dir.path(), &database);
    let server = Server::start(dir.path(), &database);
    let ahead = "GET /login HTTP/1.1\r\nHost: a\r\n\r\n".repeat(3000);
    let mut clients = Vec::new();
    for _ in 0..20 {
        let mut client = Raw::with_little_room(&server.base).await;
        client.0.write_all(ahead.as_bytes()).await.unwrap();
        assert_eq!(client.status().await, "200");
        clients.push(client);
    }
    assert!(server.peak_megabytes() < 120, "{} MB", server.peak_megabytes());
}
