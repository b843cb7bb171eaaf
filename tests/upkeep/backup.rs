//! A desk that is restored or moved is the same, row for row and file for file.

use crate::cli::{add_owner, docket, text};
use crate::erasure::{Desk, tells};
use crate::support::files::{keys_below, png};
use crate::support::process::command;
use crate::support::{PASSWORD, TestApp, config_on, database_url, fresh_database};
use diesel::prelude::*;
use docket::app::App;
use docket::clock::Clock;
use docket::config::Config;
use docket::db::DatabaseUrl;
use docket::db::schema::{backups, events, jobs, tickets};
use docket::error::Kind;
use docket::upkeep::backup::place::Place;
use docket::upkeep::backup::runs;
use docket::upkeep::backup::take::{Taken, take};
use docket::upkeep::backup::{Report, restore};
use docket::upkeep::{check as upkeep_check, janitor, marker};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;

const DAY: Duration = Duration::from_secs(24 * 3600);
const KEY: &str = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

fn quiet() -> Report {
    Arc::new(|_| {})
}

async fn place(folder: &Path, key: Option<&str>) -> Place {
    Place::open(folder.to_str().unwrap(), key.map(|key| key.parse().unwrap())).await.unwrap()
}

async fn back_up(app: &App, folder: &Path) -> Taken {
    take(app, &place(folder, None).await, "here", None, &quiet()).await.unwrap()
}

/// The newest snapshot in a folder.
fn snapshot(folder: &Path) -> Value {
    let name = keys_below(&folder.join("snapshots")).into_iter().max().unwrap();
    serde_json::from_slice(&std::fs::read(folder.join("snapshots").join(name)).unwrap()).unwrap()
}

/// What a desk consists of: the hashes of the rows of each table, the list of files, and the last
/// numbers. Jobs are left out: building the search index is one.
fn content(folder: &Path) -> BTreeMap<String, Value> {
    let snapshot = snapshot(folder);
    let tables = snapshot["tables"].as_array().unwrap().iter().cloned();
    let mut content: BTreeMap<String, Value> =
        tables.map(|table| (table["name"].as_str().unwrap().to_owned(), table)).collect();
    content.insert("files".into(), snapshot["files"].clone());
    content.insert("numbers".into(), snapshot["last_numbers"].clone());
    content.remove("jobs").unwrap();
    content.get_mut("numbers").unwrap()["jobs"] = Value::Null;
    content
}

/// An empty installation: its settings, and the folder that they are in.
struct Empty {
    dir: TempDir,
    config: Config,
}

impl Empty {
    /// On the engine under test.
    fn new() -> Self {
        let dir = TempDir::new().unwrap();
        let database = fresh_database(&dir);
        Self { config: config_on(dir.path(), database), dir }
    }

    /// On SQLite, whatever engine is under test.
    fn on_sqlite() -> Self {
        let dir = TempDir::new().unwrap();
        let database = DatabaseUrl::Sqlite(dir.path().join("docket.db"));
        Self { config: config_on(dir.path(), database), dir }
    }

    async fn restore(&self, folder: &Path) -> docket::error::Result<()> {
        let place = place(folder, None).await;
        let (_, manifest) = place.find(None).await?;
        restore::restore(&self.config, &place, &manifest, &quiet()).await
    }

    async fn open(&self) -> App {
        App::open(self.config.clone(), Clock::system()).await.unwrap()
    }

    async fn serve(&self) -> TestApp {
        let config = self.config.clone();
        TestApp::start_with(move |settings| *settings = config).await
    }

    async fn is_sound(&self) {
        let app = self.open().await;
        let mut lines = Vec::new();
        upkeep_check::run(&app, false, &mut |line| lines.push(line.to_owned())).await.unwrap();
        assert_eq!(lines, Vec::<String>::new());
    }
}

