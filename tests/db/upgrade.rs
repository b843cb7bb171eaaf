//! Data folders from older versions of the program. Each is in `tests/data`, named after the
//! date of its version, and contains rows of every kind.

use crate::cli::{docket, text};
use crate::support::{PASSWORD, Person, TestApp, client, config_on, database_url, fresh_database};
use actix_web::rt;
use chrono::NaiveDate;
use diesel::connection::SimpleConnection;
use diesel::migration::Migration;
use diesel::prelude::*;
use diesel::{PgConnection, SqliteConnection};
use diesel_migrations::{FileBasedMigrations, MigrationHarness};
use docket::app::App;
use docket::clock::Clock;
use docket::db::DatabaseUrl;
use docket::db::schema::jobs;
use docket::jobs::job::{Job, State};
use docket::server::Running;
use docket::upkeep::{check, worker};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// Secrets that the old version showed once: the database contains only hashes.
const KEY: &str = "dk_live_bke5vyuykyav3r9nc7ckyqsyznace0nnrrjkc0w3v3u7fbkgdwvt";
/// Invitations of `new@example.com` as an admin, and of `newer@example.com` as an owner.
const INVITATIONS: [&str; 2] = [
    "/invitations/2549cpcydbhq5kcghsk8cewrv4wskczkawzq86h6fw9nhn8nxexu",
    "/invitations/b8xwur5m2dd0ptrsv2d6x2wnewag2v0n5hm7kwq8ub9zg3q84zuf",
];

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// Starts this version with a copy of the old folder.
async fn open(dir: &TempDir) -> (actix_web::web::Data<App>, Person) {
    copy(&old_folder(), dir.path());
    let path = dir.path().join("docket.db");
    let mut old = SqliteConnection::establish(path.to_str().unwrap()).unwrap();
    old.batch_execute(UNTOLD).unwrap();
    serve(dir, DatabaseUrl::Sqlite(path), day_of("2026-11-25").unwrap()).await
}

fn day_of(folder: &str) -> Option<NaiveDate> {
    folder.parse().ok()
}

fn kept_folders() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data")
}

fn old_folder() -> PathBuf {
    kept_folders().join("2026-11-25")
}

/// Olivia has not been told of any submission, of a visitor who waits, and of her ticket.
const UNTOLD: &str =
    "UPDATE mail_marks SET submission_seq = 0, waiting_since = '2000-01-01', assigned_at = '2000-01-01';
    UPDATE users SET mail_submissions = TRUE, mail_waiting = TRUE, mail_assignments = TRUE WHERE id = 1;
    UPDATE conversations SET waiting_since = '2026-11-24 10:00:00' WHERE seq = 1;
    UPDATE tickets SET assignee_id = 1, assigned_at = '2026-11-24 10:00:00', assigned_by = 'Eda' WHERE number = 13";

/// Serves a folder of that day. Olivia is signed in.
async fn serve(dir: &TempDir, database: DatabaseUrl, day: NaiveDate) -> (actix_web::web::Data<App>, Person) {
    // Deleted tickets are removed after 30 days, so the clock stays at that time.
    let noon = day.succ_opt().unwrap().and_hms_opt(12, 0, 0).unwrap();
    let config = config_on(dir.path(), database);
    let Running { address, app, server, .. } = App::build(config, Clock::from_fn(move || noon), 1).await.unwrap();
    rt::spawn(server);
    worker::run_due(&app).await.unwrap();
    let person =
        Person { base: format!("http://{address}"), client: client(), id: 1, email: "olivia@example.com".into() };
    person.sign_in(&person.email, PASSWORD).await.expect_redirect("/tickets");
    (app, person)
}

/// The migration itself fills the table of long words, for an index that is built already.
#[actix_web::test]
async fn sqlite_only_long_words_of_a_built_index_are_found_after_an_upgrade() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    owner.make_ticket("Lampshades").await;
    let DatabaseUrl::Sqlite(path) = app.app.config.database() else { panic!("SQLite only") };
    let mut conn = SqliteConnection::establish(path.to_str().unwrap()).unwrap();
    let source = || FileBasedMigrations::from_path("migrations/sqlite").unwrap();
    let is_after = |conn: &mut SqliteConnection| conn.applied_migrations().unwrap()[0] >= "20261129000000".into();
    while is_after(&mut conn) {
        conn.revert_last_migration(source()).unwrap();
    }
    conn.run_pending_migrations(source()).unwrap();
    owner.get("/tickets?q=lampsha").await.expect(200).expect_text("Lampshades");
    owner.get("/tickets?q=lampshaw").await.expect(200).expect_no_text("Lampshades");
}

#[derive(QueryableByName)]
struct Words {
    #[diesel(sql_type = diesel::sql_types::Text)]
    text: String,
}

