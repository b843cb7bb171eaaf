//! Several instances on one Postgres and one S3 server, behind nginx, that stop and start in turn.

use crate::cli::{add_owner, person, text};
use crate::support::chat::Visitor;
use crate::support::nginx::Nginx;
use crate::support::process::{Server, command};
use crate::support::smtp::MailServer;
use crate::support::{PASSWORD, Person, database_url, files, fresh_database, s3, unique};
use diesel::prelude::*;
use diesel::sql_types::BigInt;
use docket::db::DatabaseUrl;
use std::collections::BTreeMap;
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::task::spawn_blocking;
use tokio::time::sleep;

/// How long a starting or stopping instance may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// A job of an instance that stopped is done by another after three minutes.
const MAIL_PATIENCE: Duration = Duration::from_secs(240);

/// Instances that share everything, and how to start each.
pub struct Instances {
    pub nginx: Nginx,
    servers: Vec<Server>,
    ports: Vec<u16>,
    dir: TempDir,
    pub database: DatabaseUrl,
    endpoint: String,
    smtp: Option<String>,
}

impl Instances {
    /// Starts three behind nginx, with an account.
    pub async fn start(smtp: Option<&MailServer>) -> Self {
        let dir = TempDir::new().unwrap();
        let database = fresh_database(&dir);
        let listeners = [(); 3].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
        let ports: Vec<u16> = listeners.iter().map(|listener| listener.local_addr().unwrap().port()).collect();
        drop(listeners);
        add_owner(&dir.path().join("first"), &database);
        let endpoint = s3::serve(&dir.path().join("s3"));
        let smtp = smtp.map(|server| format!("smtp://127.0.0.1:{}", server.port));
        let nginx = Nginx::before(&ports);
        let mut all = Self { nginx, servers: Vec::new(), ports, dir, database, endpoint, smtp };
        for index in 0..all.ports.len() {
            let server = all.server(index);
            all.servers.push(server);
        }
        all
    }

    fn command(&self, index: usize) -> Command {
        let mut command = command(&self.dir.path().join(index.to_string()), &self.database);
        command
            .env("DOCKET_LISTEN", format!("127.0.0.1:{}", self.ports[index]))
            .env("DOCKET_PUBLIC_URL", &self.nginx.base)
            .env("DOCKET_TRUSTED_PROXIES", "127.0.0.1")
            .env("DOCKET_DRAIN", "1500ms")
            .env("DOCKET_API_RATE", "100000")
            .envs(s3::settings(&self.endpoint));
        if let Some(smtp) = &self.smtp {
            command.env("DOCKET_SMTP_URL", smtp).env("DOCKET_MAIL_FROM", "Docket <desk@example.com>");
        }
        command
    }

    fn server(&self, index: usize) -> Server {
        Server::start_as(self.command(index))
    }

    /// Stops and starts the instances in turn until `is_over`, and returns how often.
    pub async fn roll(&mut self, is_over: &AtomicBool) -> usize {
        let mut count = 0;
        while !is_over.load(Ordering::Relaxed) {
            let index = count % self.servers.len();
            let mut server = self.servers.remove(index);
            server.signal("TERM");
            let status = spawn_blocking(move || server.child.wait().unwrap());
            assert!(tokio::time::timeout(PATIENCE, status).await.expect("it stops").unwrap().success());
            let again = self.command(index);
            self.servers.insert(index, spawn_blocking(move || Server::start_as(again)).await.unwrap());
            count += 1;
        }
        count
    }

    pub async fn owner(&self) -> Person {
        let ana = person(&self.nginx.base);
        ana.sign_in(&ana.email, PASSWORD).await.expect(303);
        ana
    }

    /// How many rows there are of these.
    fn count(&self, rows: &str) -> i64 {
        let mut conn = PgConnection::establish(&database_url(&self.database)).unwrap();
        let count = diesel::dsl::sql::<BigInt>(&format!("(SELECT count(*) FROM {rows})"));
        diesel::select(count).get_result(&mut conn).unwrap()
    }

    fn check(&self, data: &Path) -> (bool, String) {
        let mut command = self.command(0);
        let output = command.arg("check").env("DOCKET_DATA_DIR", data).output().unwrap();
        (output.status.success(), text(&output.stdout) + &text(&output.stderr))
    }
}

/// A visitor and their conversation.
async fn begin(ana: &Person, key: &str, name: &str) -> (Visitor, String) {
    let visitor = Visitor::new(&ana.base, key);
    visitor.write(&format!("{name} 0")).await.expect(201);
    let id = visitor.conversation(ana).await;
    (visitor, id)
}

