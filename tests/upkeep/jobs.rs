//! Jobs are done, whatever happens to who does them.

use crate::cli::{add_owner, signed_in};
use crate::support::process::{Server, command};
use crate::support::smtp::{FaultyServer, MailServer};
use crate::support::{Person, TestApp, fresh_database};
use crate::upkeep::notices::with_mail;
use diesel::prelude::*;
use docket::accounts::role::Role;
use docket::db::schema::{jobs, messages, submissions};
use docket::db::{Connection, Db, index};
use docket::jobs::job::{Job, Kind, NewJob, State};
use docket::jobs::queue;
use docket::jobs::queue::Outcome;
use std::collections::{BTreeMap, BTreeSet};
use std::net::TcpListener;
use std::time::{Duration, Instant};
use tempfile::TempDir;

const MINUTE: Duration = Duration::from_secs(61);

/// The lines of a mail's head that begin with `name`.
fn header<'a>(mail: &'a str, name: &str) -> &'a str {
    mail.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_else(|| panic!("no {name} in {mail}"))
}

fn text_of(mail: &str) -> String {
    mail.split_once("\n\n").unwrap().1.to_owned()
}

async fn all_jobs(db: &Db) -> Vec<Job> {
    db.scan(|conn| Ok(jobs::table.order(jobs::id).load(conn)?)).await.unwrap()
}

/// Mails are sent by a server that takes a second, or does not answer at all.
#[actix_web::test]
async fn a_worker_that_stops_ends_its_jobs_or_hands_them_over() {
    let slow = FaultyServer::slow();
    let mute = TcpListener::bind("127.0.0.1:0").unwrap();
    for (port, expected) in [(slow.port, State::Done), (mute.local_addr().unwrap().port(), State::Waiting)] {
        let dir = TempDir::new().unwrap();
        let database = fresh_database(&dir);
        add_owner(dir.path(), &database);
        let mut command = command(dir.path(), &database);
        command
            .env("DOCKET_SMTP_URL", format!("smtp://127.0.0.1:{port}"))
            .env("DOCKET_MAIL_FROM", "Docket <desk@desk.example>")
            .env("DOCKET_PUBLIC_URL", "http://127.0.0.1");
        let mut server = Server::start_as(command);
        let invitation = [("email", "new@example.com"), ("role", "editor")];
        signed_in(&server).await.post("/settings/team/invitations", &invitation).await.expect(303);
        until(&server, &database, |jobs| {
            jobs.iter().any(|job| job.kind == Kind::LinkMail && job.state == State::Running)
        })
        .await;
        server.signal("TERM");
        assert!(server.child.wait().unwrap().success());
        let jobs = all_jobs(&Db::open(&database).unwrap()).await;
        let mail = jobs.iter().find(|job| job.kind == Kind::LinkMail).unwrap();
        assert_eq!(mail.state, expected, "{mail:?}");
        assert_eq!(mail.tries, 1, "the next try has another number");
        let is_due = mail.due_at <= chrono::Utc::now().naive_utc();
        assert!(mail.state == State::Done || is_due, "{mail:?}");
    }
    assert_eq!(slow.take().len(), 1);
}