fn texts(conn: &mut SqliteConnection, query: &str) -> Vec<String> {
    diesel::sql_query(query).load::<Words>(conn).unwrap().into_iter().map(|row| row.text).collect()
}

/// Fills a Postgres database of the old version with the rows of the old folder.
fn old_postgres(url: &str, file: &Path) {
    let mut to = PgConnection::establish(url).unwrap();
    let mut from = SqliteConnection::establish(file.to_str().unwrap()).unwrap();
    let known: Vec<String> = from.applied_migrations().unwrap().iter().map(ToString::to_string).collect();
    let source = FileBasedMigrations::from_path("migrations/postgres").unwrap();
    for migration in to.pending_migrations(source).unwrap() {
        if known.contains(&migration.name().version().to_string()) {
            to.run_migration(&migration).unwrap();
        }
    }
    // The tables come in any order.
    to.batch_execute("SET session_replication_role = replica").unwrap();
    let tables = texts(&mut from, "SELECT name AS text FROM sqlite_master WHERE type = 'table'");
    let is_ours = |table: &String| !table.contains("_terms") && !table.starts_with("sqlite") && !table.starts_with('_');
    for table in tables.into_iter().filter(is_ours) {
        let columns =
            texts(&mut from, &format!("SELECT name || ' ' || type AS text FROM pragma_table_info('{table}')"));
        let columns: Vec<(&str, &str)> = columns.iter().map(|column| column.split_once(' ').unwrap()).collect();
        let value = |(name, kind): &(&str, &str)| {
            let cast = if *kind == "BOOLEAN" { "::int::boolean" } else { "" };
            format!("quote({name}) || '{cast}'")
        };
        let values: Vec<String> = columns.iter().map(value).collect();
        let names: Vec<&str> = columns.iter().map(|(name, _)| *name).collect();
        for row in texts(&mut from, &format!("SELECT {} AS text FROM {table}", values.join(" || ',' || "))) {
            to.batch_execute(&format!("INSERT INTO {table} ({}) VALUES ({row})", names.join(", "))).unwrap();
        }
        if let Some(id) = names.iter().find(|name| ["id", "seq"].contains(name)) {
            let next = format!(
                "SELECT setval(sequence, (SELECT max({id})::text::bigint FROM {table}))
                 FROM pg_get_serial_sequence('{table}', '{id}') AS sequence WHERE sequence IS NOT NULL"
            );
            to.batch_execute(&next).unwrap();
        }
    }
    to.batch_execute(UNTOLD).unwrap();
}

/// The history of tickets has become events, and reads as before. Open mail has become jobs.
async fn reads_as_before(app: &App, olivia: &Person) {
    let lines = olivia.get("/tickets/13").await.texts(".events li");
    let expected = [
        "Eda Editor changed the status from “New” to “Closed”",
        "Olivia Owner changed the notes (version 2)",
        "Olivia Owner removed the file g.txt",
        "Olivia Owner attached g.txt",
    ];
    for (line, expected) in lines.iter().zip(expected) {
        assert!(line.starts_with(expected), "{line}");
    }
    assert_eq!(lines.len(), 12);
    let revisions = olivia.get("/tickets/13/notes/revisions").await;
    revisions.expect_text("Version 2").expect_text("Second notes");
    let jobs: Vec<Job> = app.db.scan(|conn| Ok(jobs::table.order(jobs::id).load(conn)?)).await.unwrap();
    let count = |topic| jobs.iter().filter(|job| job.key.starts_with(topic) && job.state == State::Waiting).count();
    assert_eq!(["submission:", "waiting:", "assigned:"].map(count), [9, 1, 1], "{jobs:?}");
}

#[actix_web::test]
#[ignore = "needs Postgres"]
async fn a_postgres_of_november_2026_is_served_whole() {
    let (dir, old) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let database = fresh_database(&dir);
    copy(&old_folder(), old.path());
    copy(&old_folder().join("files"), &dir.path().join("files"));
    old_postgres(&database_url(&database), &old.path().join("docket.db"));
    let (app, olivia) = serve(&dir, database, day_of("2026-11-25").unwrap()).await;
    reads_as_before(&app, &olivia).await;
    let made = olivia.make_ticket("After the upgrade").await;
    olivia.get(&format!("/tickets/{made}")).await.expect(200);
    assert_eq!(olivia.list("q=after+the+upgrade&status=all").await, [made]);
}

