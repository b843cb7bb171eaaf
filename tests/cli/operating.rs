//! Docket from the operator's point of view: failing starts, invalid settings, incomplete
//! stores and databases, and several programs at once.

use crate::cli::{add_owner, docket, person, signed_in, text};
use crate::support::chat::Visitor;
use crate::support::process::{Server, command, run};
use crate::support::s3::Lack;
use crate::support::smtp::MailServer;
use crate::support::{Answer, PASSWORD, Person, TestApp, database_url, files, fresh_database, s3, through, unique};
use crate::upkeep::notices::with_mail;
use diesel::connection::SimpleConnection;
use diesel::{Connection, PgConnection, RunQueryDsl};
use docket::accounts::role::Role;
use docket::accounts::user;
use docket::accounts::user::NewUser;
use docket::db::{DatabaseUrl, Db};
use docket::values::email::Email;
use reqwest::Method;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs::{self, File, Permissions};
use std::io::{BufRead, BufReader};
use std::net::{TcpListener, TcpStream};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::Ordering;
use std::sync::mpsc;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use url::Url;

/// Longest time for anything that must not hang.
const PATIENCE: Duration = Duration::from_secs(60);
/// The id of a user who can write only to their own files.
const NOBODY: u32 = 65534;

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Runs a command that must not hang, and returns its output.
fn ends(mut command: Command) -> Output {
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let (id, (sender, ended)) = (child.id(), mpsc::channel());
    std::thread::spawn(move || sender.send(child.wait_with_output()));
    ended.recv_timeout(PATIENCE).map(Result::unwrap).unwrap_or_else(|_| {
        Command::new("kill").args(["-KILL", &id.to_string()]).status().unwrap();
        panic!("{command:?} hangs")
    })
}

/// Starts a server that logs to a file.
fn start_logged(mut command: Command, level: &str, log: &Path) -> Server {
    command.env("RUST_LOG", level).stderr(File::create(log).unwrap());
    Server::start_as(command)
}

/// A command that stores files in a bucket.
fn in_a_bucket(dir: &Path, database: &DatabaseUrl, endpoint: &str, args: &[&str]) -> Command {
    // As a container gets it.
    let secret = dir.parent().unwrap().join("s3-secret");
    fs::write(&secret, s3::SECRET).unwrap();
    let mut command = command(dir, database);
    command
        .args(args)
        .envs(s3::settings(endpoint))
        .env_remove("AWS_SECRET_ACCESS_KEY")
        .env("AWS_SECRET_ACCESS_KEY_FILE", secret);
    command
}

#[actix_web::test]
async fn a_store_that_lacks_something_keeps_serves_and_deletes_files() {
    for lack in [Lack::ConditionalWrites, Lack::BulkDeletesWithoutSum, Lack::BulkDeletes] {
        let dir = TempDir::new().unwrap();
        let (data, bucket, log) = (dir.path().join("data"), dir.path().join("s3"), dir.path().join("log"));
        let database = fresh_database(&dir);
        add_owner(&data, &database);
        let endpoint = s3::serve_without(&bucket, lack);
        let server = start_logged(in_a_bucket(&data, &database, &endpoint, &[]), "warn", &log);
        let owner = signed_in(&server).await;
        owner.get("/readyz").await.expect(200);
        let number = owner.make_ticket("In a bucket").await;
        let sent = [files::png(1), files::png(2)];
        let stored = owner.attach(number, &[("a.png", &sent[0]), ("a.png", &sent[1])]).await.expect(201).json();
        for (index, bytes) in sent.iter().enumerate() {
            let url = stored["data"][index]["url"].as_str().unwrap();
            assert_eq!(&owner.get(url).await.expect(200).bytes, bytes, "{lack:?}");
            owner.get(&format!("{url}/thumbnail")).await.expect(200);
        }
        let url = stored["data"][0]["url"].as_str().unwrap();
        owner.post(&format!("{url}/delete"), &[]).await.expect(303);

        let objects = bucket.join(s3::BUCKET).join("desk");
        let orphan = objects.join("tickets/1/1234567890123.pdf");
        fs::write(&orphan, "of nobody").unwrap();
        let mended = ends(in_a_bucket(&data, &database, &endpoint, &["check", "--repair"]));
        assert!(mended.status.success(), "{lack:?}: {}{}", text(&mended.stdout), text(&mended.stderr));
        assert!(!orphan.exists(), "{lack:?}: {}", text(&mended.stdout));
        let keys = files::keys_below(&objects);
        assert!(!keys.iter().any(|key| key.contains("probe")), "{lack:?}: {keys:?}");
        let said = fs::read_to_string(&log).unwrap().matches("no conditional writes").count();
        assert_eq!(said, usize::from(lack == Lack::ConditionalWrites), "{lack:?}");
    }
}