/// The program is killed at random moments while it reads events and sends mails. How often
/// can be set: `DOCKET_TEST_KILLS=200`.
#[actix_web::test]
async fn a_killed_worker_loses_no_mail_and_repeats_it_under_its_id() {
    let kills: u32 = std::env::var("DOCKET_TEST_KILLS").map_or(12, |text| text.parse().unwrap());
    let mail = MailServer::start();
    let dir = TempDir::new().unwrap();
    let database = fresh_database(&dir);
    add_owner(dir.path(), &database);
    let start = || {
        let mut command = command(dir.path(), &database);
        command
            .env("DOCKET_SMTP_URL", format!("smtp://127.0.0.1:{}", mail.port))
            .env("DOCKET_MAIL_FROM", "Docket <desk@desk.example>")
            .env("DOCKET_PUBLIC_URL", "http://127.0.0.1");
        Server::start_as(command)
    };
    let (mut form, mut sent, mut mails) = (String::new(), 0, Vec::new());
    for round in 0..=kills {
        let mut server = start();
        if form.is_empty() {
            form = signed_in(&server).await.make_form("Contact").await;
            // From here on, events are news.
            until(&server, &database, |jobs| {
                jobs.iter().any(|job| job.kind == Kind::Upgrade && job.state == State::Done)
            })
            .await;
        }
        let visitor = crate::cli::person(&server.base);
        for _ in 0..2 {
            sent += 1;
            visitor.visit(&form, &[("message", &format!("number {sent}."))]).await.expect(303);
        }
        if round < kills {
            std::thread::sleep(Duration::from_millis(fastrand::u64(0..1_500)));
        } else {
            until(&server, &database, |jobs| jobs.iter().filter(|job| job.kind == Kind::Mail).count() == sent).await;
        }
        server.child.kill().unwrap();
        server.child.wait().unwrap();
        mails.extend(mail.take());
        // Leases and waits end at once.
        let db = Db::open(&database).unwrap();
        db.write(|conn| {
            let long_ago = chrono::DateTime::UNIX_EPOCH.naive_utc();
            diesel::update(jobs::table.filter(jobs::ended_at.is_null()))
                .set(jobs::due_at.eq(long_ago))
                .execute(conn)?;
            Ok(())
        })
        .await
        .unwrap();
    }
    let server = start();
    let done = until(&server, &database, |jobs| {
        jobs.iter().filter(|job| job.kind == Kind::Mail).all(|job| job.state == State::Done)
    })
    .await;
    mails.extend(mail.take());
    let done: Vec<&Job> = done.iter().filter(|job| job.kind == Kind::Mail).collect();
    assert_eq!(done.len(), sent, "one job for each submission");

    // Every batch has been mailed, and a repeated mail is the same.
    let mut texts: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for mail in &mails {
        texts.entry(header(mail, "Message-ID: ")).or_default().insert(text_of(mail));
    }
    let batches: BTreeSet<i64> = done.iter().map(|job| job.batch_id.unwrap()).collect();
    assert_eq!(texts.len(), batches.len());
    assert!(texts.values().all(|texts| texts.len() == 1), "{texts:?}");
    let all: String = texts.into_values().flatten().collect();
    let told = (1..=sent).filter(|number| all.contains(&format!("number {number}."))).count();
    let more = all.matches("more.").count();
    assert!(told == sent || more > 0, "{told} of {sent} in {} mails", mails.len());
    eprintln!("{kills} kills, {sent} submissions, {} batches, {} mails", batches.len(), mails.len());
}

/// Waits until the jobs are as wanted.
async fn until(server: &Server, database: &docket::db::DatabaseUrl, wanted: impl Fn(&[Job]) -> bool) -> Vec<Job> {
    let end = Instant::now() + Duration::from_secs(30);
    let db = Db::open(database).unwrap();
    loop {
        let jobs = all_jobs(&db).await;
        if wanted(&jobs) {
            return jobs;
        }
        assert!(Instant::now() < end, "{} {jobs:?}", server.base);
        actix_web::rt::time::sleep(Duration::from_millis(50)).await;
    }
}

fn new_job(account_id: i64, key: &str, app: &TestApp) -> NewJob {
    let data = r#"{"user":1,"topic":"submission","subject":"x"}"#.into();
    let due_at = app.app.clock.now();
    NewJob { account_id: Some(account_id), kind: Kind::Mail, key: key.into(), group_key: "g".into(), data, due_at }
}