#[actix_web::test]
async fn a_restored_desk_is_the_same_row_for_row_on_either_engine() {
    let desk = Desk::open().await;
    desk.app.numbered().await;
    let (first, second, third) = (TempDir::new().unwrap(), TempDir::new().unwrap(), TempDir::new().unwrap());
    let taken = back_up(&desk.app.app, first.path()).await;
    assert_eq!(taken.lost, Vec::<String>::new());
    assert!(taken.files > 5, "{taken:?}");

    // There and, for Postgres, back by way of SQLite.
    let (there, back) = (Empty::on_sqlite(), Empty::new());
    there.restore(first.path()).await.unwrap();
    there.is_sound().await;
    back_up(&there.open().await, second.path()).await;
    assert_eq!(content(second.path()), content(first.path()));
    back.restore(second.path()).await.unwrap();
    back.is_sound().await;
    back_up(&back.open().await, third.path()).await;
    assert_eq!(content(third.path()), content(first.path()));
    let files = |dir: &TempDir| keys_below(&dir.path().join("files"));
    assert_eq!(files(&back.dir), files(&desk.app.dir));

    // Whoever was signed in still is, and finds everything.
    let restored = back.serve().await;
    if restored.app.db.has_other_instances() {
        // Searches are no longer slowed down by words that wait to be merged.
        let late = "SELECT 1 FROM pg_class WHERE relkind = 'i' AND 'fastupdate=on' = ANY (reloptions)";
        let late = restored.app.db.scan(move |conn| Ok(diesel::sql_query(late).execute(conn)?)).await.unwrap();
        assert_eq!(late, 0);
    }
    assert!(restored.setup_path.is_none());
    let mut owner = desk.owner.clone();
    let before = owner.list("status=all").await;
    let found = owner.list("q=quendolyn").await;
    assert!(!found.is_empty());
    owner.base.clone_from(&restored.base);
    assert_eq!(owner.list("status=all").await, before);
    assert_eq!(owner.list("q=quendolyn").await, found);
    assert_eq!(owner.make_ticket("Next").await, before.iter().max().unwrap() + 1);
}

#[actix_web::test]
async fn a_backup_stores_only_what_has_changed() {
    let desk = Desk::open().await;
    let folder = TempDir::new().unwrap();
    let first = back_up(&desk.app.app, folder.path()).await;
    let again = back_up(&desk.app.app, folder.path()).await;
    assert_eq!((again.rows, again.files, again.stored), (first.rows, first.files, 0), "{again:?}");
    let number = desk.owner.make_ticket("One more").await;
    desk.owner.attach(number, &[("a.png", &png(7))]).await.expect(201);
    let third = back_up(&desk.app.app, folder.path()).await;
    assert_eq!(third.files, first.files + 2);
    let kept = place(folder.path(), None).await;
    assert_eq!(kept.snapshots().await.unwrap(), [first.name, again.name, third.name.clone()]);

    // Only the newest is kept, and nothing that it does not need, but for files of others.
    let foreign = ["files/tickets/1/1700000000000.png", "rows/ab/notes.gz", "files/ab/abc"];
    for path in foreign {
        std::fs::create_dir_all(folder.path().join(path).parent().unwrap()).unwrap();
        std::fs::write(folder.path().join(path), "not ours").unwrap();
    }
    let before = keys_below(folder.path()).len();
    let last = take(&desk.app.app, &kept, "here", Some(1), &quiet()).await.unwrap();
    assert_eq!(kept.snapshots().await.unwrap(), [last.name]);
    assert!(keys_below(folder.path()).len() < before - 2);
    assert!(foreign.iter().all(|path| folder.path().join(path).exists()));
    let empty = Empty::new();
    empty.restore(folder.path()).await.unwrap();
    empty.is_sound().await;
    let keyed = place(folder.path(), Some(KEY)).await;
    let error = take(&desk.app.app, &keyed, "here", None, &quiet()).await.unwrap_err();
    assert!(error.message().contains("are not encrypted"), "{error:?}");
}

