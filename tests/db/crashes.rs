//! Kills an upload, or makes its disk fail, at every step of writing it to disk. Afterwards
//! no ready file lacks its bytes, and `docket check` finds and repairs the rest.

use crate::cli::{add_owner, signed_in};
use crate::support::process::{Server, command};
use crate::support::{Person, config_on, files, fresh_database};
use chrono::NaiveDateTime;
use diesel::prelude::*;
use docket::app::App;
use docket::clock::Clock;
use docket::db::schema::jobs;
use docket::db::{Connection, DatabaseUrl, Db};
use docket::jobs::job::Kind;
use docket::upkeep::check;
use docket::upkeep::check::Outcome;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// The library to preload into the program, built once.
static FAULTS: LazyLock<(TempDir, PathBuf)> = LazyLock::new(|| {
    let dir = TempDir::new().unwrap();
    let library = dir.path().join("faults.so");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support/faults.c");
    let built =
        Command::new("cc").args(["-shared", "-fPIC", "-O1", "-o"]).arg(&library).arg(source).arg("-ldl").status();
    assert!(built.unwrap().success());
    (dir, library)
});

/// Waits until a program that was started then has done the job of each start. Its writes would be
/// taken for those of an upload, and nobody else would do it for minutes after a kill.
async fn settled(database: &DatabaseUrl, begun: NaiveDateTime) {
    let db = Db::open(database).unwrap();
    let ended = |conn: &mut Connection| {
        let upgrade = jobs::table.filter(jobs::kind.eq(Kind::Upgrade));
        Ok(upgrade.select(jobs::ended_at).first::<Option<NaiveDateTime>>(conn).optional()?.flatten())
    };
    let patience = Instant::now() + Duration::from_secs(20);
    while db.scan(ended).await.unwrap().is_none_or(|at| at < begun) {
        assert!(Instant::now() < patience, "the job ends");
        tokio::task::yield_now().await;
    }
}

/// An installation with a disk that fails on request.
struct Desk {
    dir: TempDir,
    database: DatabaseUrl,
    owner: Person,
    number: i64,
}

impl Desk {
    async fn new() -> Self {
        let dir = TempDir::new().unwrap();
        let database = fresh_database(&dir);
        add_owner(dir.path(), &database);
        let begun = chrono::Utc::now().naive_utc();
        let server = Server::start(dir.path(), &database);
        settled(&database, begun).await;
        let owner = signed_in(&server).await;
        let number = owner.make_ticket("Crashes").await;
        owner.attach(number, &[("first.png", &files::png(1))]).await.expect(201);
        Self { dir, database, owner, number }
    }

    fn gate(&self) -> PathBuf {
        self.dir.path().with_extension("gate")
    }

    fn log(&self) -> PathBuf {
        self.dir.path().with_extension("log")
    }

    /// Starts the program with a fault plan for one folder of its data.
    async fn start(&mut self, plan: &str, under: &str) -> Server {
        let begun = chrono::Utc::now().naive_utc();
        let _ = std::fs::remove_file(self.log());
        let mut command = command(self.dir.path(), &self.database);
        command
            .env("LD_PRELOAD", &FAULTS.1)
            .env("FAULT_UNDER", self.dir.path().join(under))
            .env("FAULT_GATE", self.gate())
            .env("FAULT_LOG", self.log())
            .env("FAULT_PLAN", plan);
        let server = Server::start_as(command);
        self.owner.base.clone_from(&server.base);
        settled(&self.database, begun).await;
        server
    }

    /// Uploads a file while the plan is active. Returns the status of the response, if there is one.
    async fn upload(&self, name: &str) -> Option<u16> {
        std::fs::write(self.gate(), "").unwrap();
        let request = self.owner.upload(self.number, &[(name, &files::png(2))]).header("accept", "application/json");
        let status = request.send().await.ok().map(|answer| answer.status().as_u16());
        std::fs::remove_file(self.gate()).unwrap();
        status
    }

    /// The program's disk operations in order: the name of each step and its path.
    fn steps(&self) -> Vec<(String, String)> {
        let log = std::fs::read_to_string(self.log()).unwrap_or_default();
        let mut lines: Vec<(u32, String, String)> = log
            .lines()
            .map(|line| {
                let parts: Vec<&str> = line.splitn(3, ' ').collect();
                (parts[0].parse().unwrap(), parts[1].to_owned(), parts[2].to_owned())
            })
            .collect();
        lines.sort();
        lines.into_iter().map(|(_, name, path)| (name, path)).collect()
    }

    /// Runs `docket check` with the clock an hour ahead.
    async fn check(&self, repair: bool) -> (Outcome, Vec<String>) {
        let config = config_on(self.dir.path(), self.database.clone());
        let later = Clock::from_fn(|| chrono::Utc::now().naive_utc() + Duration::from_secs(3600));
        let app = App::open(config, later).await.unwrap();
        let mut lines = Vec::new();
        let outcome = check::run(&app, repair, &mut |line| lines.push(line.to_owned())).await.unwrap();
        (outcome, lines)
    }