#[actix_web::test]
async fn a_store_that_is_slow_or_broken_is_asked_again_and_told_in_time() {
    let dir = TempDir::new().unwrap();
    let database = fresh_database(&dir);
    let data = dir.path().join("data");
    add_owner(&data, &database);
    let start = |lack: Lack| {
        let endpoint = s3::serve_without(&dir.path().join("s3"), lack);
        Server::start_as(in_a_bucket(&data, &database, &endpoint, &[]))
    };
    let server = start(Lack::Time);
    let ana = signed_in(&server).await;
    let number = ana.make_ticket("T").await;
    for seed in 0..3 {
        ana.attach(number, &[("a.png", &files::png(seed))]).await.expect(201);
    }
    drop(server);
    let server = start(Lack::Health);
    let ana = Person { base: server.base.clone(), ..ana };
    let address =
        ana.get(&format!("/tickets/{number}")).await.expect(200).attribute("a[href*='/attachments/']", "href");
    ana.get(&address).await.expect(200);
    s3::BROKEN.store(true, Ordering::Relaxed);
    let begun = Instant::now();
    ana.attach(number, &[("b.png", &files::png(9))]).await.expect(503);
    ana.get(&address).await.expect(503);
    assert!(begun.elapsed() < PATIENCE, "{:?}", begun.elapsed());
    // Everything else goes on.
    ana.get(&format!("/tickets/{number}")).await.expect(200);
    ana.make_ticket("Another").await;
    s3::BROKEN.store(false, Ordering::Relaxed);
    ana.attach(number, &[("b.png", &files::png(9))]).await.expect(201);
    // A file that the store has lost is missing, and only that.
    for key in files::keys_below(&dir.path().join("s3").join(s3::BUCKET).join("desk/tickets")) {
        fs::remove_file(dir.path().join("s3").join(s3::BUCKET).join("desk/tickets").join(key)).unwrap();
    }
    assert!([404, 410].contains(&ana.get(&address).await.status));
    ana.get(&format!("/tickets/{number}")).await.expect(200);
}

#[actix_web::test]
async fn a_desk_in_a_bucket_is_backed_up_into_a_bucket_and_restored_from_it() {
    let (dir, other) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let (database, empty) = (fresh_database(&dir), fresh_database(&other));
    let (data, restored) = (dir.path().join("data"), other.path().join("data"));
    let endpoint = s3::serve(&dir.path().join("s3"));
    add_owner(&data, &database);
    let server = Server::start_as(in_a_bucket(&data, &database, &endpoint, &[]));
    let ana = signed_in(&server).await;
    let number = ana.make_ticket("Kept in two buckets").await;
    ana.attach(number, &[("a.png", &files::png(1))]).await.expect(201);
    let place = format!("s3://{}/backups", s3::BUCKET);
    for _ in 0..2 {
        let output = ends(in_a_bucket(&data, &database, &endpoint, &["backup", &place]));
        assert!(output.status.success(), "{}", text(&output.stderr));
    }
    drop(server);
    let folder = |args: &[&str]| {
        let mut command = in_a_bucket(&restored, &empty, &endpoint, args);
        command.env("STORAGE_URL", format!("file:{}", restored.join("files").display()));
        command
    };
    let output = ends(folder(&["restore", &place]));
    assert!(output.status.success(), "{}", text(&output.stderr));
    let server = Server::start_as(folder(&[]));
    let ana = signed_in(&server).await;
    let page = ana.get(&format!("/tickets/{number}")).await;
    let address = page.expect(200).expect_text("Kept in two buckets").attribute("a[href*='/attachments/']", "href");
    assert_eq!(ana.get(&address).await.expect(200).bytes, files::png(1));
}

#[actix_web::test]
async fn twenty_commands_at_once_work_beside_a_running_server() {
    let dir = TempDir::new().unwrap();
    let database = fresh_database(&dir);
    add_owner(dir.path(), &database);
    let server = Server::start(dir.path(), &database);
    let owner = signed_in(&server).await;
    let start = |index: i32| -> Child {
        let mut command = command(dir.path(), &database);
        command.args(["form", "add", "--account", "ana@example.com", "--name", &format!("Form {index}")]);
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    };
    let children: Vec<Child> = (0..20).map(start).collect();
    let mut addresses = BTreeSet::new();
    for child in children {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", text(&output.stderr));
        addresses.insert(text(&output.stdout));
    }
    assert_eq!(addresses.len(), 20, "{addresses:?}");
    owner.get("/settings/forms").await.expect(200).expect_text("Form 0").expect_text("Form 19");
}

/// Runs `docket migrate` with invalid settings. Their secrets are `SECRETpw`, which the output must not contain.
fn refusal(settings: &[(&str, &str)]) -> String {
    let dir = TempDir::new().unwrap();
    let mut command = command(dir.path(), &DatabaseUrl::Sqlite(dir.path().join("docket.db")));
    command.env_remove("AWS_ACCESS_KEY_ID").env_remove("AWS_SECRET_ACCESS_KEY").env("RUST_LOG", "warn");
    command.arg("migrate").envs(settings.iter().copied());
    let output = ends(command);
    let said = text(&output.stderr);
    for stream in [&text(&output.stdout), &said] {
        assert!(!stream.contains("SECRETpw"), "{settings:?}: {stream}");
    }
    assert!(matches!(output.status.code(), Some(1 | 2)), "{settings:?}: {:?} {said}", output.status);
    said
}

