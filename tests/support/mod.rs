//! A running Docket and its users.

mod answer;
pub mod browser;
pub mod certificate;
pub mod chat;
pub mod clamd;
pub mod files;
pub mod imap;
pub mod multipart;
pub mod nginx;
pub mod postgres;
pub mod process;
pub mod program;
pub mod proxy;
pub mod queries;
pub mod raw;
pub mod s3;
pub mod smtp;

pub use answer::Answer;

use chrono::NaiveDateTime;
use clap::Parser;
use diesel::connection::SimpleConnection;
use diesel::{Connection, PgConnection, RunQueryDsl};
use docket::accounts::role::Role;
use docket::accounts::user::NewUser;
use docket::accounts::{account, user};
use docket::app::App;
use docket::clock::Clock;
use docket::config::Config;
use docket::db::{DatabaseUrl, Engine, number_events};
use docket::events::actor::{Actor, ActorKind};
use docket::limits::passwords;
use docket::server::Running;
use docket::upkeep::worker;
use docket::values::email::Email;
use reqwest::multipart::{Form, Part};
use reqwest::{Client, Method, RequestBuilder, redirect};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use url::Url;

pub const PASSWORD: &str = "correct horse battery staple";

static PASSWORD_HASH: LazyLock<String> = LazyLock::new(|| passwords::hash_now(PASSWORD).unwrap());
static NEXT_NAME: AtomicU32 = AtomicU32::new(0);

/// The default settings of `docket serve`.
#[derive(Parser)]
struct Settings {
    #[command(flatten)]
    config: Config,
}

/// An HTTP client like a browser: keeps cookies, but does not follow redirects.
pub fn client() -> Client {
    docket::storage::choose_tls();
    Client::builder().cookie_store(true).redirect(redirect::Policy::none()).build().unwrap()
}

/// The request as a proxy forwards it, from a unique address.
pub fn from_elsewhere(request: RequestBuilder) -> RequestBuilder {
    let number = NEXT_NAME.fetch_add(1, Ordering::Relaxed);
    request.header("x-forwarded-for", std::net::Ipv4Addr::from_bits(0x0a00_0000 + number).to_string())
}

/// Sends requests until one is refused because they come too quickly, and returns the
/// refusal after the answers before it. A limit grows while the requests are sent, so a slow
/// machine sends more of them than fit at once.
pub async fn until_refused(ask: impl AsyncFn() -> Answer) -> (Vec<Answer>, Answer) {
    let mut before = Vec::new();
    while before.len() < 5_000 {
        let answer = ask().await;
        if answer.status == 429 {
            return (before, answer);
        }
        before.push(answer);
    }
    panic!("none of {} requests is refused", before.len());
}

