//! Databases and file storages that go away, hang, and come back.

use crate::cli::{add_owner, docket, signed_in, text};
use crate::support::certificate::Certificate;
use crate::support::postgres::Postgres;
use crate::support::process::{Server, command};
use crate::support::proxy::{Proxy, Weather};
use crate::support::{Answer, Person, database_url, files, s3, through, unique};
use diesel::dsl::sql;
use diesel::sql_types::BigInt;
use diesel::{Connection, PgConnection, RunQueryDsl};
use docket::db::DatabaseUrl;
use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::time::sleep;
use url::Url;

/// What a connection sends to commit.
const COMMIT: &str = "COMMIT\0";
/// `DOCKET_DATABASE_TIMEOUT` in these tests.
const PATIENCE: Duration = Duration::from_secs(1);
/// How soon everything works again when the trouble is over.
const RECOVERY: Duration = Duration::from_secs(5);
/// What a refusal takes beyond the setting: to wait for a connection, on a busy machine.
const SLACK: Duration = Duration::from_secs(4);

fn port_of(database: &DatabaseUrl) -> SocketAddr {
    let url: Url = database_url(database).parse().unwrap();
    ([127, 0, 0, 1], url.port().unwrap()).into()
}

fn impatient(dir: &Path, database: &DatabaseUrl) -> Command {
    let mut command = command(dir, database);
    command.env("DOCKET_DATABASE_TIMEOUT", "1s").env("RUST_LOG", "off");
    command
}

/// A signed-in user of a new desk, whose server reaches Postgres through a proxy.
async fn behind_a_proxy(dir: &TempDir, postgres: &Postgres) -> (Server, Proxy, Person) {
    add_owner(dir.path(), &postgres.url());
    let proxy = Proxy::before(port_of(&postgres.url()));
    let server = Server::start_as(impatient(dir.path(), &through(proxy.address.port(), &postgres.url())));
    let ana = signed_in(&server).await;
    (server, proxy, ana)
}

async fn create(person: &Person, title: &str) -> Answer {
    person.post("/tickets", &[("title", title), ("requestId", &unique("request"))]).await
}

/// Waits until a change is accepted again.
async fn recovers(person: &Person) {
    let begun = Instant::now();
    while create(person, "After").await.status != 303 {
        assert!(begun.elapsed() < RECOVERY, "it does not recover");
        sleep(Duration::from_millis(50)).await;
    }
}

#[actix_web::test]
#[ignore = "needs Postgres"]
async fn a_database_that_hangs_or_is_gone_is_told_in_time_and_found_again() {
    let (dir, postgres) = (TempDir::new().unwrap(), Postgres::start());
    let (_server, proxy, ana) = behind_a_proxy(&dir, &postgres).await;
    for weather in [Weather::Frozen, Weather::Cut, Weather::Mute] {
        proxy.set(weather);
        for path in ["/tickets", "/readyz"] {
            let begun = Instant::now();
            let told = ana.get(path).await;
            assert_eq!(told.status, 503, "{weather:?} {path}");
            assert!(begun.elapsed() < PATIENCE + SLACK, "{weather:?} {path}: {:?}", begun.elapsed());
        }
        let begun = Instant::now();
        let refused = create(&ana, "Refused").await;
        assert_eq!(refused.status, 503, "{weather:?}");
        assert!(begun.elapsed() < PATIENCE + SLACK, "{weather:?}: {:?}", begun.elapsed());
        refused.expect_text("be reached right now");
        proxy.set(Weather::Fine);
        recovers(&ana).await;
    }
    let titles = ana.get("/tickets").await.expect(200).texts("main a");
    assert!(!titles.iter().any(|title| title == "Refused"), "{titles:?}");
    // The server itself stops and comes back.
    postgres.crash();
    assert_eq!(create(&ana, "Refused").await.status, 503);
    postgres.start_again();
    recovers(&ana).await;
}

#[actix_web::test]
#[ignore = "needs Postgres"]
async fn a_commit_whose_answer_is_lost_is_found_out() {
    let (dir, postgres) = (TempDir::new().unwrap(), Postgres::start());
    let (_server, proxy, ana) = behind_a_proxy(&dir, &postgres).await;
    for (weather, is_committed) in [(Weather::CutAfter(COMMIT), true), (Weather::CutBefore(COMMIT), false)] {
        for index in 0..3 {
            let title = format!("Number {index}, committed: {is_committed}");
            proxy.set(weather);
            let answer = create(&ana, &title).await;
            proxy.set(Weather::Fine);
            assert_eq!(rows(&postgres).0.contains(&title), is_committed, "{title}");
            answer.expect(if is_committed { 303 } else { 503 });
            recovers(&ana).await;
        }
    }
}