#[test]
fn a_setting_that_cannot_be_read_is_named_with_its_remedy_and_without_its_secret() {
    let encoded = "%40 %23 %2F %25";
    for (url, remedy) in [
        ("\"postgres://u:SECRETpw@127.0.0.1:1/d\"", "quotation marks"),
        ("'postgres://u:SECRETpw@127.0.0.1:1/d'", "quotation marks"),
        ("mysql://u:SECRETpw@127.0.0.1/d", "sqlite:PATH or postgres://"),
        ("postgres://u:SECRETpw%@127.0.0.1:1/d", encoded),
        ("postgres://u:SECRETpw#x@127.0.0.1:1/d", encoded),
        ("postgres://u:SECRETpw/x@127.0.0.1:1/d", encoded),
        ("postgres://u:SECRETpw@x@127.0.0.1:1/d", encoded),
    ] {
        let said = refusal(&[("DATABASE_URL", url)]);
        assert!(said.contains("DATABASE_URL") && said.contains(remedy), "{url}: {said}");
    }
    // With a valid URL, the message names the server that does not respond.
    let said = refusal(&[("DATABASE_URL", "postgres://u:SECRETpw@127.0.0.1:1/d")]);
    assert!(said.contains("127.0.0.1/d"), "{said}");

    let others = [("DOCKET_PUBLIC_URL", "https://desk.example"), ("DOCKET_MAIL_FROM", "desk@desk.example")];
    for url in ["smtp://u:SECRETpw#x@h:587?tls=required", "smtps://u:SECRETpw/x@h", "u:SECRETpw@mail.example"] {
        let said = refusal(&[&others[..], &[("DOCKET_SMTP_URL", url)]].concat());
        assert!(said.contains("DOCKET_SMTP_URL") && said.contains(encoded), "{url}: {said}");
    }

    let said = refusal(&[("STORAGE_URL", "https://KEY:SECRETpw@s3.example/bucket")]);
    assert!(said.contains("STORAGE_URL") && said.contains("s3://bucket/prefix"), "{said}");
    let said = refusal(&[("STORAGE_URL", "s3://bucket"), ("AWS_SECRET_ACCESS_KEY", "SECRETpw")]);
    assert!(said.contains("STORAGE_URL") && said.contains("AccessKeyId"), "{said}");
}

#[test]
fn what_cannot_be_the_address_of_a_bucket_is_refused_by_its_name() {
    let keys = [("AWS_ACCESS_KEY_ID", "KEY"), ("AWS_SECRET_ACCESS_KEY", "SECRETpw"), ("AWS_REGION", "us-east-1")];
    for (bucket, endpoint, name) in [
        ("s3://KEY:SECRETpw@bucket/desk", "http://127.0.0.1:1", "STORAGE_URL"),
        ("s3://bucket/desk", "http://KEY:SECRETpw@127.0.0.1:1", "AWS_ENDPOINT_URL"),
        ("s3://bucket/desk", "127.0.0.1:9000", "AWS_ENDPOINT_URL"),
    ] {
        let place = [("STORAGE_URL", bucket), ("AWS_ENDPOINT_URL", endpoint)];
        let said = refusal(&[&keys[..], &place].concat());
        assert!(said.contains(name), "{bucket} {endpoint}: {said}");
    }
}

/// The home of a user other than root, because root can write everywhere.
struct Home {
    dir: TempDir,
    data: PathBuf,
}

impl Home {
    fn new() -> Self {
        let dir = TempDir::new().unwrap();
        // This user may have no access to the build folder.
        let (built, program) = (env!("CARGO_BIN_EXE_docket"), dir.path().join("docket"));
        fs::hard_link(built, &program).or_else(|_| fs::copy(built, &program).map(drop)).unwrap();
        if is_root() {
            chown(dir.path(), Some(NOBODY), Some(NOBODY)).unwrap();
        }
        let home = Self { data: dir.path().join("data"), dir };
        let (code, said) = home.migrate();
        assert_eq!(code, Some(0), "{said}");
        home
    }

    /// Runs `docket migrate` there, and returns its exit code and errors.
    fn migrate(&self) -> (Option<i32>, String) {
        let mut command = Command::new(self.dir.path().join("docket"));
        command.arg("migrate").env("DOCKET_DATA_DIR", &self.data).env("RUST_LOG", "warn").env_remove("DATABASE_URL");
        if is_root() {
            command.uid(NOBODY).gid(NOBODY);
        }
        let output = run(command, "");
        (output.status.code(), text(&output.stderr))
    }