#[actix_web::test]
async fn a_job_has_one_worker_and_a_late_one_changes_nothing() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let (job, now) = (new_job(owner.id, "one", &app), app.app.clock.now());
    let add = move |conn: &mut Connection| {
        queue::add(conn, &[job.clone(), job.clone()], now)?;
        queue::add(conn, std::slice::from_ref(&job), now)
    };
    app.app.db.write(add).await.unwrap();
    let [only] = all_jobs(&app.app.db).await.try_into().expect("the same job is added once");
    let (db, id) = (&app.app.db, only.id);
    let claim = |at| db.write(move |conn| queue::claim(conn, id, at));
    let first = claim(now).await.unwrap().expect("it is due");
    assert!(claim(now).await.unwrap().is_none());
    let later = now + queue::LEASE;
    let second = claim(later).await.unwrap().expect("the lease has ended");
    let (late, own) = (first.clone(), second.clone());
    let end = move |conn: &mut Connection| {
        assert!(!queue::keep(conn, &late, later)? && !queue::renew(conn, &late, later)?);
        queue::settle(conn, &late, &Outcome::Done, later)?;
        assert!(queue::renew(conn, &own, later)?);
        queue::settle(conn, &own, &Outcome::Failed("no answer".into()), later)
    };
    app.app.db.write(end).await.unwrap();
    let [job] = all_jobs(&app.app.db).await.try_into().unwrap();
    assert_eq!((job.state, job.tries, job.error.as_str()), (State::Waiting, 2, "no answer"));
    assert_eq!(job.due_at, later + chrono::TimeDelta::minutes(2));
}

#[actix_web::test]
async fn what_is_given_up_is_shown_and_can_be_tried_again() {
    let mut server = MailServer::start();
    let app = TestApp::start_with(with_mail(&server)).await;
    let owner = app.owner().await;
    app.run_jobs().await;
    let form = owner.make_form("Contact").await;
    owner.visit(&form, &[("message", "First")]).await.expect(303);
    owner.visit(&form, &[("message", "Second")]).await.expect(303);
    server.stop();
    for _ in 0..25 {
        app.wait(Duration::from_secs(3_601));
        app.run_jobs().await;
    }
    owner.get("/readyz").await.expect(200).expect_text("jobs given up: 1");
    let row = |page: &crate::support::Answer| page.texts("li[data-state=given_up]");
    let page = owner.get("/settings/jobs?state=given_up").await;
    assert!(
        row(&page).len() == 1 && row(&page)[0].starts_with("Email to Olivia Owner: new submissions"),
        "{}",
        page.body
    );
    page.expect_text("Failed 22 times");
    let path = page.attribute("li form", "action");
    let editor = app.member(&owner, Role::Editor).await;
    editor.get("/settings/jobs").await.expect(403);
    let stranger: Person = app.owner().await;
    assert!(row(&stranger.get("/settings/jobs").await).is_empty());
    stranger.post(&path, &[]).await.expect(404);

    // While it is cancelled, a job waits for nothing.
    owner.post(&path, &[]).await.expect(303);
    let page = owner.get("/settings/jobs?state=waiting").await;
    let cancel = page.attribute("li form", "action");
    owner.post(&cancel, &[]).await.expect(303);
    server.start_again();
    app.wait(MINUTE);
    app.run_jobs().await;
    assert!(server.take().is_empty());
    let go_on = owner.get("/settings/jobs?state=cancelled").await.attribute("li form", "action");
    owner.post(&go_on, &[]).await.expect(303);
    app.run_jobs().await;
    let [mail] = server.take().try_into().unwrap();
    assert!(mail.contains("First") && mail.contains("Second"), "{mail}");
    let leader = path.split('/').nth(3).unwrap();
    assert!(header(&mail, "Message-ID: ").contains(&format!("-{leader}@desk.example")), "{mail}");
    owner.get("/readyz").await.expect_no_text("given up");
    owner.post(&go_on, &[]).await.expect(404);
}

