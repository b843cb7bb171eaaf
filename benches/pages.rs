//! How fast the pages are: `cargo bench`.
//!
//! Starts the real server on generated data and requests pages as signed-in agents. Beside
//! it, in the same run, a server answers with a fixed body, and with a page of one indexed
//! read of 50 rows. Times depend on the machine, ratios to these two much less.
//!
//! `DOCKET_BENCH_TICKETS` (10,000) is how many tickets there are, `DOCKET_BENCH_DATA` a
//! folder to keep them in, `DATABASE_URL` another database.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::cast_precision_loss)]

use actix_web::web::Data;
use actix_web::{App as WebApp, HttpResponse, HttpServer, web};
use clap::Parser;
use diesel::prelude::*;
use docket::accounts::account;
use docket::accounts::user::NewUser;
use docket::app::App;
use docket::clock::Clock;
use docket::config::Config;
use docket::db::Connection;
use docket::db::schema::{accounts, tickets};
use docket::limits::passwords;
use docket::server::Running;
use docket::upkeep::sample;
use docket::upkeep::sample::Plan;
use docket::upkeep::worker;
use docket::values::email::Email;
use reqwest::Client;
use reqwest::header::ACCEPT_ENCODING;
use std::fmt::Write;
use std::path::PathBuf;
use std::time::{Duration, Instant};
use tempfile::TempDir;

const PASSWORD: &str = "correct horse battery staple";
const EMAIL: &str = "bench@example.com";
/// Requests of one client for a median, after a tenth of them to get warm.
const REQUESTS: usize = 200;
/// Clients at once, and for how long.
const CLIENTS: usize = 8;
const TIME: Duration = Duration::from_secs(2);

const PAGES: [(&str, &str); 19] = [
    ("list", "/tickets"),
    ("all, by creation", "/tickets?status=all&sort=created"),
    ("closed, by closing", "/tickets?status=closed&sort=closed"),
    ("mine, all", "/tickets?assignee=me&status=all"),
    ("unassigned, all", "/tickets?assignee=none&status=all"),
    ("from chats, all", "/tickets?source=chat&status=all"),
    ("pair: mine, open", "/tickets?assignee=me"),
    ("pair: chats, unassigned", "/tickets?source=chat&assignee=none&status=all"),
    ("tag", "/tickets?tag=refund&status=all"),
    ("pair: tag, mine", "/tickets?tag=refund&assignee=me&status=all"),
    ("search: common word", "/tickets?q=lamp"),
    ("search: two words", "/tickets?q=refund+parcel"),
    ("search: three words", "/tickets?q=birthday+carrier+depot"),
    ("search: prefix", "/tickets?q=re"),
    ("search: phrase", "/tickets?q=%22your+order%22"),
    ("search: requester", "/tickets?q=from%3Aana"),
    ("search: no hit", "/tickets?q=zzzzqq"),
    ("ticket", "/tickets/100"),
    ("reports", "/reports"),
];

#[derive(Parser)]
struct Settings {
    #[command(flatten)]
    config: Config,
}

async fn owner(app: &App) -> i64 {
    let known = app.db.read(|conn| Ok(accounts::table.select(accounts::id).first::<i64>(conn).optional()?));
    if let Some(id) = known.await.unwrap() {
        return id;
    }
    let user = NewUser {
        email: Email::parse(EMAIL).unwrap(),
        name: "Bea Bench".into(),
        password_hash: passwords::hash_now(PASSWORD).unwrap(),
        time_zone: "UTC".into(),
    };
    let now = app.clock.now();
    let id = app.db.write(move |conn| account::open(conn, &user, now)).await.unwrap();
    let wanted = std::env::var("DOCKET_BENCH_TICKETS").map_or(10_000, |text| text.parse().unwrap());
    let start = Instant::now();
    sample::load(app, id, &Plan { tickets: wanted, seed: 1, ..Plan::default() }, |_| {}).await.unwrap();
    println!("{wanted} tickets created in {:.1} s", start.elapsed().as_secs_f64());
    id
}

/// One read of the newest 50 rows, as lines of a page.
async fn one_read(app: Data<App>, account: Data<i64>) -> HttpResponse {
    let account_id = **account;
    let read = move |conn: &mut Connection| {
        Ok(tickets::table
            .filter(tickets::account_id.eq(account_id))
            .filter(tickets::deleted_at.is_null())
            .order((tickets::updated_at.desc(), tickets::id.desc()))
            .limit(50)
            .select((tickets::number, tickets::title))
            .load::<(i64, String)>(conn)?)
    };
    let mut page = String::from("<!doctype html><ul>");
    for (number, title) in app.db.read(read).await.unwrap() {
        write!(page, "<li><a href=\"/tickets/{number}\">{title}</a></li>").unwrap();
    }
    HttpResponse::Ok().content_type("text/html; charset=utf-8").body(page + "</ul>")
}