#[actix_web::test]
async fn an_encrypted_backup_tells_nothing_and_needs_its_key() {
    let desk = Desk::open().await;
    let folder = TempDir::new().unwrap();
    let secret = place(folder.path(), Some(KEY)).await;
    let taken = take(&desk.app.app, &secret, "here", None, &quiet()).await.unwrap();
    let again = take(&desk.app.app, &secret, "here", Some(5), &quiet()).await.unwrap();
    assert_eq!((again.rows, again.stored), (taken.rows, 0));
    let plain = TempDir::new().unwrap();
    back_up(&desk.app.app, plain.path()).await;
    let names = |folder: &TempDir| keys_below(&folder.path().join("files"));
    for key in keys_below(folder.path()) {
        let bytes = std::fs::read(folder.path().join(&key)).unwrap();
        assert!(!tells(&bytes) && bytes.starts_with(b"docket-encrypted-1\n"), "{key}");
        let name = key.rsplit('/').next().unwrap().trim_end_matches(".encrypted");
        assert!(!names(&plain).iter().any(|known| known.ends_with(name)), "{key} is the hash of its content");
    }
    for (key, said) in [(None, "is encrypted"), (Some(&*"9".repeat(64)), "another key")] {
        let error = place(folder.path(), key).await.find(None).await.unwrap_err();
        assert!(error.cause().contains(said), "{error:?}");
    }
    let (_, manifest) = secret.find(None).await.unwrap();
    let empty = Empty::new();
    restore::restore(&empty.config, &secret, &manifest, &quiet()).await.unwrap();
    empty.is_sound().await;
}

#[actix_web::test]
async fn damage_is_noticed_and_nothing_is_restored() {
    let desk = Desk::open().await;
    let folder = TempDir::new().unwrap();
    back_up(&desk.app.app, folder.path()).await;
    let empty = Empty::new();
    let mut objects = keys_below(&folder.path().join("rows"));
    objects.iter_mut().for_each(|name| *name = format!("rows/{name}"));
    objects.extend(keys_below(&folder.path().join("files")).into_iter().map(|name| format!("files/{name}")));
    assert!(objects.len() > 20, "{objects:?}");
    for object in objects {
        let path = folder.path().join(&object);
        let whole = std::fs::read(&path).unwrap();
        let mut damaged = whole.clone();
        let middle = damaged.len() / 2;
        damaged[middle] ^= 4;
        std::fs::write(&path, &damaged).unwrap();
        let error = empty.restore(folder.path()).await.unwrap_err();
        assert_eq!((error.kind, error.message().contains(&object)), (Kind::Invalid, true), "{object}: {error:?}");
        std::fs::remove_file(&path).unwrap();
        let error = empty.restore(folder.path()).await.unwrap_err();
        assert!(error.message().contains("is missing"), "{object}: {error:?}");
        std::fs::write(&path, &whole).unwrap();
    }
    // Whole, but in the place of another.
    let rows: Vec<PathBuf> =
        keys_below(&folder.path().join("rows")).iter().map(|key| folder.path().join("rows").join(key)).collect();
    let (first, second) = (std::fs::read(&rows[0]).unwrap(), std::fs::read(&rows[1]).unwrap());
    std::fs::write(&rows[0], &second).unwrap();
    let error = empty.restore(folder.path()).await.unwrap_err();
    assert!(error.message().contains("is damaged"), "{error:?}");
    std::fs::write(&rows[0], &first).unwrap();
    // Files that are there already are no obstacle, unless they are others.
    let there =
        keys_below(&empty.dir.path().join("files")).into_iter().find(|key| key.starts_with("tickets/")).unwrap();
    let there = empty.dir.path().join("files").join(there);
    let right = std::fs::read(&there).unwrap();
    std::fs::write(&there, "something else").unwrap();
    let error = empty.restore(folder.path()).await.unwrap_err();
    assert!(error.message().contains("has another file"), "{error:?}");
    std::fs::write(&there, &right).unwrap();
    empty.restore(folder.path()).await.unwrap();
    empty.is_sound().await;
    let error = empty.restore(folder.path()).await.unwrap_err();
    assert!(error.message().contains("is not empty"), "{error:?}");
}