#[actix_web::test]
#[ignore = "needs Postgres"]
async fn a_change_that_was_refused_is_not_made_when_the_database_goes_on() {
    let (dir, postgres) = (TempDir::new().unwrap(), Postgres::start());
    let (_server, proxy, ana) = behind_a_proxy(&dir, &postgres).await;
    proxy.set(Weather::FrozenAt("INSERT INTO \"tickets\""));
    create(&ana, "Refused").await.expect(503);
    let mut conn = PgConnection::establish(&database_url(&postgres.url())).unwrap();
    let mut in_transaction = || -> i64 {
        let count = "(SELECT count(*) FROM pg_stat_activity WHERE state LIKE 'idle in transaction%')";
        diesel::select(sql::<BigInt>(count)).get_result(&mut conn).unwrap()
    };
    assert_eq!(in_transaction(), 1, "it waits to go on");
    proxy.set(Weather::Fine);
    while in_transaction() > 0 {
        sleep(Duration::from_millis(10)).await;
    }
    recovers(&ana).await;
    let titles = rows(&postgres).0;
    assert!(titles.contains("After") && !titles.contains("Refused"), "{titles:?}");
}

#[actix_web::test]
#[ignore = "needs Postgres"]
async fn after_a_failover_the_new_server_is_found_and_nothing_acknowledged_is_lost() {
    let dir = TempDir::new().unwrap();
    let primary = Postgres::start_with("synchronous_standby_names = '*'\nsynchronous_commit = local");
    let standby = primary.standby();
    add_owner(dir.path(), &primary.url());
    let both = format!(
        "postgres://docket@127.0.0.1:{},127.0.0.1:{}/docket?options=-c%20synchronous_commit%3Don",
        primary.port, standby.port
    );
    let server = Server::start_as(impatient(dir.path(), &DatabaseUrl::Postgres(both)));
    let ana = signed_in(&server).await;
    let number = ana.make_ticket("Before").await;
    primary.crash();
    let begun = Instant::now();
    let refused = create(&ana, "Meanwhile").await;
    assert_eq!(refused.status, 503);
    assert!(begun.elapsed() < PATIENCE + SLACK, "{:?}", begun.elapsed());
    standby.promote();
    // The new server waits for no standby of its own.
    let mut conn = <diesel::PgConnection as diesel::Connection>::establish(&database_url(&standby.url())).unwrap();
    for change in ["ALTER SYSTEM SET synchronous_standby_names = ''", "SELECT pg_reload_conf()"] {
        diesel::connection::SimpleConnection::batch_execute(&mut conn, change).unwrap();
    }
    recovers(&ana).await;
    ana.get(&format!("/tickets/{number}")).await.expect(200).expect_text("Before");
}

#[test]
#[ignore = "needs Postgres"]
fn postgres_is_verified_by_its_certificate() {
    let dir = TempDir::new().unwrap();
    let certificate = Certificate::make(dir.path());
    let postgres = Postgres::start_with_tls(&certificate);
    let url = |host: &str, options: &str| {
        DatabaseUrl::Postgres(format!("postgres://docket@{host}:{}/docket?{options}", postgres.port))
    };
    let migrate = |database: &DatabaseUrl, authority: &str| {
        let mut command = command(&dir.path().join("data"), database);
        command.arg("migrate").env("SSL_CERT_FILE", authority).output().unwrap()
    };
    let (own, others) = (certificate.path.to_str().unwrap(), "/etc/ssl/certs/ca-certificates.crt");
    let by_file = format!("sslmode=verify-full&sslrootcert={own}");
    for (database, authority, expected) in [
        (url("localhost", "sslmode=require"), others, Ok(())),
        (url("localhost", &by_file), others, Ok(())),
        (url("localhost", "sslrootcert=system"), own, Ok(())),
        (url("localhost", "sslrootcert=system"), others, Err("certificate verify failed")),
        (url("db.example", &format!("hostaddr=127.0.0.1&{by_file}")), others, Err("does not match host name")),
    ] {
        let output = migrate(&database, authority);
        let said = text(&output.stderr);
        match expected {
            Ok(()) => assert!(output.status.success(), "{} {said}", output.status),
            Err(words) => assert!(!output.status.success() && said.contains(words), "{said}"),
        }
    }
}

/// What became of what the load has sent.
#[derive(Default)]
struct Sent {
    acknowledged: BTreeSet<String>,
    refused: BTreeSet<String>,
    /// Nobody could say in time.
    undecided: usize,
}

impl Sent {
    fn note(&mut self, name: String, answer: &Answer) {
        match answer.status {
            201 | 303 => drop(self.acknowledged.insert(name)),
            503 if answer.body.contains("Look whether it is there") => self.undecided += 1,
            503 => drop(self.refused.insert(name)),
            status => panic!("{name}: {status} {}", answer.body),
        }
    }
}

/// Creates tickets with a file each until the time is over.
async fn load(ana: &Person, name: &str, end: Instant) -> (Sent, Sent) {
    let (mut tickets, mut attached) = (Sent::default(), Sent::default());
    let mut index = 0;
    while Instant::now() < end {
        index += 1;
        let title = format!("{name} number {index}");
        let answer = create(ana, &title).await;
        if answer.status == 303 {
            let number = answer.location().rsplit('/').next().unwrap().parse().unwrap();
            let file = format!("{name}-{index}.png");
            let uploaded = ana.attach(number, &[(&file, &files::png(index))]).await;
            attached.note(file, &uploaded);
        }
        tickets.note(title, &answer);
    }
    (tickets, attached)
}

