//! Hostile or faulty clients: limits on memory, time and counts, which do not affect other
//! clients.

use crate::commands::add_owner;
use crate::support::files::{jpeg_of, png};
use crate::support::process::Server;
use crate::support::{PASSWORD, Person, TestApp, client, fresh_database, from_elsewhere, unique};
use chrono::TimeDelta;
use docket::accounts::role::Role;
use docket::accounts::sessions::Used;
use docket::accounts::{devices, sessions};
use docket::limits::pace::Pace;
use docket::limits::slots::{Holder, Place};
use reqwest::Method;
use std::time::Duration;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::{interval, timeout};

/// Longest time to wait for something that must happen.
const PATIENCE: Duration = Duration::from_secs(30);

const FORM: &str = "Content-Type: application/x-www-form-urlencoded\r\n";
const UPLOAD: &str = "Content-Type: multipart/form-data; boundary=b\r\n";
const HALF_A_FILE: &str = "--b\r\nContent-Disposition: form-data; name=\"files\"; filename=\"a.png\"\r\n\r\nhalf";

/// A client that can send any bytes.
struct Raw(TcpStream);

impl Raw {
    async fn send(base: &str, text: &str) -> Self {
        let mut stream = TcpStream::connect(base.trim_start_matches("http://")).await.unwrap();
        stream.write_all(text.as_bytes()).await.unwrap();
        Self(stream)
    }

    /// A client with a tiny receive buffer.
    async fn with_little_room(base: &str) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(4096).unwrap();
        Self(socket.connect(base.trim_start_matches("http://").parse().unwrap()).await.unwrap())
    }

    /// Sends the head of a request with a body of that length, and the beginning of the body.
    async fn begin(base: &str, path: &str, headers: &str, length: usize, beginning: &str) -> Self {
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: localhost\r\nSec-Fetch-Site: same-origin\r\n\
             Content-Length: {length}\r\n{headers}\r\n"
        );
        Self::send(base, &(head + beginning)).await
    }

    /// Reads until the connection ends.
    async fn rest(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        // If the server closes a connection with unread data, it ends with a reset.
        let _ = timeout(PATIENCE, self.0.read_to_end(&mut bytes)).await.expect("the connection ends");
        bytes
    }

    async fn status(&mut self) -> String {
        let mut head = [0; 12];
        timeout(PATIENCE, self.0.read_exact(&mut head)).await.expect("an answer comes").unwrap();
        String::from_utf8_lossy(&head[9..]).into_owned()
    }
}

/// Signs a person in once more and returns the session as a `Cookie` header.
async fn cookie_of(app: &TestApp, person: &Person) -> String {
    let answer = app.stranger().sign_in(&person.email, PASSWORD).await;
    let cookies = answer.expect(303).headers.get_all("set-cookie").iter().map(|value| value.to_str().unwrap());
    let pairs: Vec<&str> = cookies.map(|cookie| cookie.split(';').next().unwrap()).collect();
    format!("Cookie: {}\r\n", pairs.join("; "))
}

fn quick(pace: &mut Pace) {
    *pace = Pace { stall: Duration::from_millis(300), grace: Duration::from_millis(300), ..Pace::default() };
}

#[actix_web::test]
async fn a_form_of_a_million_fields_gets_a_short_answer() {
    let app = TestApp::start().await;
    app.owner().await;
    let fields = "a&".repeat(1_048_556);
    for path in ["/tickets", "/login", "/setup", "/invitations/none"] {
        let request = app.stranger().request(Method::POST, path).body(fields.clone());
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        let answer = app.stranger().send(request).await;
        answer.expect(413).expect_text("Too large").expect_text("the limit is 1.3 MB");
        assert!(answer.bytes.len() < 16 * 1024, "{path}: {} bytes", answer.bytes.len());
    }
}

#[actix_web::test]
async fn a_form_has_so_many_fields_and_no_more() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let number = owner.make_ticket("Fields").await;
    let stranger = app.stranger();
    for (person, path, most, status) in
        [(&stranger, "/login".to_owned(), 100, 401), (&owner, format!("/tickets/{number}/notes"), 2_000, 422)]
    {
        let fields = vec![("a", "1"); most];
        person.post(&path, &fields).await.expect(status);
        let answer = person.post(&path, &[fields.as_slice(), &[("a", "1")]].concat()).await;
        answer.expect(413).expect_text(&format!("at most {most}"));
    }
}