#[actix_web::test]
async fn sqlite_only_a_folder_of_november_2026_is_served_whole() {
    let dir = TempDir::new().unwrap();
    let (app, olivia) = open(&dir).await;
    let mut lines = Vec::new();
    let outcome = check::run(&app, false, &mut |line| lines.push(line.to_owned())).await.unwrap();
    assert_eq!(outcome.found, 0, "{lines:?}");

    let page = olivia.get("/tickets/13").await;
    page.expect(200).expect_text("With files").expect_text("Second notes").expect_text("köln");
    for name in ["a.png", "b.jpg", "c.webp", "d.gif", "e.csv"] {
        page.expect_text(&format!("data-name=\"{name}\""));
    }
    let picture = page.id_below("/attachments/");
    let picture = olivia.get(&format!("/tickets/13/attachments/{picture}")).await;
    assert!(picture.expect(200).bytes.starts_with(b"\x89PNG"));
    assert_eq!(olivia.list("q=second+notes&status=all").await, [13]);
    // The migration merged two tags that look alike.
    assert_eq!(olivia.list("tag=k%C3%B6ln&status=all").await.len(), 2);
    olivia.get("/conversations?q=lamp").await.expect_text("Vera");
    olivia.get("/submissions?q=parcel").await.expect_text("Where is my parcel");
    olivia.get("/tickets?status=deleted").await.expect(200);
    reads_as_before(&app, &olivia).await;
    // The database as the old version left it stands beside the new one.
    let copies = std::fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().path());
    let copy = copies.filter(|path| path.display().to_string().contains("docket.db.2026")).collect::<Vec<_>>();
    let [copy] = copy.as_slice() else { panic!("{copy:?}") };
    assert_eq!(copy.metadata().unwrap().permissions().mode() & 0o077, 0);
    let mut old = SqliteConnection::establish(copy.to_str().unwrap()).unwrap();
    diesel::sql_query("SELECT count(*) FROM ticket_events").execute(&mut old).unwrap();
    let made = olivia.make_ticket("After the upgrade").await;
    olivia.get(&format!("/tickets/{made}")).await.expect(200);
}

#[actix_web::test]
async fn sqlite_only_every_kept_folder_is_served_without_a_fault() {
    let names =
        std::fs::read_dir(kept_folders()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let folders: Vec<(String, NaiveDate)> = names.filter_map(|name| day_of(&name).map(|day| (name, day))).collect();
    assert!(folders.len() >= 2, "{folders:?}");
    for (name, day) in folders {
        let dir = TempDir::new().unwrap();
        copy(&kept_folders().join(&name), dir.path());
        let (app, olivia) = serve(&dir, DatabaseUrl::Sqlite(dir.path().join("docket.db")), day).await;
        let mut lines = Vec::new();
        let outcome = check::run(&app, false, &mut |line| lines.push(line.to_owned())).await.unwrap();
        assert_eq!(outcome.found, 0, "{name}: {lines:?}");
        for list in ["/tickets?status=all", "/conversations?status=all", "/submissions?status=all"] {
            let links = olivia.get(list).await.expect(200).attributes("a.row-link", "href");
            assert!(!links.is_empty(), "{name}: nothing in {list}");
            for link in links {
                olivia.get(&link).await.expect(200);
            }
        }
        let made = olivia.make_ticket("After the upgrade").await;
        assert_eq!(olivia.list("q=after+the+upgrade&status=all").await, [made]);
    }
}

/// Old rows do not record who created them, so they belong to the oldest active owner.
#[actix_web::test]
async fn sqlite_only_keys_and_invitations_of_november_2026_go_on_with_the_oldest_owner() {
    let dir = TempDir::new().unwrap();
    let (_app, olivia) = open(&dir).await;
    let api = || client().get(format!("{}/api/v1/tickets", olivia.base)).bearer_auth(KEY).send();
    assert_eq!(api().await.unwrap().status(), 200);
    let new = Person { client: client(), ..olivia.clone() };
    new.post(INVITATIONS[1], &[("name", "Nora"), ("password", PASSWORD)]).await.expect_redirect("/tickets");
    new.post("/settings/team/1/role", &[("role", "editor")]).await.expect(303);
    assert_eq!(api().await.unwrap().status(), 401);
    let late = Person { client: client(), ..olivia.clone() };
    late.post(INVITATIONS[0], &[("name", "Late"), ("password", PASSWORD)]).await.expect(404);
}

#[test]
fn a_database_of_a_newer_version_is_refused() {
    let dir = TempDir::new().unwrap();
    let database = fresh_database(&dir);
    assert!(docket(dir.path(), &database, &["migrate"], "").status.success());
    let newer = "INSERT INTO __diesel_schema_migrations (version) VALUES ('29990101000000')";
    match &database {
        DatabaseUrl::Sqlite(path) => {
            SqliteConnection::establish(path.to_str().unwrap()).unwrap().batch_execute(newer).unwrap();
        }
        DatabaseUrl::Postgres(url) => PgConnection::establish(url).unwrap().batch_execute(newer).unwrap(),
    }
    for command in ["serve", "migrate"] {
        let output = docket(dir.path(), &database, &[command], "");
        assert_eq!(output.status.code(), Some(1));
        let said = text(&output.stderr);
        assert!(said.contains("a newer Docket has written it (version 29990101000000"), "{said}");
        assert!(said.contains("restore a backup from before"), "{said}");
    }
}