#[actix_web::test]
async fn only_what_fits_is_restored() {
    let app = TestApp::start().await;
    app.owner().await.make_ticket("Lamp").await;
    let folder = TempDir::new().unwrap();
    let taken = back_up(&app.app, folder.path()).await;
    let path = folder.path().join("snapshots").join(format!("{}.json", taken.name));
    let right = snapshot(folder.path());
    let says = async |empty: &Empty, change: &dyn Fn(&mut Value), said: &str| {
        let mut changed = right.clone();
        change(&mut changed);
        std::fs::write(&path, changed.to_string()).unwrap();
        let error = empty.restore(folder.path()).await.unwrap_err();
        assert!(error.cause().contains(said) || error.message().contains(said), "{said}: {error:?}");
    };
    let empty = Empty::new();
    says(&empty, &|snapshot| snapshot["format"] = 2.into(), "newer Docket").await;
    says(&empty, &|snapshot| snapshot["schema"] = "29990101000000".into(), "newer Docket").await;
    says(&empty, &|snapshot| snapshot["tables"][0]["name"] = "unheard_of".into(), "unheard_of").await;

    // A backup of the version before: the program migrates what it restores.
    let mut old = right.clone();
    old["schema"] = "20261203000000".into();
    std::fs::write(&path, old.to_string()).unwrap();
    let older = Empty::new();
    older.restore(folder.path()).await.unwrap();
    older.is_sound().await;
    // The tests before have brought this one up to date.
    let error = empty.restore(folder.path()).await.unwrap_err();
    assert!(error.message().contains("new, empty database"), "{error:?}");
    std::fs::write(&path, right.to_string()).unwrap();

    // A server that was started once, and nobody has used, is empty, and gives way.
    let started = Empty::new();
    marker::look(&started.open().await).await.unwrap().must_be_right().unwrap();
    started.restore(folder.path()).await.unwrap();
    started.is_sound().await;
    // Files of another desk are not.
    let other = TestApp::start().await;
    let crowded = Empty::new();
    std::fs::create_dir_all(crowded.dir.path().join("files")).unwrap();
    copy_below(&other.dir.path().join("files"), &crowded.dir.path().join("files"));
    let error = crowded.restore(folder.path()).await.unwrap_err();
    assert!(error.message().contains("another installation"), "{error:?}");
    // Nor does a place take backups of two.
    let error = take(&other.app, &place(folder.path(), None).await, "here", None, &quiet()).await.unwrap_err();
    assert!(error.message().contains("another installation"), "{error:?}");
}

fn copy_below(from: &Path, to: &Path) {
    for key in keys_below(from) {
        std::fs::create_dir_all(to.join(&key).parent().unwrap()).unwrap();
        std::fs::copy(from.join(&key), to.join(&key)).unwrap();
    }
}

#[actix_web::test]
async fn events_keep_their_numbers_and_the_next_ones_come_after_them() {
    let app = TestApp::start().await;
    app.owner().await.make_ticket("Lamp").await;
    app.numbered().await;
    let renumber: &[&str] = match fresh_database(&app.dir) {
        DatabaseUrl::Sqlite(_) => &["UPDATE events SET given_seq = 1000 - id"],
        DatabaseUrl::Postgres(_) => &["UPDATE events SET seq = 1000 - id", "UPDATE event_order SET last = 1000"],
    };
    let apply = move |conn: &mut _| {
        renumber.iter().try_for_each(|query| diesel::sql_query(*query).execute(conn).map(drop))?;
        Ok(())
    };
    app.app.db.write(apply).await.unwrap();
    let numbers = |conn: &mut _| Ok(events::table.select((events::id, events::seq)).order(events::id).load(conn)?);
    let before: Vec<(i64, Option<i64>)> = app.app.db.scan(numbers).await.unwrap();
    assert!(before.iter().all(|(id, seq)| *seq == Some(1000 - id)), "{before:?}");
    let folder = TempDir::new().unwrap();
    back_up(&app.app, folder.path()).await;
    for empty in [Empty::on_sqlite(), Empty::new()] {
        empty.restore(folder.path()).await.unwrap();
        let restored = empty.serve().await;
        assert_eq!(restored.app.db.scan(numbers).await.unwrap(), before);
        restored.owner().await.make_ticket("Next").await;
        restored.numbered().await;
        let after = restored.app.db.scan(numbers).await.unwrap();
        let newest = after[before.len()..].iter().map(|(_, seq)| seq.unwrap());
        assert!(after.len() > before.len() && newest.min().unwrap() > 999, "{after:?}");
    }
}