/// Keeps a transaction open until another one waits for it. Not on SQLite, where the next one begins
/// after it.
pub fn until_awaited(conn: &mut docket::db::Connection) {
    if matches!(conn.engine, Engine::Sqlite(_)) {
        return;
    }
    let awaited = "SELECT 1 FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY (pg_blocking_pids(pid))";
    let begun = Instant::now();
    while diesel::sql_query(awaited).execute(conn).unwrap() == 0 {
        assert!(begun.elapsed() < Duration::from_secs(20), "nobody waits");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// A name that no other test uses, in this run or an earlier one on the same server.
pub fn unique(word: &str) -> String {
    static RUN: LazyLock<u32> = LazyLock::new(|| fastrand::u32(..));
    format!("{word}_{:x}_{}", *RUN, NEXT_NAME.fetch_add(1, Ordering::Relaxed))
}

/// An empty database of the engine under test.
pub fn fresh_database(dir: &TempDir) -> DatabaseUrl {
    let Ok(server) = std::env::var("DOCKET_TEST_POSTGRES") else {
        return DatabaseUrl::Sqlite(dir.path().join("docket.db"));
    };
    let name = unique("docket_test");
    let mut conn = PgConnection::establish(&server).expect("the test Postgres answers");
    conn.batch_execute(&format!("CREATE DATABASE {name}")).unwrap();
    let mut url: url::Url = server.parse().unwrap();
    url.set_path(&name);
    DatabaseUrl::Postgres(url.into())
}

/// The database as a value of `DATABASE_URL`.
pub fn database_url(url: &DatabaseUrl) -> String {
    match url {
        DatabaseUrl::Sqlite(path) => format!("sqlite:{}", path.display()),
        DatabaseUrl::Postgres(url) => url.clone(),
    }
}

/// The URL of a Postgres database through something that listens on another port.
pub fn through(port: u16, database: &DatabaseUrl) -> DatabaseUrl {
    let mut url: Url = database_url(database).parse().unwrap();
    url.set_host(Some("127.0.0.1")).unwrap();
    url.set_port(Some(port)).unwrap();
    DatabaseUrl::Postgres(url.into())
}

/// Settings for a Docket with its own folder and database.
pub fn config(dir: &TempDir) -> Config {
    config_on(dir.path(), fresh_database(dir))
}

/// Settings for a Docket in this folder, with a database that may be in use.
pub fn config_on(dir: &Path, database: DatabaseUrl) -> Config {
    let mut config = Settings::parse_from(["docket", "--listen", "127.0.0.1:0"]).config;
    config.data_dir = dir.to_owned();
    config.database_url = Some(database);
    config
}

/// A Docket with its own port and a clock that tests can advance.
pub struct TestApp {
    pub base: String,
    pub app: actix_web::web::Data<App>,
    pub setup_path: Option<String>,
    pub dir: TempDir,
    ahead: Arc<AtomicU64>,
}

impl TestApp {
    pub async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    pub async fn start_with(change: impl FnOnce(&mut Config)) -> Self {
        Self::start_at(|| chrono::Utc::now().naive_utc(), change).await
    }

    /// Starts one whose clock shows this time as long as the test does not advance it.
    pub async fn start_at(
        time: impl Fn() -> NaiveDateTime + Send + Sync + 'static,
        change: impl FnOnce(&mut Config),
    ) -> Self {
        queries::watch();
        let ahead = Arc::<AtomicU64>::default();
        let seconds = ahead.clone();
        let clock = Clock::from_fn(move || time() + Duration::from_secs(seconds.load(Ordering::Relaxed)));
        let dir = TempDir::new().unwrap();
        let mut config = config(&dir);
        change(&mut config);
        let Running { address, setup_path, app, server } = App::build(config, clock, 2).await.unwrap();
        actix_web::rt::spawn(server);
        Self { base: format!("http://{address}"), app, setup_path, dir, ahead }
    }

    /// Advances the clock.
    pub fn wait(&self, time: Duration) {
        self.ahead.fetch_add(time.as_secs(), Ordering::Relaxed);
    }

    /// Waits until all events have their numbers. On Postgres, other tests on the same server
    /// delay the last ones.
    pub async fn numbered(&self) {
        let end = Instant::now() + Duration::from_secs(20);
        while self.app.db.scan(|conn| Ok(number_events(conn)?)).await.unwrap().is_behind {
            assert!(Instant::now() < end, "events stay without a number");
        }
    }

    /// Does all jobs that are due.
    pub async fn run_jobs(&self) {
        self.numbered().await;
        worker::run_due(&self.app).await.unwrap();
    }

    /// Starts a Docket behind a proxy on this machine, like most installations.
    pub async fn start_behind_proxy() -> Self {
        Self::start_with(|config| config.trusted_proxies = "127.0.0.1".parse().unwrap()).await
    }

    /// A person without an account.
    pub fn stranger(&self) -> Person {
        Person { base: self.base.clone(), client: client(), id: 0, email: String::new() }
    }

    /// The owner of a new account, signed in.
    pub async fn owner(&self) -> Person {
        let user = self.new_user("Olivia Owner");
        let (now, stored) = (self.app.clock.now(), user.clone());
        let id = self.app.db.write(move |conn| account::open(conn, &stored, now)).await.unwrap();
        self.signed_in(id, user.email.as_str()).await
    }

    /// A member of the owner's account, signed in.
    pub async fn member(&self, owner: &Person, role: Role) -> Person {
        let user = self.new_user(&format!("Max {}", role.as_str()));
        let (now, account, stored) = (self.app.clock.now(), owner.id, user.clone());
        let add = move |conn: &mut _| user::add(conn, account, &stored, role, now);
        let id = self.app.db.write(add).await.unwrap();
        self.signed_in(id, user.email.as_str()).await
    }

    fn new_user(&self, name: &str) -> NewUser {
        NewUser {
            email: Email::parse(&format!("{}@example.com", unique("user"))).unwrap(),
            name: name.into(),
            password_hash: PASSWORD_HASH.clone(),
            time_zone: "Europe/Berlin".into(),
        }
    }

    async fn signed_in(&self, id: i64, email: &str) -> Person {
        let person = Person { id, email: email.into(), ..self.stranger() };
        person.sign_in(email, PASSWORD).await.expect_redirect("/tickets");
        person
    }

    /// The owner as an actor for calls to domain functions.
    pub async fn actor(&self, owner: &Person) -> Actor {
        let id = owner.id;
        let user = self.app.db.read(move |conn| user::find(conn, id, id)).await.unwrap();
        Actor::new(id, &user.name, ActorKind::User(id))
    }

    /// Creates a file on this machine's disk, to be attached.
    pub fn file(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.dir.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }

    /// The keys of all files and thumbnails in the storage folder.
    pub fn stored_keys(&self) -> Vec<String> {
        let mut keys = files::keys_below(&self.dir.path().join("files"));
        keys.retain(|key| !key.starts_with("installations/"));
        keys
    }
}

/// A person with a browser that keeps cookies and does not follow redirects.
#[derive(Clone)]
pub struct Person {
    pub base: String,
    pub client: Client,
    pub id: i64,
    pub email: String,
}

impl Person {
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        // Browsers send this from a site's own pages in a secure context.
        self.client.request(method, format!("{}{path}", self.base)).header("sec-fetch-site", "same-origin")
    }

    pub async fn send(&self, request: RequestBuilder) -> Answer {
        Answer::read(request.send().await.unwrap()).await
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(self.request(Method::GET, path)).await
    }

    pub async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        self.send(self.request(Method::POST, path).form(fields)).await
    }

    /// Sends a public form from a unique address behind a trusted proxy, so that requests
    /// count as many visitors and are not throttled.
    pub async fn visit(&self, form: &str, fields: &[(&str, &str)]) -> Answer {
        self.send(from_elsewhere(self.request(Method::POST, form)).form(fields)).await
    }

    pub async fn sign_in(&self, email: &str, password: &str) -> Answer {
        self.post("/login", &[("email", email), ("password", password)]).await
    }

    /// Creates a ticket without a source and returns its number.
    pub async fn make_ticket(&self, title: &str) -> i64 {
        self.make_ticket_of(&[("title", title)]).await
    }

    pub async fn make_ticket_of(&self, fields: &[(&str, &str)]) -> i64 {
        let request_id = unique("request");
        let fields = [fields, &[("requestId", request_id.as_str())]].concat();
        let answer = self.post("/tickets", &fields).await;
        answer.expect(303).location().rsplit('/').next().unwrap().parse().unwrap()
    }

    pub async fn set_status(&self, number: i64, status: &str) -> Answer {
        self.post(&format!("/tickets/{number}/status"), &[("status", status)]).await
    }

    pub async fn write_notes(&self, number: i64, version: i64, notes: &str) -> Answer {
        let fields = [("notes", notes), ("version", &version.to_string())];
        self.post(&format!("/tickets/{number}/notes"), &fields).await
    }

    /// Attaches files like the page's script.
    pub async fn attach(&self, number: i64, files: &[(&str, &[u8])]) -> Answer {
        self.send(self.upload(number, files).header("accept", "application/json")).await
    }

    pub fn upload(&self, number: i64, files: &[(&str, &[u8])]) -> RequestBuilder {
        let mut form = Form::new();
        for (name, bytes) in files {
            form = form.part("files", Part::bytes(bytes.to_vec()).file_name((*name).to_owned()));
        }
        self.request(Method::POST, &format!("/tickets/{number}/attachments")).multipart(form)
    }

    /// The ticket numbers of a list, in order.
    pub async fn list(&self, query: &str) -> Vec<i64> {
        self.get(&format!("/tickets?{query}")).await.expect(200).ticket_numbers()
    }

    /// Creates a public form and returns its path.
    pub async fn make_form(&self, name: &str) -> String {
        let answer = self.post("/settings/forms", &[("name", name)]).await;
        let page = self.get(answer.expect(303).location()).await;
        let address = page.expect(200).texts("main a").into_iter().find(|text| text.contains("/f/")).unwrap();
        address[address.find("/f/").unwrap()..].to_owned()
    }

    /// The id of the newest submission on the first page.
    pub async fn newest_submission(&self) -> String {
        let page = self.get("/submissions").await;
        page.expect(200).id_below("/submissions/")
    }
}