/// The longest form comes back complete after signing in again.
#[actix_web::test]
async fn the_longest_notes_survive_the_end_of_a_session() {
    let app = TestApp::start().await;
    app.owner().await;
    let notes = "🎉".repeat(100_000);
    let answer = app.stranger().post("/tickets/1/notes", &[("notes", notes.as_str()), ("version", "1")]).await;
    answer.expect(401).expect_text(&notes);
    let twice = "🎉".repeat(120_000);
    app.stranger().post("/tickets/1/notes", &[("notes", twice.as_str())]).await.expect(413);
}

#[actix_web::test]
async fn passwords_are_on_no_page() {
    let app = TestApp::start().await;
    app.owner().await;
    let typed = [("current", "my old secret"), ("password", "my new secret"), ("name", "Ana")];
    for path in ["/profile/password", "/settings/keys", "/settings/team/invitations"] {
        let answer = app.stranger().post(path, &typed).await;
        answer.expect(401).expect_no_text("secret").expect_text("Ana");
    }
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

/// One network can use a tenth of the memory for bodies, about 13 MB.
#[actix_web::test]
async fn one_network_cannot_take_the_memory_of_others() {
    let app = TestApp::start_behind_proxy().await;
    let owner = app.owner().await;
    let notes = format!("notes={}", "a".repeat(1_200_000));
    let mut held = Vec::new();
    let mut refused = 0;
    for _ in 0..20 {
        let from = format!("{FORM}X-Forwarded-For: 203.0.113.9\r\n");
        // One byte is missing, so that the body stays in memory.
        let mut raw = Raw::begin(&app.base, "/login", &from, notes.len() + 1, &notes).await;
        // The server refuses a request before the end of its body.
        match timeout(Duration::from_millis(200), raw.status()).await {
            Ok(status) => {
                assert_eq!(status, "503");
                refused += 1;
            }
            Err(_) => held.push(raw),
        }
    }
    assert!((1..=11).contains(&held.len()) && refused >= 6, "{} held, {refused} refused", held.len());
    let same = app.stranger();
    let request = same.request(Method::POST, "/login").header("x-forwarded-for", "203.0.113.9");
    let answer = same.send(request.form(&[("email", "x"), ("password", "a".repeat(1_200_000).as_str())])).await;
    answer.expect(503).expect_text("Try again in a moment");
    assert_eq!(answer.header("retry-after"), "5");
    let other = app.stranger();
    let request = from_elsewhere(other.request(Method::POST, "/login"));
    other.send(request.form(&[("email", owner.email.as_str()), ("password", PASSWORD)])).await.expect(303);
    let ticket = owner.make_ticket("Others work").await;
    owner.get(&format!("/tickets/{ticket}")).await.expect(200);
    drop(held);
}

#[actix_web::test]
async fn the_desks_forms_are_limited_by_network_before_they_are_read() {
    let app = TestApp::start_behind_proxy().await;
    let owner = app.owner().await;
    let stranger = app.stranger();
    let post = || stranger.request(Method::POST, "/tickets");
    let mut statuses = Vec::new();
    for _ in 0..700 {
        let answer = stranger.send(post().header("x-forwarded-for", "203.0.113.7").form(&[("title", "x")])).await;
        statuses.push(answer.status);
        if answer.status == 429 {
            assert!(!answer.header("retry-after").is_empty());
            break;
        }
    }
    assert_eq!(statuses.pop(), Some(429), "after {} requests", statuses.len());
    assert!(statuses.len() >= 600 && statuses.iter().all(|status| *status == 401));
    stranger.send(from_elsewhere(post()).form(&[("title", "x")])).await.expect(401);
    owner.make_ticket("Signed in from there").await;
}

#[actix_web::test]
async fn a_search_of_very_many_words_is_answered_in_words() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    owner.make_ticket("Needle in the hay").await;
    let words = |count: usize| (0..count).map(|index| format!("w{index:04}*")).collect::<Vec<_>>().join("+");
    for path in ["/tickets", "/conversations", "/submissions"] {
        let page = owner.get(&format!("{path}?q={}", words(4_900))).await;
        page.expect(422).expect_text("at most 20");
        owner.get(&format!("{path}?q={}", words(21))).await.expect(422);
        owner.get(&format!("{path}?q={}", words(20))).await.expect(200);
        // A repeated word counts as one word.
        owner.get(&format!("{path}?q={}", ["hay"; 500].join("+"))).await.expect(200);
    }
    assert_eq!(owner.list(&format!("q=needle+{}", ["hay"; 100].join("+"))).await.len(), 1);
    assert!(owner.list("q=n").await.is_empty(), "one letter is a word, not the beginning of many");
    assert_eq!(owner.list("q=ne").await.len(), 1);
    let key = owner.make_key("Program").await;
    let answer = client().get(format!("{}/api/v1/tickets?q={}", app.base, words(21))).bearer_auth(key);
    assert_eq!(answer.send().await.unwrap().status(), 422);
}

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
            invited.expect(201).invitation()
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