#[actix_web::test]
async fn while_a_backup_runs_no_file_is_deleted() {
    let desk = Desk::open().await;
    let app = &desk.app;
    let now = app.app.clock.now();
    let number = desk.owner.make_ticket("Old").await;
    desk.owner.attach(number, &[("a.png", &png(7))]).await.expect(201);
    desk.owner.post(&format!("/tickets/{number}/delete"), &[]).await.expect(303);
    app.wait(31 * DAY);
    let until = now + 31 * DAY + Duration::from_secs(60);
    let begin = move |conn: &mut _| {
        let run = (
            backups::place.eq("there"),
            backups::started_at.eq(now),
            backups::runs_until.eq(until),
            backups::error.eq(""),
        );
        Ok(diesel::insert_into(backups::table).values(run).execute(conn)?)
    };
    app.app.db.write(begin).await.unwrap();
    let kept = app.stored_keys();
    janitor::clear(&app.app).await.unwrap();
    assert_eq!(app.stored_keys(), kept);
    desk.owner.sign_in(&desk.owner.email, PASSWORD).await.expect(303);
    desk.erase().await;
    assert_eq!(app.stored_keys(), kept);
    let folder = TempDir::new().unwrap();
    let second = take(&app.app, &place(folder.path(), None).await, "here", None, &quiet()).await.unwrap_err();
    assert!(second.message().starts_with("Another backup is running"), "{second:?}");

    // It was killed, and its time is over.
    app.wait(Duration::from_secs(60));
    let deleted = app
        .app
        .db
        .scan(move |conn| Ok(tickets::table.filter(tickets::number.eq(number)).count().get_result::<i64>(conn)?));
    assert_eq!(deleted.await.unwrap(), 1);
    janitor::clear(&app.app).await.unwrap();
    assert!(app.stored_keys().len() < kept.len());
    let kept = app.stored_keys();
    app.run_jobs().await;
    assert!(app.stored_keys().len() < kept.len(), "nobody was erased");
    back_up(&app.app, folder.path()).await;
}

#[actix_web::test]
async fn backups_are_made_as_planned_and_monitoring_hears_when_they_fail() {
    let folder = TempDir::new().unwrap();
    let there = folder.path().join("backups");
    let plan = format!("{} every 6h keep 2", there.display());
    let app = TestApp::start_with(|config| {
        config.backup = Some(plan.parse().unwrap());
        config.metrics_token = Some("a-token-for-monitoring".into());
    })
    .await;
    let owner = app.owner().await;
    let number = owner.make_ticket("Lamp").await;
    let kept = || keys_below(&there.join("snapshots")).len();
    let stranger = app.stranger();
    let ready = async || stranger.get("/readyz").await.expect(200).body.clone();
    let metrics = async |name: &str| {
        let page = stranger.client.get(format!("{}/metrics", app.base)).bearer_auth("a-token-for-monitoring");
        let page = stranger.send(page).await;
        page.body.lines().find_map(|line| line.strip_prefix(&format!("{name} "))).unwrap().to_owned()
    };
    let made = async || metrics("docket_last_backup_time_seconds").await.parse::<f64>().unwrap();
    assert_eq!(made().await, 0.0);
    app.run_jobs().await;
    assert_eq!((kept(), ready().await.as_str()), (1, "ok\n"));
    app.run_jobs().await;
    assert_eq!(kept(), 1, "not due yet");
    for _ in 0..3 {
        app.wait(6 * Duration::from_secs(3600));
        app.run_jobs().await;
    }
    assert_eq!(kept(), 2);
    let age = app.app.clock.now().and_utc().timestamp() as f64 - made().await;
    assert!((0.0..60.0).contains(&age), "{age}");

    // No worker has run for too long.
    app.wait(10 * Duration::from_secs(3600));
    assert_eq!(ready().await, "ok\nthe last backup was made 10 h ago\n");
    // The disk is gone, or something else stands in its place.
    let away = folder.path().join("away");
    std::fs::rename(&there, &away).unwrap();
    app.run_jobs().await;
    assert_eq!(ready().await, "ok\nthe last backup failed\n");
    // One that was made elsewhere does not help.
    back_up(&app.app, &folder.path().join("elsewhere")).await;
    assert_eq!(ready().await, "ok\nthe last backup failed\n");
    let planned = there.to_str().unwrap().to_owned();
    let last = || {
        let planned = planned.clone();
        app.app.db.scan(move |conn| runs::last(conn, Some(&planned)))
    };
    let why = async || last().await.unwrap().error.unwrap_or_default();
    assert!(why().await.contains("is the disk mounted?"), "{}", why().await);
    assert_eq!(metrics("docket_backup_failed").await, "1");
    std::fs::remove_dir(&there).unwrap();
    std::fs::write(&there, "").unwrap();
    app.wait(Duration::from_secs(120));
    app.run_jobs().await;
    assert!(why().await.contains("File exists"), "{}", why().await);
    std::fs::remove_file(&there).unwrap();
    std::fs::rename(&away, &there).unwrap();
    app.wait(Duration::from_secs(300));
    app.run_jobs().await;
    assert_eq!((ready().await.as_str(), metrics("docket_backup_failed").await.as_str()), ("ok\n", "0"));
    // A backup is made even if files are lost. Monitoring says so until a backup has all of them.
    owner.attach(number, &[("lamp.png", &png(1))]).await.expect(201);
    let picture = app.dir.path().join("files").join(&app.stored_keys()[0]);
    let bytes = std::fs::read(&picture).unwrap();
    std::fs::remove_file(&picture).unwrap();
    app.wait(6 * Duration::from_secs(3600));
    app.run_jobs().await;
    assert_eq!(ready().await, "ok\nfiles without a whole copy in the last backup: 1\n");
    assert_eq!(metrics("docket_lost_files").await, "1");
    std::fs::write(&picture, bytes).unwrap();
    app.wait(6 * Duration::from_secs(3600));
    app.run_jobs().await;
    assert_eq!((ready().await.as_str(), metrics("docket_lost_files").await.as_str()), ("ok\n", "0"));

    // A copy of the desk does not back up into the place of the original.
    let copy = Empty::new();
    copy.restore(&there).await.unwrap();
    let mut config = copy.config.clone();
    config.backup = Some(plan.parse().unwrap());
    let copied = TestApp::start_with(move |settings| *settings = config).await;
    let before = keys_below(&there);
    copied.wait(3 * DAY);
    copied.run_jobs().await;
    let refused = copied.app.db.scan(|conn| runs::last(conn, None)).await.unwrap().error.unwrap();
    assert!(refused.contains("is it a copy of another?"), "{refused}");
    assert_eq!(keys_below(&there), before);

    // Without a plan, nobody tries.
    let config = config_on(app.dir.path(), app.app.config.database());
    let without = TestApp::start_with(move |settings| *settings = config).await;
    without.wait(30 * DAY);
    without.run_jobs().await;
    let tries = |conn: &mut _| {
        Ok(jobs::table
            .filter(jobs::kind.eq("backup"))
            .select((jobs::tries, jobs::error))
            .first::<(i64, String)>(conn)?)
    };
    assert_eq!(without.app.db.scan(tries).await.unwrap(), (0_i64, String::new()));
}