#[actix_web::test]
async fn old_texts_are_indexed_step_by_step() {
    let app = TestApp::start().await;
    let (owner, vera) = app.shop().await;
    let form = owner.make_form("Contact").await;
    for index in 0..3 {
        vera.write(&format!("rhubarb {index}")).await.expect(201);
        owner.visit(&form, &[("message", "rhubarb")]).await.expect(303);
    }
    let forget = |conn: &mut Connection| {
        let rows: Vec<(i64, i64)> =
            messages::table.select((messages::conversation_seq, messages::position)).load(conn)?;
        for (seq, position) in rows {
            index::forget_terms(conn, index::Index::Messages, index::message_id(seq, position))?;
        }
        let rows: Vec<i64> = submissions::table.select(submissions::seq).load(conn)?;
        for seq in rows {
            index::forget_terms(conn, index::Index::Submissions, seq)?;
        }
        Ok(index::set_version(conn, 0)?)
    };
    app.app.db.write(forget).await.unwrap();
    // Until the index is built, the former one answers.
    owner.make_ticket_of(&[("title", "Pie"), ("conversationId", &vera.conversation(&owner).await)]).await;
    assert_eq!((owner.list("q=pie").await, owner.list("q=rhubarb").await), (vec![1], vec![]));
    owner.get("/submissions?q=rhubarb").await.expect_no_text("/submissions/gmp");
    app.run_jobs().await;
    owner.get("/settings/jobs").await.expect_text("7 of 7");
    assert_eq!((owner.list("q=pie").await, owner.list("q=rhubarb").await), (vec![1], vec![1]));
    owner.get("/conversations?q=rhubarb").await.expect_text("Vera");
    let (outcome, lines) = crate::upkeep::check::check(&app, false).await;
    assert_eq!(outcome.found, 0, "{lines:?}");
}

/// Events that are in no ticket's history are removed after the time that a setting says.
#[actix_web::test]
async fn old_events_are_removed_and_readers_learn_that() {
    let app = TestApp::start_with(|config| config.event_retention = chrono::TimeDelta::days(30)).await;
    let owner = app.owner().await;
    let program = crate::support::program::Program::of(&app, &owner).await;
    let form = owner.make_form("Contact").await;
    owner.visit(&form, &[("message", "Old")]).await.expect(303);
    let number = owner.make_ticket("Old").await;
    app.numbered().await;
    let read = program.get("/events?after=0").await.expect(200).json();
    assert_eq!(read["data"].as_array().unwrap().len(), 2);
    app.wait(Duration::from_secs(31 * 24 * 3600));
    owner.sign_in(&owner.email, crate::support::PASSWORD).await.expect(303);
    app.run_jobs().await;
    let gone = program.get("/events?after=0").await;
    let message = gone.expect(410).json()["error"]["message"].as_str().unwrap().to_owned();
    let next = message.rsplit('=').next().unwrap().trim_end_matches('.').to_owned();
    assert_eq!(next, read["next"].to_string(), "{message}");
    owner.set_status(number, "closed").await.expect(303);
    app.numbered().await;
    let read = program.get(&format!("/events?after={next}")).await.expect(200).json();
    assert_eq!(read["data"][0]["kind"], "ticket.status_changed");
    owner.get(&format!("/tickets/{number}")).await.expect_text("created the ticket");
    owner.get("/settings/audit").await.expect_no_text("created the form").expect_text("signed in");
}

#[actix_web::test]
#[ignore = "needs Postgres: only there several programs serve one database"]
async fn two_instances_share_the_jobs() {
    let mail = MailServer::start();
    let app = TestApp::start_with(with_mail(&mail)).await;
    let owner = app.owner().await;
    let database = app.app.config.database();
    let other = TestApp::start_with(|config| {
        with_mail(&mail)(config);
        config.database_url = Some(database);
    })
    .await;
    app.run_jobs().await;
    let form = owner.make_form("Contact").await;
    for index in 0..20 {
        owner.visit(&form, &[("message", &format!("number {index}"))]).await.expect(303);
        app.wait(MINUTE);
        other.wait(MINUTE);
        futures_util::join!(app.run_jobs(), other.run_jobs());
    }
    let mails = mail.take();
    let ids: BTreeSet<&str> = mails.iter().map(|mail| header(mail, "Message-ID: ")).collect();
    assert_eq!((mails.len(), ids.len()), (20, 20));
}