/// The visitor writes, and an agent answers, until `is_over`. Returns how many messages there are.
async fn talk(ana: &Person, name: &str, (visitor, id): (Visitor, String), is_over: &AtomicBool) -> usize {
    let mut said = vec![format!("{name} 0")];
    while !is_over.load(Ordering::Relaxed) {
        let (question, answer) = (format!("{name} {}", said.len()), format!("{name} {}", said.len() + 1));
        visitor.write(&question).await.expect(201);
        ana.post(&format!("/conversations/{id}/messages"), &[("body", &answer), ("requestId", &unique("reply"))])
            .await
            .expect(303);
        said.extend([question, answer]);
    }
    let mut history = Vec::new();
    loop {
        let next = visitor.history(&format!("?after={}", history.len())).await;
        if next.is_empty() {
            break;
        }
        history.extend(next);
    }
    assert_eq!(history, said, "no message is lost or doubled");
    said.len()
}

/// Creates tickets with a file each. Returns how many.
async fn work(ana: &Person, name: &str, is_over: &AtomicBool) -> usize {
    let mut count = 0;
    while !is_over.load(Ordering::Relaxed) {
        count += 1;
        let number = ana.make_ticket(&format!("{name} {count}")).await;
        let seed = u32::try_from(count).unwrap();
        ana.attach(number, &[(&format!("{name}-{count}.png"), &files::png(seed))]).await.expect(201);
        ana.get("/tickets").await.expect(200);
    }
    count
}

/// Invites people by mail, at most as many as an account may in an hour. Returns how many.
async fn invite(ana: &Person, is_over: &AtomicBool) -> usize {
    let mut count = 0;
    while !is_over.load(Ordering::Relaxed) && count < 60 {
        let address = format!("new{count}@example.com");
        let fields = [("email", address.as_str()), ("role", "editor")];
        let answer = ana.post("/settings/team/invitations", &fields).await;
        assert!(answer.status < 400, "{} {}", answer.status, answer.body);
        count += 1;
        sleep(Duration::from_millis(200)).await;
    }
    count
}

#[actix_web::test]
#[ignore = "needs Postgres: only there several programs serve one database"]
async fn while_instances_stop_and_start_in_turn_no_request_fails() {
    let seconds = std::env::var("DOCKET_TEST_ROLLING_SECONDS").map_or(15, |text| text.parse().unwrap());
    let mails = MailServer::start();
    let mut instances = Instances::start(Some(&mails)).await;
    let ana = instances.owner().await;
    let key = ana.make_widget("Shop").await;
    let (vera, willem) = (begin(&ana, &key, "Vera").await, begin(&ana, &key, "Willem").await);
    let is_over = AtomicBool::new(false);
    let over = async {
        sleep(Duration::from_secs(seconds)).await;
        is_over.store(true, Ordering::Relaxed);
    };
    let everything = async {
        tokio::join!(
            talk(&ana, "Vera", vera, &is_over),
            talk(&ana, "Willem", willem, &is_over),
            work(&ana, "Lamp", &is_over),
            work(&ana, "Chair", &is_over),
            invite(&ana, &is_over),
        )
    };
    let base = instances.nginx.base.clone();
    let (rolled, (vera, willem, lamps, chairs, invited), ()) = tokio::join!(instances.roll(&is_over), everything, over);
    println!("{rolled} restarts, {} messages, {} tickets with a file", vera + willem, lamps + chairs);
    assert!(rolled >= 3, "{rolled} restarts");
    let made = i64::try_from(lamps + chairs).unwrap();
    for rows in [
        "tickets",
        "attachments WHERE state = 'ready'",
        "events WHERE kind = 'ticket.created'",
        "events WHERE kind = 'attachment.added'",
    ] {
        assert_eq!(instances.count(rows), made, "no {rows} is lost or doubled");
    }
    let (is_right, said) = instances.check(&instances.dir.path().join("0"));
    assert!(is_right, "{said}");
    let begun = Instant::now();
    let mut ids: BTreeMap<String, usize> = BTreeMap::new();
    while ids.len() < invited {
        assert!(begun.elapsed() < MAIL_PATIENCE, "{} of {invited} mails have arrived", ids.len());
        for mail in mails.take() {
            let id = mail.lines().find(|line| line.starts_with("Message-ID:")).unwrap().to_owned();
            *ids.entry(id).or_default() += 1;
        }
        sleep(Duration::from_millis(100)).await;
    }
    assert!(ids.values().all(|count| *count <= 2), "a mail is doubled at most: {ids:?}");
    println!("{invited} mails, {} of them twice", ids.values().filter(|count| **count == 2).count());
    let errors = instances.nginx.errors();
    assert!(!errors.contains("prematurely closed"), "{base}: {errors}");
}