#[actix_web::test]
async fn a_killed_backup_or_restore_goes_on_and_a_lost_file_is_named() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    for ticket in 0..8 {
        let number = owner.make_ticket("Lamp").await;
        let files: Vec<(String, Vec<u8>)> = (0..20)
            .map(|file| (format!("{file}.txt"), format!("{ticket} {file} ").repeat(100_000).into_bytes()))
            .collect();
        let files: Vec<(&str, &[u8])> = files.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice())).collect();
        owner.attach(number, &files).await.expect(201);
    }
    let folder = TempDir::new().unwrap();
    let (dir, database) = (app.dir.path(), app.app.config.database());
    let backup = |args: &[&str]| {
        let mut backup = command(dir, &database);
        backup.args(["backup", folder.path().to_str().unwrap()]).args(args).stdout(Stdio::null()).stderr(Stdio::null());
        backup
    };
    let mut killed = backup(&[]).spawn().unwrap();
    let stored = || keys_below(folder.path()).into_iter().filter(|key| key.starts_with("files/")).count();
    while stored() < 20 && killed.try_wait().unwrap().is_none() {
        std::thread::yield_now();
    }
    killed.kill().unwrap();
    killed.wait().unwrap();
    let before = stored();
    assert!((5..160).contains(&before), "{before} of 160 files");
    assert!(!folder.path().join("snapshots").exists());
    // Half of a file that was being written is no file.
    app.wait(Duration::from_secs(300));
    let taken = back_up(&app.app, folder.path()).await;
    assert_eq!((taken.files, taken.lost.len()), (160, 0));
    assert!(taken.stored < (160 - before as u64 + 1) * 600_000 + 1_000_000, "{taken:?}");

    let (there, again) = (Empty::new(), TempDir::new().unwrap());
    let mut restore = command(there.dir.path(), &there.config.database());
    restore.args(["restore", folder.path().to_str().unwrap()]).stdout(Stdio::null()).stderr(Stdio::null());
    let mut killed = restore.spawn().unwrap();
    let arrived = || keys_below(there.dir.path()).iter().filter(|key| key.starts_with("files/tickets/")).count();
    while arrived() < 20 && killed.try_wait().unwrap().is_none() {
        std::thread::yield_now();
    }
    killed.kill().unwrap();
    killed.wait().unwrap();
    assert!((5..160).contains(&arrived()), "{} of 160 files", arrived());
    there.restore(folder.path()).await.unwrap();
    let restored = back_up(&there.open().await, again.path()).await;
    assert_eq!((restored.files, restored.lost.len()), (160, 0));

    let lost = app.stored_keys().into_iter().find(|key| key.starts_with("tickets/")).unwrap();
    std::fs::remove_file(dir.join("files").join(&lost)).unwrap();
    let elsewhere = TempDir::new().unwrap();
    let output = docket(dir, &database, &["backup", elsewhere.path().to_str().unwrap()], "");
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stdout).contains(&lost), "{}", text(&output.stdout));
    assert!(text(&output.stderr).contains("without what the desk has lost"), "{}", text(&output.stderr));
    assert_eq!(snapshot(elsewhere.path())["files"]["count"], 159);
}