    /// Expects that Docket does not start, and that the error names the path and these words.
    fn refuses(&self, place: &Path, words: &[&str]) {
        let (code, said) = self.migrate();
        assert_eq!(code, Some(1), "{}: {said}", place.display());
        for word in [words, &[place.to_str().unwrap()]].concat() {
            assert!(said.contains(word), "no {word:?} for {}: {said}", place.display());
        }
        assert!(!said.contains("Something went wrong") && !said.contains("in a moment"), "{said}");
    }
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().mode() & 0o777
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

const PLACES: [&str; 4] = ["docket.db", "files/tickets", "files/tickets/7", "files"];

#[test]
fn sqlite_only_what_belongs_to_somebody_else_is_named_with_its_owner_and_the_remedy() {
    if !is_root() {
        // Only root can change the owner of a file.
        return;
    }
    let home = Home::new();
    fs::create_dir(home.data.join("files/tickets/7")).unwrap();
    chown(home.data.join("files/tickets/7"), Some(NOBODY), Some(NOBODY)).unwrap();
    for place in PLACES.map(|name| home.data.join(name)).iter().chain([&home.data]) {
        chown(place, Some(0), Some(0)).unwrap();
        let remedy = format!("chown -R {NOBODY} {}", place.display());
        home.refuses(place, &["belongs to user 0", &format!("runs as user {NOBODY}"), &remedy]);
        chown(place, Some(NOBODY), Some(NOBODY)).unwrap();
    }
    assert_eq!(home.migrate(), (Some(0), String::new()));
}

#[test]
fn sqlite_only_what_is_ours_and_read_only_is_named_with_a_remedy_that_helps() {
    let home = Home::new();
    fs::create_dir(home.data.join("files/tickets/7")).unwrap();
    if is_root() {
        chown(home.data.join("files/tickets/7"), Some(NOBODY), Some(NOBODY)).unwrap();
    }
    for place in PLACES.map(|name| home.data.join(name)) {
        let before = mode(&place);
        set_mode(&place, before & 0o500);
        let owner = fs::metadata(&place).unwrap().uid();
        home.refuses(&place, &[&format!("belongs to user {owner}"), "chmod"]);
        set_mode(&place, before);
    }
}

#[test]
fn sqlite_only_a_folder_of_ours_is_closed_to_others_and_a_shared_one_is_refused() {
    let home = Home::new();
    for (folder, open) in [(home.data.clone(), 0o755), (home.data.join("files"), 0o750)] {
        set_mode(&folder, open);
        let (code, said) = home.migrate();
        assert_eq!((code, mode(&folder)), (Some(0), 0o700), "{said}");
        assert!(said.contains("WARN") && said.contains(folder.to_str().unwrap()), "{said}");

        let foreign = folder.join("holiday.jpg");
        fs::write(&foreign, "somebody's").unwrap();
        set_mode(&folder, open);
        home.refuses(&folder, &["other users can read", "chmod 700"]);
        assert_eq!(mode(&folder), open, "it is not ours to close");
        set_mode(&folder, 0o700);
        assert_eq!(home.migrate(), (Some(0), String::new()), "closed, it may hold anything");
        fs::remove_file(foreign).unwrap();
    }
}

#[actix_web::test]
async fn nothing_that_is_made_is_for_others() {
    let dir = TempDir::new().unwrap();
    let data = dir.path().join("data");
    let database = match fresh_database(&dir) {
        DatabaseUrl::Sqlite(_) => DatabaseUrl::Sqlite(data.join("docket.db")),
        postgres => postgres,
    };
    add_owner(&data, &database);
    let server = Server::start(&data, &database);
    let owner = signed_in(&server).await;
    let number = owner.make_ticket("Private").await;
    owner.attach(number, &[("a.png", &files::png(1))]).await.expect(201);
    let keys = files::keys_below(&data);
    assert!(keys.iter().any(|key| key.starts_with("files/thumbnails/")), "{keys:?}");
    for place in keys.iter().map(|key| data.join(key)) {
        for place in place.ancestors().take_while(|place| place.starts_with(&data)) {
            assert_eq!(mode(place) & 0o077, 0, "{}", place.display());
        }
    }
}

#[test]
fn a_data_folder_whose_name_is_not_utf8_is_refused_and_no_other_is_made() {
    let (dir, elsewhere) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let data = dir.path().join(OsStr::from_bytes(b"d\xe9sk"));
    let refused = docket(&data, &fresh_database(&elsewhere), &["migrate"], "");
    assert_eq!(refused.status.code(), Some(1));
    assert!(text(&refused.stderr).contains("UTF-8"), "{}", text(&refused.stderr));
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[test]
#[ignore = "needs Postgres: only there a role may lack a right"]
fn a_role_that_may_not_create_tables_is_told_which_right_it_needs() {
    let dir = TempDir::new().unwrap();
    let database = fresh_database(&dir);
    let (mut url, role): (Url, _) = (database_url(&database).parse().unwrap(), unique("plain"));
    let mut owner = PgConnection::establish(url.as_str()).unwrap();
    let make = format!("CREATE ROLE {role} LOGIN PASSWORD 'SECRETpw'; REVOKE CREATE ON SCHEMA public FROM PUBLIC");
    owner.batch_execute(&make).unwrap();
    url.set_username(&role).unwrap();
    url.set_password(Some("SECRETpw")).unwrap();
    let plain = DatabaseUrl::Postgres(url.into());
    let refused = docket(dir.path(), &plain, &["migrate"], "");
    let said = text(&refused.stderr);
    assert_eq!(refused.status.code(), Some(1), "{said}");
    assert!(said.contains("GRANT CREATE ON SCHEMA public TO") && !said.contains("SECRETpw"), "{said}");
    owner.batch_execute(&format!("GRANT CREATE ON SCHEMA public TO {role}")).unwrap();
    let helped = docket(dir.path(), &plain, &["migrate"], "");
    assert!(helped.status.success(), "{}", text(&helped.stderr));
}

/// A pgbouncer in front of the test's Postgres that assigns connections per transaction.
struct Bouncer {
    child: Child,
    port: u16,
    _dir: TempDir,
}

impl Bouncer {
    fn start() -> Self {
        let postgres: Url = std::env::var("DOCKET_TEST_POSTGRES").unwrap().parse().unwrap();
        let (host, port) = (postgres.host_str().unwrap(), postgres.port().unwrap_or(5432));
        let password = postgres.password().map(|password| format!(" password={password}")).unwrap_or_default();
        let listen = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let (dir, user) = (TempDir::new().unwrap(), postgres.username());
        let settings = format!(
            "[databases]\n* = host={host} port={port} user={user}{password}\n[pgbouncer]\npool_mode = transaction\n\
             listen_addr = 127.0.0.1\nlisten_port = {listen}\nauth_type = any\nunix_socket_dir =\n"
        );
        let file = dir.path().join("pgbouncer.ini");
        fs::write(&file, settings).unwrap();
        let mut command = Command::new("pgbouncer");
        command.arg("-q").arg(&file).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        if is_root() {
            // pgbouncer refuses to run as root.
            chown(dir.path(), Some(NOBODY), Some(NOBODY)).unwrap();
            command.uid(NOBODY).gid(NOBODY);
        }
        let mut bouncer = Self { child: command.spawn().expect("pgbouncer is installed"), port: listen, _dir: dir };
        let begun = Instant::now();
        while TcpStream::connect(("127.0.0.1", listen)).is_err() {
            assert!(begun.elapsed() < PATIENCE, "pgbouncer answers");
            assert!(bouncer.child.try_wait().unwrap().is_none(), "pgbouncer runs");
            std::thread::yield_now();
        }
        bouncer
    }
}

impl Drop for Bouncer {
    fn drop(&mut self) {
        // The process may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn migrate(dir: &Path, database: &DatabaseUrl) -> Output {
    let mut command = command(dir, database);
    command.arg("migrate");
    ends(command)
}

#[test]
#[ignore = "needs Postgres: only that has poolers"]
fn a_pooler_by_transaction_is_refused_with_the_setting_to_change() {
    let (bouncer, dir) = (Bouncer::start(), TempDir::new().unwrap());
    let database = fresh_database(&dir);
    let refused = migrate(dir.path(), &through(bouncer.port, &database));
    let said = text(&refused.stderr);
    assert_eq!(refused.status.code(), Some(1), "{said}");
    assert!(said.contains("pool_mode = session") && said.contains("DATABASE_DIRECT_URL"), "{said}");
    let direct = migrate(dir.path(), &database);
    assert!(direct.status.success(), "{}", text(&direct.stderr));
}

#[actix_web::test]
#[ignore = "needs Postgres: only that has poolers"]
async fn behind_a_pooler_by_transaction_two_instances_work_with_a_direct_url() {
    let (bouncer, dir) = (Bouncer::start(), TempDir::new().unwrap());
    let database = fresh_database(&dir);
    let pooled = through(bouncer.port, &database);
    let serve = || {
        let mut serve = command(dir.path(), &pooled);
        serve.env("DATABASE_DIRECT_URL", database_url(&database));
        serve
    };
    add_owner(dir.path(), &database);
    let (one, other) = (Server::start_as(serve()), Server::start_as(serve()));
    let ana = signed_in(&one).await;
    let there = Person { base: other.base.clone(), ..ana.clone() };
    let key = ana.make_widget("Shop").await;
    let mut desk = there.live().await;
    Visitor::new(&one.base, &key).write("To the other instance").await.expect(201);
    desk.until("message").await;
    // More at once than the pooler has server processes for either instance.
    let visitors: Vec<Visitor> = (0..24).map(|_| Visitor::new(&one.base, &key)).collect();
    let written = visitors.iter().map(|visitor| visitor.write("Through the pooler"));
    for answer in futures_util::future::join_all(written).await {
        answer.expect(201);
    }
    let lists = (0..24).map(|index| if index % 2 == 0 { ana.get("/conversations") } else { there.get("/tickets") });
    for answer in futures_util::future::join_all(lists).await {
        answer.expect(200);
    }
    let number = there.make_ticket("Lamp").await;
    ana.attach(number, &[("a.png", &files::png(1))]).await.expect(201);
    ana.get("/tickets?q=lamp").await.expect(200).expect_text("Lamp");
    // The settings of a transaction stay in it: other users of the pooler find their own.
    let mut conn = PgConnection::establish(&database_url(&pooled)).unwrap();
    let timeout = diesel::dsl::sql::<diesel::sql_types::Text>("current_setting('statement_timeout')");
    assert_eq!(diesel::select(timeout).get_result::<String>(&mut conn).unwrap(), "0");
}

#[test]
#[ignore = "needs Postgres: only that has poolers"]
fn a_desk_behind_a_pooler_is_backed_up_restored_and_moved_past_it() {
    let (bouncer, place) = (Bouncer::start(), TempDir::new().unwrap());
    let dirs: [TempDir; 3] = std::array::from_fn(|_| TempDir::new().unwrap());
    let [here, there] = [&dirs[0], &dirs[1]].map(fresh_database);
    let run = |dir: &TempDir, database: &DatabaseUrl, args: &[&str]| {
        let mut pooled = command(dir.path(), &through(bouncer.port, database));
        pooled.env("DATABASE_DIRECT_URL", database_url(database)).args(args);
        let output = ends(pooled);
        assert!(output.status.success(), "{args:?}: {}", text(&output.stderr));
    };
    add_owner(dirs[0].path(), &here);
    let backups = place.path().to_str().unwrap();
    run(&dirs[0], &here, &["backup", backups]);
    run(&dirs[1], &there, &["restore", backups]);
    let moved = DatabaseUrl::Sqlite(dirs[2].path().join("docket.db"));
    run(&dirs[1], &there, &["move", "--to-database", &database_url(&moved)]);
    let users = docket(dirs[2].path(), &moved, &["user", "list"], "");
    assert!(text(&users.stdout).contains("ana@example.com"), "{}", text(&users.stderr));
}

#[test]
fn a_direct_url_is_refused_where_there_is_no_pooler() {
    let dir = TempDir::new().unwrap();
    let mut mixed = command(dir.path(), &DatabaseUrl::Sqlite(dir.path().join("docket.db")));
    mixed.env("DATABASE_DIRECT_URL", "postgres://docket@127.0.0.1:1/desk").arg("migrate");
    let refused = ends(mixed);
    assert_eq!(refused.status.code(), Some(1));
    assert!(text(&refused.stderr).contains("DATABASE_DIRECT_URL is only for Postgres"), "{}", text(&refused.stderr));
    assert!(!dir.path().join("docket.db").exists());
}

/// Of many programs at once, one may get a server process that another one has just released.
#[test]
#[ignore = "needs Postgres: only that has poolers"]
fn many_starts_behind_a_pooler_leave_no_lock_behind() {
    let bouncer = Bouncer::start();
    for _ in 0..3 {
        let dir = TempDir::new().unwrap();
        let database = fresh_database(&dir);
        let pooled = through(bouncer.port, &database);
        std::thread::scope(|scope| {
            let starts: Vec<_> = (0..12).map(|_| scope.spawn(|| migrate(dir.path(), &pooled))).collect();
            for start in starts {
                let output = start.join().unwrap();
                let said = text(&output.stderr);
                assert!(output.status.success() || said.contains("pool_mode = session"), "{said}");
            }
        });
        let direct = migrate(dir.path(), &database);
        assert!(direct.status.success(), "{}", text(&direct.stderr));
    }
}

/// Starts a server without accounts, and returns it with the set-up link that it prints.
fn start_empty(mut command: Command) -> (Server, String) {
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let printed: Vec<String> = lines.take(3).map(Result::unwrap).collect();
    let last = |line: &str| line.rsplit(' ').next().unwrap().to_owned();
    let (base, link) = (last(&printed[0]), last(&printed[2]));
    (Server { child, base, printed }, link)
}

#[actix_web::test]
async fn the_set_up_links_of_two_instances_work_until_one_is_used() {
    let dir = TempDir::new().unwrap();
    let database = fresh_database(&dir);
    let mut everywhere = command(dir.path(), &database);
    everywhere.args(["--listen", "0.0.0.0:0"]);
    let (_first, here) = start_empty(command(dir.path(), &database));
    let (_second, there) = start_empty(everywhere);
    let split = |link: &str| -> (String, String) {
        let at = link.find("/setup?token=").unwrap_or_else(|| panic!("{link}"));
        (link[..at].to_owned(), link[at..].to_owned())
    };
    let ((here, first), (there, second)) = (split(&here), split(&there));
    assert!(!there.contains("0.0.0.0") && first != second, "{there}");
    let (here, there) = (person(&here), person(&there));
    here.get(&first).await.expect(200);
    there.get(&second).await.expect(200);
    here.get(&second).await.expect(200);
    let fields = [("name", "Ana"), ("email", "ana@example.com"), ("password", PASSWORD), ("timeZone", "UTC")];
    there.post(&second, &fields).await.expect_redirect("/tickets");
    for link in [&first, &second] {
        here.get(link).await.expect(404);
        there.get(link).await.expect(404);
    }
}

#[test]
fn before_the_first_start_a_check_finds_nothing_wrong() {
    let dir = TempDir::new().unwrap();
    let database = fresh_database(&dir);
    assert!(migrate(dir.path(), &database).status.success());
    add_owner(dir.path(), &database);
    let checked = docket(dir.path(), &database, &["check"], "");
    let said = text(&checked.stdout);
    assert!(checked.status.success() && said.contains("Problems: 0"), "{said}{}", text(&checked.stderr));
    // The same for a new, empty database.
    let (dir, other) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let checked = docket(dir.path(), &fresh_database(&other), &["check"], "");
    assert!(checked.status.success(), "{}{}", text(&checked.stdout), text(&checked.stderr));
}

#[test]
fn proxies_are_named_by_addresses_and_networks_or_not_at_all() {
    let dir = TempDir::new().unwrap();
    let database = fresh_database(&dir);
    for proxies in ["127.0.0.1", "::1", "", " ", " 127.0.0.1 , ::1 ", "127.0.0.1 ::1", "10.0.0.0/8,fd00::/8"] {
        let mut command = command(dir.path(), &database);
        command.arg("migrate").env("DOCKET_TRUSTED_PROXIES", proxies);
        let output = run(command, "");
        assert!(output.status.success(), "{proxies:?}: {}", text(&output.stderr));
    }
}

async fn at(app: &TestApp, host: &str, path: &str) -> Answer {
    let stranger = app.stranger();
    stranger.send(stranger.request(Method::GET, path).header("host", host)).await
}

#[actix_web::test]
async fn a_desk_by_tls_answers_to_its_name_alone_and_asks_for_tls() {
    let app = TestApp::start_with(|config| config.public_url = Some("https://desk.example".parse().unwrap())).await;
    let setup = app.setup_path.clone().unwrap();
    let mut answers = Vec::new();
    for host in ["desk.example", "DESK.example", "desk.example:443"] {
        answers.push((at(&app, host, &setup).await, 200));
        answers.push((at(&app, host, "/nothing/here").await, 404));
    }
    for host in ["other.example", "127.0.0.1", "desk.example:8443", "desk.example.evil.example"] {
        for path in [setup.as_str(), "/tickets", "/nothing/here"] {
            let refused = at(&app, host, path).await;
            refused.expect(421).expect_text("https://desk.example").expect_text("pass on the Host header");
            answers.push((refused, 421));
        }
    }
    for path in ["/healthz", "/readyz"] {
        answers.push((app.stranger().get(path).await, 200));
    }
    for (answer, status) in answers {
        let seconds = answer.expect(status).header("strict-transport-security").strip_prefix("max-age=");
        assert!(seconds.is_some_and(|seconds| !seconds.starts_with('0')), "{status} {:?}", answer.headers);
    }

    for public in [None, Some("http://desk.example")] {
        let app = TestApp::start_with(|config| config.public_url = public.map(|url| url.parse().unwrap())).await;
        let setup = app.setup_path.clone().unwrap();
        for (host, path, status) in [("other.example", setup.as_str(), 200), ("127.0.0.1", "/nothing/here", 404)] {
            let answer = at(&app, host, path).await;
            assert_eq!(answer.expect(status).header("strict-transport-security"), "", "{public:?}");
        }
    }
}

/// The test removes tables, so that every request fails and is logged.
#[actix_web::test]
async fn the_log_finds_a_request_again_and_holds_nothing_secret_or_personal() {
    let dir = TempDir::new().unwrap();
    let (data, log) = (dir.path().join("data"), dir.path().join("log"));
    let database = fresh_database(&dir);
    add_owner(&data, &database);
    let mut serve = command(&data, &database);
    // All statements are slow.
    serve.env("DOCKET_SLOW_QUERY", "0s");
    let server = start_logged(serve, "debug", &log);
    let owner = signed_in(&server).await;
    let vera = Visitor::new(&server.base, &owner.make_widget("Shop").await);
    vera.write("MESSAGEsecret").await.expect(201);
    let db = Db::open(&database).unwrap();
    let lose = async |tables: &'static [&'static str]| {
        let rename = move |conn: &mut docket::db::Connection| {
            for table in tables {
                diesel::sql_query(format!("ALTER TABLE {table} RENAME TO gone_{table}")).execute(conn)?;
            }
            Ok(())
        };
        db.write(rename).await.unwrap();
    };
    let stranger = person(&server.base);
    let get =
        async |path: &str| owner.send(owner.request(Method::GET, path).header("user-agent", "AGENTsecret/1.0")).await;
    let refused = stranger.sign_in("mallory@secret.example", "PASSWORDsecret").await;
    let foreign = stranger.client.post(format!("{}/invitations/INVITATIONsecret", server.base));
    let mut answers = vec![
        (refused, 401, "/login"),
        (stranger.send(foreign.header("origin", "https://evil.example")).await, 403, "/invitations/{token}"),
    ];
    lose(&["setup_links", "invitations", "tickets", "widgets"]).await;
    answers.push((get("/setup?token=SETUPsecret").await, 500, "/setup"));
    answers.push((get("/invitations/INVITATIONsecret").await, 500, "/invitations/{token}"));
    answers.push((get("/tickets?q=QUERYsecret").await, 500, "/tickets"));
    answers.push((vera.write("MESSAGEsecret").await, 500, "/chat/{widget_key}/messages"));
    lose(&["users"]).await;
    answers.push((stranger.sign_in("mallory@secret.example", "PASSWORDsecret").await, 500, "/login"));

    let log = fs::read_to_string(&log).unwrap();
    for (answer, status, route) in &answers {
        let id = answer.expect(*status).header("x-request-id");
        let line = log.lines().find(|line| line.contains(id)).unwrap_or_else(|| panic!("no {route} in\n{log}"));
        assert!(line.contains(&format!("route={route} ")), "{line}");
        // Only the log contains the cause.
        answer.expect_no_text("no such table").expect_no_text("does not exist");
    }
    assert!(log.contains("a slow statement") && log.contains("FROM"), "{log}");
    let secrets = ["SETUPsecret", "INVITATIONsecret", "QUERYsecret", "MESSAGEsecret", "PASSWORDsecret", "AGENTsecret"];
    for secret in secrets.into_iter().chain([vera.secret.as_str(), "secret.example", "ana@example.com", "?token"]) {
        assert!(!log.contains(secret), "{secret} in\n{log}");
    }
}

#[actix_web::test]
async fn the_log_tells_who_was_refused_and_who_changed_what_others_may() {
    let dir = TempDir::new().unwrap();
    let (data, log) = (dir.path().join("data"), dir.path().join("log"));
    let database = fresh_database(&dir);
    add_owner(&data, &database);
    let server = start_logged(command(&data, &database), "info", &log);
    let (owner, stranger, member) = (signed_in(&server).await, person(&server.base), person(&server.base));
    let unknown = stranger.client.get(format!("{}/api/v1/tickets", server.base));
    let unknown = unknown.bearer_auth(format!("dk_live_{}", "a".repeat(52)));
    let foreign = stranger.client.post(format!("{}/login", server.base)).header("origin", "https://evil.example");
    let wrong = [("name", "Program"), ("current", "not the password")];
    let invite = [("email", "vera@example.com"), ("role", "viewer")];
    let mut events = vec![
        (stranger.send(unknown).await, 401, "request refused", ""),
        (stranger.send(foreign).await, 403, "request refused", ""),
        (owner.post("/settings/keys", &wrong).await, 422, "wrong password of a signed-in user", "user=1"),
        (owner.post("/settings/keys", &[wrong[0], ("current", PASSWORD)]).await, 201, "API key created", "user=1"),
        (owner.post("/settings/keys/1/revoke", &[]).await, 303, "API key revoked", "user=1"),
        (owner.post("/settings/team/invitations", &invite).await, 201, "invited", "user=1"),
    ];
    let path = events[5].0.one_time_link();
    let join = [("name", "Vera"), ("password", PASSWORD)];
    events.push((member.post(&path, &join).await, 303, "invitation accepted", "user=2"));
    events.push((member.get("/settings/keys").await, 403, "request refused", "user=2"));
    for (path, fields, line) in [
        ("/settings/team/2/role", [("role", "editor")].as_slice(), "role changed"),
        ("/settings/team/2/end-sessions", &[], "sessions of a member ended"),
        ("/settings/team/2/disable", &[], "member disabled"),
        ("/settings/team/2/enable", &[], "member enabled"),
        ("/profile/password", &[("current", PASSWORD), ("password", "another good pass phrase")], "password changed"),
        ("/profile/sessions/end-others", &[], "all other sessions ended"),
        ("/logout", &[], "signed out"),
    ] {
        events.push((owner.post(path, fields).await, 303, line, "user=1"));
    }

    let log = fs::read_to_string(&log).unwrap();
    for (answer, status, line, user) in &events {
        let id = answer.expect(*status).header("x-request-id");
        let is_told = |text: &str| text.contains(id) && text.contains(line) && text.contains(user);
        assert!(log.lines().any(is_told), "{line} by {user} in\n{log}");
    }
}

#[actix_web::test]
async fn a_log_in_json_is_one_object_a_line_with_the_request_and_its_id() {
    let dir = TempDir::new().unwrap();
    let (data, log) = (dir.path().join("data"), dir.path().join("log"));
    let mut serve = command(&data, &fresh_database(&dir));
    // All statements are slow.
    serve.env("DOCKET_LOG_FORMAT", "json").env("DOCKET_SLOW_QUERY", "0s");
    let server = start_logged(serve, "info", &log);
    let refused = person(&server.base).sign_in("nobody@example.com", "not the password").await;
    let id = refused.expect(401).header("x-request-id");
    let lines: Vec<Value> =
        fs::read_to_string(&log).unwrap().lines().map(|line| serde_json::from_str(line).expect(line)).collect();
    let line = lines.iter().find(|line| line["span"]["id"] == id).unwrap_or_else(|| panic!("{lines:#?}"));
    assert_eq!((&line["level"], &line["span"]["route"]), (&json!("INFO"), &json!("/login")), "{line}");
    let is_statement = |line: &&Value| line["fields"]["message"] == "a slow statement" && line["spans"][0]["id"] == id;
    assert!(lines.iter().any(|line| is_statement(&line)), "{lines:#?}");
    let at: chrono::DateTime<chrono::Utc> = line["timestamp"].as_str().unwrap().parse().unwrap();
    assert!((chrono::Utc::now() - at).num_seconds() < 60, "{line}");
}

#[actix_web::test]
async fn the_log_says_that_a_proxy_cuts_off_the_base_path() {
    let dir = TempDir::new().unwrap();
    let (data, log) = (dir.path().join("data"), dir.path().join("log"));
    let database = fresh_database(&dir);
    add_owner(&data, &database);
    let mut command = command(&data, &database);
    command.env("DOCKET_PUBLIC_URL", "http://desk.example/desk");
    let server = start_logged(command, "warn", &log);
    let visitor = person(&server.base);
    visitor.get("/desk/login").await.expect(200);
    visitor.get("/favicon.ico").await.expect(404);
    assert_eq!(fs::read_to_string(&log).unwrap(), "", "nothing is wrong");
    for _ in 0..2 {
        visitor.get("/login").await.expect(404);
    }
    let log = fs::read_to_string(&log).unwrap();
    assert_eq!(log.matches("let the proxy pass on the whole path").count(), 1, "{log}");
}

#[actix_web::test]
async fn a_member_with_a_domain_beyond_ascii_gets_mails_with_all_headers() {
    let server = MailServer::start();
    let app = TestApp::start_with(with_mail(&server)).await;
    let owner = app.owner().await;
    let user = NewUser {
        email: Email::parse("mueller@exämple.example").unwrap(),
        name: "Jürgen Müller".into(),
        password_hash: "none".into(),
        time_zone: "UTC".into(),
    };
    let (account, now) = (owner.id, app.app.clock.now());
    let add = move |conn: &mut _| user::add(conn, account, &user, Role::Editor, now);
    app.app.db.write(add).await.unwrap();
    app.run_jobs().await;
    let form = owner.make_form("Contact").await;
    owner.visit(&form, &[("name", "Zoë"), ("message", "Where is my parcel?")]).await.expect(303);
    app.wait(Duration::from_secs(61));
    app.run_jobs().await;

    let mails = server.take();
    assert_eq!(mails.len(), 2, "{mails:?}");
    assert!(mails.iter().any(|mail| mail.contains("X-RcptTo: mueller@xn--exmple-cua.example")), "{mails:?}");
    let headers = |mail: &str, name: &str| -> Vec<String> {
        let head = mail.lines().take_while(|line| !line.is_empty());
        head.filter_map(|line| line.strip_prefix(name)).map(str::to_owned).collect()
    };
    assert!(mails.iter().all(|mail| headers(mail, "MIME-Version: ") == ["1.0"]), "{mails:?}");
    let ids: Vec<Vec<String>> = mails.iter().map(|mail| headers(mail, "Message-ID: ")).collect();
    assert!(ids.iter().all(|ids| ids.len() == 1 && ids[0].starts_with('<')) && ids[0] != ids[1], "{ids:?}");
}

#[actix_web::test]
async fn a_server_that_drains_says_so_and_ends_each_connection() {
    let dir = TempDir::new().unwrap();
    let database = fresh_database(&dir);
    add_owner(dir.path(), &database);
    let mut serve = command(dir.path(), &database);
    serve.env("DOCKET_DRAIN", "2s");
    let mut server = Server::start_as(serve);
    let ana = signed_in(&server).await;
    ana.get("/readyz").await.expect(200);
    server.signal("TERM");
    let begun = Instant::now();
    let mut told = ana.get("/readyz").await;
    while told.status == 200 {
        assert!(begun.elapsed() < PATIENCE, "it says that it stops");
        told = ana.get("/readyz").await;
    }
    assert_eq!(told.expect(503).header("connection"), "close");
    // On another connection, which still begins.
    assert_eq!(ana.get("/tickets").await.expect(200).header("connection"), "close");
    assert!(server.child.wait().unwrap().success());
    assert!(begun.elapsed() >= Duration::from_secs(2));
}

#[actix_web::test]
async fn health_is_for_everybody() {
    let app = TestApp::start().await;
    assert_eq!(app.stranger().get("/healthz").await.expect(200).body, "ok\n");
    app.stranger().get("/readyz").await.expect(200);
    std::fs::remove_dir_all(app.dir.path().join("files")).unwrap();
    app.stranger().get("/healthz").await.expect(200);
}