struct Measured {
    /// In milliseconds.
    median: f64,
    p99: f64,
    /// With [`CLIENTS`] clients, plain and compressed.
    a_second: f64,
    a_second_gzip: f64,
}

async fn request(client: &Client, url: &str, encoding: &str) {
    let answer = client.get(url).header(ACCEPT_ENCODING, encoding).send().await.unwrap();
    assert_eq!(answer.status().as_u16(), 200, "{url}");
    answer.bytes().await.unwrap();
}

async fn measure(client: &Client, url: &str) -> Measured {
    let mut times = Vec::new();
    for index in 0..REQUESTS + REQUESTS / 10 {
        let start = Instant::now();
        request(client, url, "identity").await;
        if index >= REQUESTS / 10 {
            times.push(start.elapsed().as_secs_f64() * 1_000.0);
        }
    }
    times.sort_by(f64::total_cmp);
    let a_second = load(client, url, "identity").await;
    let a_second_gzip = load(client, url, "gzip").await;
    Measured { median: times[REQUESTS / 2], p99: times[REQUESTS * 99 / 100], a_second, a_second_gzip }
}

async fn load(client: &Client, url: &str, encoding: &'static str) -> f64 {
    let end = Instant::now() + TIME;
    let clients = (0..CLIENTS).map(|_| {
        let (client, url) = (client.clone(), url.to_owned());
        tokio::spawn(async move {
            let mut count = 0_u32;
            while Instant::now() < end {
                request(&client, &url, encoding).await;
                count += 1;
            }
            count
        })
    });
    let mut count = 0;
    for client in clients.collect::<Vec<_>>() {
        count += client.await.unwrap();
    }
    f64::from(count) / TIME.as_secs_f64()
}

fn main() {
    actix_web::rt::System::new().block_on(run());
}

async fn run() {
    docket::storage::choose_tls();
    let scratch = TempDir::new().unwrap();
    let mut config = Settings::parse_from(["docket", "--listen", "127.0.0.1:0"]).config;
    config.data_dir = std::env::var_os("DOCKET_BENCH_DATA").map_or(scratch.path().to_owned(), PathBuf::from);
    let Running { address, app, server, .. } =
        App::build(config, Clock::from_fn(|| chrono::Utc::now().naive_utc()), 2).await.unwrap();
    actix_web::rt::spawn(server);
    let account = owner(&app).await;
    worker::run_due(&app).await.unwrap();

    let (state, id) = (app.clone(), Data::new(account));
    let beside = HttpServer::new(move || {
        WebApp::new()
            .app_data(state.clone())
            .app_data(id.clone())
            .route("/fixed", web::get().to(|| async { HttpResponse::Ok().body("fixed") }))
            .route("/one-read", web::get().to(one_read))
    });
    let beside = beside.workers(2).bind("127.0.0.1:0").unwrap();
    let other = beside.addrs()[0];
    actix_web::rt::spawn(beside.run());

    let client = Client::builder().cookie_store(true).redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let fields = [("email", EMAIL), ("password", PASSWORD)];
    let signed_in = client.post(format!("http://{address}/login")).header("sec-fetch-site", "same-origin");
    assert_eq!(signed_in.form(&fields).send().await.unwrap().status().as_u16(), 303);

    let fixed = measure(&client, &format!("http://{other}/fixed")).await;
    let one_read = measure(&client, &format!("http://{other}/one-read")).await;
    println!(
        "{:<26} {:>9} {:>9} {:>9} {:>9} {:>12} {:>12}",
        "page", "median ms", "p99 ms", "a second", "gzip", "of one read", "of fixed"
    );
    let line = |name: &str, page: &Measured| {
        println!(
            "{name:<26} {:>9.2} {:>9.2} {:>9.0} {:>9.0} {:>12.3} {:>12.3}",
            page.median,
            page.p99,
            page.a_second,
            page.a_second_gzip,
            page.a_second / one_read.a_second,
            page.a_second / fixed.a_second
        );
    };
    line("fixed body", &fixed);
    line("one indexed read", &one_read);
    for (name, path) in PAGES {
        line(name, &measure(&client, &format!("http://{address}{path}")).await);
    }
}
