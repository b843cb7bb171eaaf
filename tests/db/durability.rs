//! After `kill -9`, everything that was acknowledged is there, and nothing is half done.

use crate::cli::{add_owner, person};
use crate::support::process::{Server, command};
use crate::support::{PASSWORD, Person, files, fresh_database, from_elsewhere};
use diesel::prelude::*;
use docket::attachments::attachment::Attachment;
use docket::db::schema::{attachments, events, submissions, ticket_counts, tickets};
use docket::db::{Connection, Db};
use docket::tickets::revisions;
use docket::tickets::ticket::Ticket;
use docket::values::token::sha256;
use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tempfile::TempDir;
use tokio::sync::Semaphore;
use tokio::time::timeout;

const ROUNDS: u32 = 100;

/// What the server has acknowledged, recorded before the next request.
#[derive(Default)]
struct Ledger {
    tickets: HashMap<i64, String>,
    submissions: Vec<String>,
    lines: Vec<String>,
    files: HashMap<String, String>,
}

/// One client of a burst: sends requests until the server is killed.
async fn work(person: Person, form: String, name: String, ledger: Arc<Mutex<Ledger>>, answered: Arc<Semaphore>) {
    // Files go to the client's newest ticket, because the number of files on a ticket is limited.
    let mut newest = 1;
    for step in 0.. {
        let mark = format!("{name}s{step}");
        let acknowledged = match step % 4 {
            0 => {
                let request =
                    person.request(reqwest::Method::POST, "/tickets").form(&[("title", &mark), ("requestId", &mark)]);
                let Ok(answer) = request.send().await else { return };
                assert_eq!(answer.status(), 303);
                newest = answer.headers()["location"].to_str().unwrap().rsplit('/').next().unwrap().parse().unwrap();
                ledger.lock().unwrap().tickets.insert(newest, mark);
                Ok(())
            }
            1 => {
                let request = from_elsewhere(person.request(reqwest::Method::POST, &form)).form(&[("message", &mark)]);
                request.send().await.map(|answer| {
                    assert_eq!(answer.status(), 303);
                    ledger.lock().unwrap().submissions.push(mark);
                })
            }
            2 => {
                let request = person.request(reqwest::Method::POST, "/tickets/1/notes/append").form(&[("line", &mark)]);
                request.send().await.map(|answer| {
                    assert!([303, 422].contains(&answer.status().as_u16()), "{}", answer.status());
                    if answer.status() == 303 {
                        ledger.lock().unwrap().lines.push(mark);
                    }
                })
            }
            _ => {
                let bytes = files::png(step);
                let request = person.upload(newest, &[("a.png", &bytes)]).header("accept", "application/json");
                let Ok(answer) = request.send().await else { return };
                assert_eq!(answer.status(), 201);
                let Ok(body) = answer.bytes().await else { return };
                let json: serde_json::Value = serde_json::from_slice(&body).unwrap();
                let id = json["data"][0]["id"].as_str().unwrap().to_owned();
                ledger.lock().unwrap().files.insert(id, sha256(&bytes));
                Ok(())
            }
        };
        if acknowledged.is_err() {
            return;
        }
        answered.add_permits(1);
    }
}