/// A user gets a hundred streams; a further one is refused, and colleagues still get theirs.
#[actix_web::test]
async fn a_user_holds_so_many_streams_and_no_more() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let viewer = app.member(&owner, Role::Viewer).await;
    let mut held = Vec::new();
    for _ in 0..100 {
        held.push(viewer.live().await);
    }
    let refused = timeout(PATIENCE, viewer.get("/live")).await.expect("a refusal, and no stream");
    assert!(!refused.expect(503).header("retry-after").is_empty());
    owner.live().await;
    viewer.get("/tickets").await.expect(200);
    drop(held);
    let again = async {
        while viewer.request(Method::GET, "/live").send().await.unwrap().status() != 200 {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, again).await.expect("the places are free again");
}

#[actix_web::test]
async fn slow_uploads_of_one_user_hold_up_nobody_else() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let editor = app.member(&owner, Role::Editor).await;
    let number = owner.make_ticket("Files").await;
    let (cookie, path) = (cookie_of(&app, &editor).await, format!("/tickets/{number}/attachments"));
    let mut held = Vec::new();
    for _ in 0..8 {
        held.push(Raw::begin(&app.base, &path, &format!("{UPLOAD}{cookie}"), 5000, HALF_A_FILE).await);
    }
    for index in 1..=8 {
        // Well before the server gives up the slow uploads.
        let colleague = timeout(Duration::from_secs(10), owner.attach(number, &[("a.png", &png(index))])).await;
        colleague.expect("without waiting for others").expect(201);
    }
    drop(held);
}

#[actix_web::test]
async fn searches_of_one_user_wait_for_each_other_and_hold_up_nobody_else() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let viewer = app.member(&owner, Role::Viewer).await;
    let holder = Holder { account: owner.id, user: viewer.id };
    let mut held: Vec<Place> = std::iter::from_fn(|| app.app.lists.try_take(holder)).collect();
    for path in ["/tickets", "/conversations", "/submissions"] {
        owner.get(path).await.expect(200);
    }
    let (refused, page) = tokio::join!(viewer.get("/tickets"), viewer.get("/profile"));
    assert!(!refused.expect(503).expect_text("earlier searches").header("retry-after").is_empty());
    page.expect(200);
    held.pop();
    viewer.get("/tickets").await.expect(200);
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

#[actix_web::test]
async fn invented_places_push_out_ones_own_only() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let (viewer, editor) = (app.member(&owner, Role::Viewer).await, app.member(&owner, Role::Editor).await);
    let at = async |person: &Person, place: &str| {
        let fields = [("place", place), ("doing", "looking")];
        person.post("/live/presence", &fields).await.expect(200).json().as_array().unwrap().len()
    };
    at(&editor, "/tickets/1").await;
    assert_eq!(at(&viewer, "/tickets/1").await, 2);
    for index in 2..1_000 {
        at(&viewer, &format!("/tickets/{index}")).await;
    }
    assert_eq!(at(&owner, "/tickets/1").await, 2, "the editor is still there, the viewer is not");
    assert_eq!(at(&owner, "/tickets/999").await, 2);
}