    /// The check finds and repairs all leftovers, and all acknowledged files are there.
    async fn comes_back(&self, acknowledged: &[String]) -> Vec<String> {
        let (found, lines) = self.check(false).await;
        let (mended, again) = self.check(true).await;
        assert_eq!((mended.found, mended.left), (found.found, 0), "{lines:?}, then {again:?}");
        let (clean, rest) = self.check(false).await;
        assert_eq!(clean.found, 0, "{rest:?}");
        let begun = chrono::Utc::now().naive_utc();
        let server = Server::start(self.dir.path(), &self.database);
        settled(&self.database, begun).await;
        let owner = Person { base: server.base.clone(), ..self.owner.clone() };
        let page = owner.get(&format!("/tickets/{}", self.number)).await;
        for name in acknowledged {
            page.expect_text(&format!("data-name=\"{name}\""));
        }
        lines
    }
}

/// Kills the program before and after every single step: link, sync, removal, write.
#[actix_web::test]
async fn an_upload_killed_at_any_step_leaves_nothing_half_done() {
    let mut desk = Desk::new().await;
    let (mut acknowledged, mut seen) = (vec!["first.png".to_owned()], String::new());
    for action in ["kill-before", "kill-after"] {
        for step in 1.. {
            let server = desk.start(&format!("{action} {step}"), "").await;
            let name = format!("{action} {step}.png");
            let status = desk.upload(&name).await;
            drop(server);
            acknowledged.extend(status.filter(|status| *status == 201).map(|_| name));
            seen += &desk.comes_back(&acknowledged).await.join("\n");
            if status.is_some() {
                assert_eq!(status, Some(201));
                assert!(step > 10, "only {step} steps were seen");
                break;
            }
        }
    }
    for what in ["never finished", "is incomplete"] {
        assert!(seen.contains(what), "no kill left a file that {what}");
    }
}

/// A sync, link or write fails once: the server does not acknowledge the upload, or the
/// upload is complete anyway. The next upload succeeds without a restart.
#[actix_web::test]
async fn a_failing_disk_is_never_taken_for_a_stored_file() {
    let mut desk = Desk::new().await;
    let (mut acknowledged, mut refused) = (vec!["first.png".to_owned()], 0);
    for step in 1.. {
        let server = desk.start(&format!("eio {step}"), "").await;
        let name = format!("eio {step}.png");
        let status = desk.upload(&name).await.expect("an answer");
        if desk.steps().iter().all(|(name, _)| name != "eio") {
            break;
        }
        refused += usize::from(status != 201);
        acknowledged.extend((status == 201).then_some(name));
        assert!(status == 201 || status == 503 || status == 500, "{status} at step {step}");
        let next = format!("after {step}.png");
        assert_eq!(desk.upload(&next).await, Some(201), "after step {step}");
        acknowledged.push(next);
        drop(server);
        desk.comes_back(&acknowledged).await;
    }
    assert!(refused >= 4, "only {refused} failures were noticed");
}

/// On a full disk, uploads get 507, pages keep working, and the server recovers by itself.
#[actix_web::test]
async fn a_full_disk_refuses_files_and_recovers() {
    let mut desk = Desk::new().await;
    for under in ["files", ""] {
        let server = desk.start("enospc 0", under).await;
        assert_eq!(desk.upload("full.png").await, Some(507), "below {under:?}");
        desk.owner.get("/tickets").await.expect(200);
        assert_eq!(desk.upload("still full.png").await, Some(507), "below {under:?}");
        desk.owner.attach(desk.number, &[("room again.png", &files::png(2))]).await.expect(201);
        drop(server);
        desk.comes_back(&["first.png".into(), "room again.png".into()]).await;
    }
}

/// The order that makes an upload durable: bytes, then their name, then its folder, and
/// only then the row that shows the file.
#[actix_web::test]
async fn bytes_and_names_are_synced_before_the_row_is_ready() {
    let mut desk = Desk::new().await;
    let server = desk.start("none 0", "").await;
    assert_eq!(desk.upload("traced.png").await, Some(201));
    drop(server);
    let steps = desk.steps();
    for folder in ["/files/tickets/", "/files/thumbnails/"] {
        let at = |name: &str, wanted: &dyn Fn(&str) -> bool| {
            let found = steps.iter().position(|(step, path)| step == name && path.contains(folder) && wanted(path));
            found.unwrap_or_else(|| panic!("no {name} below {folder}: {steps:?}"))
        };
        let bytes = at("fsync", &|path| path.contains('#'));
        let link = at("linkat", &|path| !path.contains('#'));
        let name = steps[link..].iter().position(|(step, path)| {
            step == "fsync" && format!("{path}/").ends_with("/1/") && format!("{path}/").contains(folder)
        });
        let name = link + name.unwrap_or_else(|| panic!("the folder below {folder} is not synced: {steps:?}"));
        assert!(bytes < link && link < name, "{steps:?}");
        if let DatabaseUrl::Sqlite(_) = desk.database {
            let row = steps.iter().rposition(|(step, path)| step.contains("sync") && path.ends_with("-wal")).unwrap();
            assert!(name < row, "{steps:?}");
        }
    }
}