#[actix_web::test]
#[ignore = "needs Postgres"]
async fn through_bad_weather_nothing_acknowledged_is_lost_and_nothing_refused_is_there() {
    let seconds = std::env::var("DOCKET_TEST_WEATHER_SECONDS").map_or(12, |text| text.parse().unwrap());
    let seed = std::env::var("DOCKET_TEST_SEED").map_or_else(|_| fastrand::u64(..), |text| text.parse().unwrap());
    println!("DOCKET_TEST_SEED={seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    let (dir, postgres) = (TempDir::new().unwrap(), Postgres::start());
    let endpoint: Url = s3::serve(&dir.path().join("s3")).parse().unwrap();
    let storage = Proxy::before(([127, 0, 0, 1], endpoint.port().unwrap()).into());
    let database = Proxy::before(port_of(&postgres.url()));
    let data = dir.path().join("data");
    add_owner(&data, &postgres.url());
    let mut serve = impatient(&data, &through(database.address.port(), &postgres.url()));
    serve.envs(s3::settings(&format!("http://{}", storage.address)));
    let server = Server::start_as(serve);
    let ana = signed_in(&server).await;

    let end = Instant::now() + Duration::from_secs(seconds);
    let weather = async {
        while Instant::now() < end {
            for proxy in [&database, &storage] {
                proxy.set(match random.u32(0..9) {
                    0 => Weather::Cut,
                    1 => Weather::Frozen,
                    2 => Weather::Mute,
                    3 => Weather::Slow(Duration::from_millis(random.u64(1..100))),
                    4 => Weather::CutAfter(COMMIT),
                    5 => Weather::CutBefore(COMMIT),
                    _ => Weather::Fine,
                });
            }
            sleep(Duration::from_millis(random.u64(10..800))).await;
        }
        database.set(Weather::Fine);
        storage.set(Weather::Fine);
        recovers(&ana).await;
    };
    let loads = ["Alder", "Ash", "Beech", "Birch", "Cedar", "Elm", "Fir", "Lime", "Oak", "Pine"]
        .map(|name| load(&ana, name, end));
    let (done, ()) = tokio::join!(futures_util::future::join_all(loads), weather);

    let mut find = command(&data, &postgres.url());
    find.envs(s3::settings(endpoint.as_str().trim_end_matches('/')));
    let checked = find.arg("check").arg("--repair").output().unwrap();
    let (titles, names) = rows(&postgres);
    let (mut acknowledged, mut refused, mut undecided) = (0, 0, 0);
    for (tickets, attached) in done {
        for (sent, there) in [(tickets, &titles), (attached, &names)] {
            let lost: Vec<_> = sent.acknowledged.iter().filter(|name| !there.contains(*name)).collect();
            assert!(lost.is_empty(), "acknowledged and lost: {lost:?}");
            let kept: Vec<_> = sent.refused.iter().filter(|name| there.contains(*name)).collect();
            assert!(kept.is_empty(), "refused and there: {kept:?}");
            acknowledged += sent.acknowledged.len();
            refused += sent.refused.len();
            undecided += sent.undecided;
        }
    }
    println!("{acknowledged} acknowledged, {refused} refused, {undecided} undecided");
    println!("{}", text(&checked.stdout));
    assert!(acknowledged > 0 && refused > 0, "the weather was too good or too bad");
    // What is left is upload that began a moment ago. Every row has its file.
    let said = text(&checked.stdout);
    assert!(!said.contains("missing") && !said.contains("differs"), "{said}");
    let again = docket(&data, &postgres.url(), &["user", "list"], "");
    assert!(again.status.success());
}

/// The titles of all tickets and the names of all their files, from the tables.
fn rows(postgres: &Postgres) -> (BTreeSet<String>, BTreeSet<String>) {
    use diesel::prelude::*;
    use docket::db::schema::{attachments, tickets};
    let mut conn = diesel::PgConnection::establish(&database_url(&postgres.url())).unwrap();
    let titles: Vec<String> = tickets::table.select(tickets::title).load(&mut conn).unwrap();
    let ready = attachments::table.filter(attachments::state.eq(docket::source_files::file::State::Ready));
    let names: Vec<String> = ready.select(attachments::filename).load(&mut conn).unwrap();
    (titles.into_iter().collect(), names.into_iter().collect())
}

/// Threads of a pool may still be connecting when a command ends.
#[test]
#[ignore = "needs Postgres"]
fn no_command_crashes_at_its_end() {
    let dir = TempDir::new().unwrap();
    let postgres = Postgres::start_with_tls(&Certificate::make(dir.path()));
    let database = DatabaseUrl::Postgres(database_url(&postgres.url()) + "?sslmode=require");
    for _ in 0..40 {
        let output = docket(&dir.path().join("data"), &database, &["migrate"], "");
        assert!(output.status.success(), "{} {}", output.status, text(&output.stderr));
    }
}