#[actix_web::test]
async fn a_hundred_kills_lose_nothing_and_leave_nothing_half_done() {
    let dir = TempDir::new().unwrap();
    let database = fresh_database(&dir);
    add_owner(dir.path(), &database);
    let ledger = Arc::new(Mutex::new(Ledger::default()));
    let seed = std::process::id();
    let mut rng = fastrand::Rng::with_seed(seed.into());
    let mut ana = person("");
    let mut form = String::new();
    for round in 0..ROUNDS {
        let mut command = command(dir.path(), &database);
        command.env("DOCKET_TRUSTED_PROXIES", "127.0.0.1/32");
        let mut server = Server::start_as(command);
        ana.base.clone_from(&server.base);
        if round == 0 {
            ana.sign_in("ana@example.com", PASSWORD).await.expect(303);
            ana.make_ticket("The first").await;
            form = ana.make_form("Contact").await;
        }
        let answered = Arc::new(Semaphore::new(0));
        let clients: Vec<_> = (0..6)
            .map(|client| {
                let name = format!("r{round}c{client}");
                actix_web::rt::spawn(work(ana.clone(), form.clone(), name, ledger.clone(), answered.clone()))
            })
            .collect();
        // At a random point of the work, on fast and slow machines.
        let enough = timeout(Duration::from_secs(20), answered.acquire_many(rng.u32(0..40))).await;
        enough.expect("requests are answered").unwrap().forget();
        actix_web::rt::time::sleep(Duration::from_millis(rng.u64(0..10))).await;
        server.child.kill().unwrap();
        server.child.wait().unwrap();
        for client in clients {
            client.await.unwrap();
        }
    }
    let db = Db::open(&database).unwrap();
    let ledger = Arc::into_inner(ledger).unwrap().into_inner().unwrap();
    let counts = (ledger.tickets.len(), ledger.submissions.len(), ledger.lines.len(), ledger.files.len());
    eprintln!("seed {seed}: {ROUNDS} kills, acknowledged (tickets, submissions, lines, files) {counts:?}");
    assert!(counts.0 > 50 && counts.1 > 50 && counts.2 > 50 && counts.3 > 20, "{counts:?}");
    let folder = dir.path().join("files");
    db.read(move |conn| {
        acknowledged_is_there(conn, &ledger);
        nothing_is_half_there(conn, &folder);
        Ok(())
    })
    .await
    .unwrap();
}

fn acknowledged_is_there(conn: &mut Connection, ledger: &Ledger) {
    let rows: Vec<Ticket> = tickets::table.load(conn).unwrap();
    let by_number: HashMap<i64, &Ticket> = rows.iter().map(|ticket| (ticket.number, ticket)).collect();
    for (number, title) in &ledger.tickets {
        assert_eq!(&by_number[number].title, title);
    }
    let sent: Vec<String> = submissions::table.select(submissions::fields).load(conn).unwrap();
    let sent: HashSet<&str> = sent.iter().map(String::as_str).collect();
    for mark in &ledger.submissions {
        assert!(sent.contains(format!("[[\"message\",\"{mark}\"]]").as_str()), "{mark}");
    }
    let notes: HashSet<&str> = by_number[&1].notes.lines().collect();
    for mark in &ledger.lines {
        assert!(notes.contains(mark.as_str()), "{mark}");
    }
    let kept: Vec<Attachment> = attachments::table.load(conn).unwrap();
    for (id, hash) in &ledger.files {
        let row = kept.iter().find(|row| row.id == *id).unwrap();
        assert_eq!((&row.sha256, row.state.as_str()), (hash, "ready"));
    }
}

fn nothing_is_half_there(conn: &mut Connection, folder: &Path) {
    let rows: Vec<Ticket> = tickets::table.load(conn).unwrap();
    let events: Vec<(Option<i64>, String)> =
        events::table.select((events::ticket_id, events::kind)).load(conn).unwrap();
    for ticket in &rows {
        let made = events.iter().filter(|(id, kind)| *id == Some(ticket.id) && kind == "ticket.created").count();
        assert_eq!(made, 1, "ticket {}", ticket.number);
    }
    let counted: Vec<i64> = ticket_counts::table.select(ticket_counts::count).load(conn).unwrap();
    assert_eq!(counted.iter().sum::<i64>(), i64::try_from(rows.len()).unwrap());
    let mut numbers: Vec<i64> = rows.iter().map(|ticket| ticket.number).collect();
    numbers.sort_unstable();
    numbers.dedup();
    assert_eq!(numbers.len(), rows.len());
    let first = rows.iter().find(|ticket| ticket.number == 1).unwrap();
    let saved = events.iter().filter(|(id, kind)| *id == Some(first.id) && kind == "ticket.notes_changed").count();
    assert_eq!(first.notes_version, 1 + i64::try_from(saved).unwrap());
    // Every save is a version that can be read, and the last is what the ticket has.
    for version in 2..first.notes_version {
        revisions::text(conn, first.id, version).unwrap();
    }
    assert_eq!(revisions::text(conn, first.id, first.notes_version).unwrap(), first.notes);
    let kept: Vec<Attachment> = attachments::table.filter(attachments::state.eq("ready")).load(conn).unwrap();
    for row in &kept {
        assert_eq!(sha256(&std::fs::read(folder.join(row.key())).unwrap()), row.sha256, "{}", row.key());
    }
    let attached = events.iter().filter(|(_, kind)| kind == "attachment.added").count();
    assert_eq!(attached, kept.len());
}