#[actix_web::test]
async fn an_operator_backs_up_restores_and_moves_from_the_shell() {
    let here = TempDir::new().unwrap();
    let database = fresh_database(&here);
    let id = add_owner(here.path(), &database);
    let folder = TempDir::new().unwrap();
    let to: &str = folder.path().to_str().unwrap();
    let output = docket(here.path(), &database, &["backup", to], "");
    assert!(output.status.success() && text(&output.stdout).contains(" rows, 0 files."), "{}", text(&output.stderr));
    let listed = docket(here.path(), &database, &["restore", to, "--list"], "");
    let name = text(&listed.stdout).trim().to_owned();
    assert!(text(&output.stdout).contains(&name));

    let there = TempDir::new().unwrap();
    let other = fresh_database(&there);
    let missing = docket(there.path(), &other, &["restore", to, "--snapshot", "yesterday"], "");
    assert_eq!(
        (missing.status.code(), text(&missing.stderr).as_str()),
        (Some(1), "docket: There is no backup yesterday here.\n")
    );
    let restored = docket(there.path(), &other, &["restore", to, "--snapshot", &name], "");
    assert!(restored.status.success(), "{}", text(&restored.stderr));
    assert!(text(&restored.stdout).starts_with(&format!("Restored {name}: ")));
    let password = ["user", "password", "--email", "ana@example.com", "--password-stdin"];
    assert!(docket(there.path(), &other, &password, PASSWORD).status.success());
    let again = docket(there.path(), &other, &["restore", to], "");
    assert_eq!(again.status.code(), Some(1));
    assert!(text(&again.stderr).contains("is not empty"), "{}", text(&again.stderr));

    let third = TempDir::new().unwrap();
    let moved_to = fresh_database(&third);
    let url = database_url(&moved_to);
    let nowhere = docket(there.path(), &other, &["move"], "");
    assert!(text(&nowhere.stderr).contains("Name another database"), "{}", text(&nowhere.stderr));
    let storage: PathBuf = third.path().join("files");
    let storage = format!("file:{}", storage.display());
    let moved = docket(there.path(), &other, &["move", "--to-database", &url, "--to-storage", &storage], "");
    assert!(moved.status.success(), "{}", text(&moved.stderr));
    assert!(!text(&moved.stdout).contains("docket@"), "{}", text(&moved.stdout));
    let users = docket(third.path(), &moved_to, &["user", "list"], "");
    assert!(text(&users.stdout).contains("ana@example.com"), "{id} {}", text(&users.stdout));
    let ids = |path: &Path, database: &DatabaseUrl| {
        let app = App::open(config_on(path, database.clone()), Clock::system());
        async move { app.await.unwrap().installation.id }
    };
    assert_eq!(ids(here.path(), &database).await, ids(third.path(), &moved_to).await);
}
