//! The same work on both engines, and the same results.

use crate::support::program::Program;
use crate::support::{Answer, TestApp, fresh_database};
use docket::db::DatabaseUrl;
use fastrand::Rng;
use reqwest::Method;
use serde_json::{Value, json};
use std::num::NonZeroU32;
use std::time::Duration;
use tempfile::TempDir;

/// How many steps there are.
const STEPS: u32 = 400;
const WORDS: [&str; 12] = [
    "lamp",
    "Lampe",
    "straße",
    "Łódź",
    "refund",
    "broken",
    "灯坏了",
    "ตะเกียง",
    "Ångström",
    "order-4711",
    "e-mail",
    "ﬁle",
];

/// A desk on one engine, with its own frozen clock.
struct Desk {
    app: TestApp,
    program: Program,
}

impl Desk {
    async fn on(database: Option<DatabaseUrl>) -> Self {
        let begin = chrono::DateTime::from_timestamp(1_790_000_000, 0).unwrap().naive_utc();
        let app = TestApp::start_at(
            move || begin,
            |config| {
                config.api_rate = NonZeroU32::MAX;
                if let Some(database) = database {
                    config.database_url = Some(database);
                }
            },
        )
        .await;
        let owner = app.owner().await;
        let program = Program::of(&app, &owner).await;
        Self { app, program }
    }

    async fn send(&self, step: &Step) -> Answer {
        self.app.wait(step.time);
        self.program.send(step.method.clone(), &step.path, &step.body).await
    }

    /// Everything that other programs can read, and what some searches find.
    async fn export(&self) -> Vec<String> {
        self.app.run_jobs().await;
        let mut all = Vec::new();
        for list in ["/tickets", "/conversations", "/form-submissions", "/events"] {
            let mut cursor = String::new();
            loop {
                let page = self.program.get(&format!("{list}?limit=100{cursor}")).await.expect(200).json();
                all.extend(page["data"].as_array().unwrap().iter().map(Value::to_string));
                match page["nextCursor"].as_str() {
                    Some(next) if !page["data"].as_array().unwrap().is_empty() => cursor = format!("&cursor={next}"),
                    _ => break,
                }
            }
        }
        for query in WORDS.into_iter().chain(["status:closed", "tag:refund lamp", "\"broken lamp\"", "-lamp", "lam"]) {
            let query: String = url::form_urlencoded::byte_serialize(query.as_bytes()).collect();
            let page = self.program.get(&format!("/tickets?limit=100&q={query}")).await.expect(200).json();
            let numbers: Vec<i64> =
                page["data"].as_array().unwrap().iter().map(|row| row["number"].as_i64().unwrap()).collect();
            all.push(format!("{query}: {numbers:?}"));
        }
        all
    }
}

#[derive(Debug)]
struct Step {
    time: Duration,
    method: Method,
    path: String,
    body: Value,
}

/// What is done next, by chance. Some of it is refused.
fn step(random: &mut Rng, index: u32) -> Step {
    let text = |random: &mut Rng| {
        let words: Vec<&str> = (0..random.usize(1..6)).map(|_| WORDS[random.usize(..WORDS.len())]).collect();
        words.join(" ")
    };
    let (number, other) = (random.u32(1..60), random.u32(..index + 1));
    let (method, path, body) = match random.u32(0..10) {
        0 => {
            let body = json!({ "title": text(random), "notes": text(random), "tags": [text(random)],
                "requesterEmail": format!("p{}@example.com", random.u32(0..9)), "requesterName": text(random) });
            (Method::POST, "/tickets".to_owned(), body)
        }
        1 => (
            Method::POST,
            "/tickets".to_owned(),
            json!({ "title": text(random), "conversationId": format!("c{other}") }),
        ),
        2 => {
            let status = ["new", "in_progress", "closed"][random.usize(0..3)];
            (Method::PATCH, format!("/tickets/{number}"), json!({ "status": status }))
        }
        3 => {
            let body = json!({ "notes": text(random), "notesVersion": random.u32(0..3) });
            (Method::PATCH, format!("/tickets/{number}"), body)
        }
        4 => {
            let body = json!({ "title": text(random), "tags": [WORDS[random.usize(..4)], WORDS[random.usize(..4)]] });
            (Method::PATCH, format!("/tickets/{number}"), body)
        }
        5 => (Method::DELETE, format!("/tickets/{}", random.u32(1..300)), Value::Null),
        6 => {
            let body = json!({ "id": format!("c{index}"), "visitorName": text(random),
                "visitorEmail": format!("p{}@example.com", random.u32(0..9)), "country": "DE" });
            (Method::POST, "/conversations".to_owned(), body)
        }
        7 | 8 => {
            let body = json!({ "messages": [{ "id": format!("m{index}"), "from": "visitor", "body": text(random) }] });
            (Method::POST, format!("/conversations/c{other}/messages"), body)
        }
        _ => {
            let body = json!({ "id": format!("f{index}"), "form": "Contact",
                "fields": [{ "name": "message", "value": text(random) }, { "name": "email", "value": "ann@x.example" }] });
            (Method::POST, "/form-submissions".to_owned(), body)
        }
    };
    Step { time: Duration::from_secs(random.u64(0..5_000)), method, path, body }
}

#[actix_web::test]
#[ignore = "needs Postgres: to compare the two engines"]
async fn the_same_work_gives_the_same_export_on_both_engines() {
    let seed = std::env::var("DOCKET_TEST_SEED").map_or(17_023_010_217_003_610_605, |text| text.parse().unwrap());
    println!("DOCKET_TEST_SEED={seed}");
    let dir = TempDir::new().unwrap();
    let DatabaseUrl::Postgres(_) = fresh_database(&dir) else { panic!("DOCKET_TEST_POSTGRES is not set") };
    let postgres = Desk::on(None).await;
    let sqlite = Desk::on(Some(DatabaseUrl::Sqlite(dir.path().join("docket.db")))).await;
    let mut random = Rng::with_seed(seed);
    let mut accepted = 0;
    for index in 0..STEPS {
        let step = step(&mut random, index);
        let (one, other) = (postgres.send(&step).await, sqlite.send(&step).await);
        assert_eq!((one.status, &one.body), (other.status, &other.body), "{step:?}");
        assert!(one.status < 500, "{step:?}: {}", one.body);
        accepted += u32::from(one.status < 300);
    }
    let (one, other) = (postgres.export().await, sqlite.export().await);
    for (one, other) in one.iter().zip(&other) {
        assert_eq!(one, other);
    }
    assert_eq!(one.len(), other.len());
    println!("{accepted} of {STEPS} steps accepted, {} lines exported", one.len());
    assert!(accepted > STEPS / 4);
}
