//! The numbers of reports are what a plain look at the rows says.

use crate::conversations::begin;
use crate::search::new_ticket;
use crate::support::{Person, TestApp, unique};
use chrono::NaiveDateTime;
use chrono_tz::Tz;
use diesel::prelude::*;
use docket::accounts::role::Role;
use docket::conversations::conversation::Conversation;
use docket::db::Connection;
use docket::db::schema::{accounts, conversations, figures, ticket_tags, tickets};
use docket::events::actor::{Actor, ActorKind};
use docket::figures::histogram::bucket;
use docket::figures::week_of;
use docket::tickets::create::{NewTicket, Outcome, create};
use docket::tickets::source::{Source, SourceKind};
use docket::tickets::status::Status;
use docket::tickets::ticket::{Ticket, if_there};
use docket::tickets::{change, history, tags, trash, undo};
use docket::values::time;
use fastrand::Rng;
use std::collections::{BTreeMap, BTreeSet};

type Cells = BTreeMap<(String, String, i64, i64, i64), i64>;

/// What the rows say.
fn plain_look(conn: &mut Connection, account_id: i64, zone: Tz) -> Cells {
    let mut cells = Cells::new();
    let rows: Vec<Ticket> = tickets::table
        .filter(tickets::account_id.eq(account_id))
        .filter(tickets::deleted_at.is_null())
        .load(conn)
        .unwrap();
    for ticket in rows {
        let tags: Vec<i64> = ticket_tags::table
            .filter(ticket_tags::ticket_id.eq(ticket.id))
            .select(ticket_tags::tag_id)
            .load(conn)
            .unwrap();
        let source = match ticket.source_kind {
            None => 0,
            Some(SourceKind::Chat) => 1,
            Some(SourceKind::Form) => 2,
        };
        let mut keys = vec![("all", 0), ("source", source), ("assignee", ticket.assignee_id.unwrap_or(0))];
        keys.extend(tags.into_iter().map(|tag| ("tag", tag)));
        let week = |at| week_of(at, zone);
        let mut counted = vec![("opened", week(ticket.created_at), 0)];
        match ticket.closed_at {
            None => counted.push(("open_now", 0, 0)),
            Some(at) => {
                let seconds = (at - ticket.created_at).num_seconds();
                counted.push(("closed_now", 0, 0));
                counted.push(("resolution", week(at), bucket(seconds)));
                counted.push(("open_time", week(at), bucket(ticket.open_seconds)));
            }
        }
        counted.extend(ticket.reopened_at.map(|at| ("reopened", week(at), 0)));
        for (dimension, key) in keys {
            for (measure, week, bucket) in &counted {
                *cells.entry((dimension.into(), (*measure).into(), key, *week, *bucket)).or_default() += 1;
            }
        }
    }
    let rows: Vec<Conversation> = conversations::table
        .filter(conversations::account_id.eq(account_id))
        .filter(conversations::deleted_at.is_null())
        .load(conn)
        .unwrap();
    for row in rows {
        if let (Some(at), Some(seconds)) = (row.first_reply_at, row.first_reply_seconds) {
            let cell = ("all".into(), "first_reply".into(), 0, week_of(at, zone), bucket(seconds));
            *cells.entry(cell).or_default() += 1;
        }
    }
    cells
}

/// What is kept.
fn kept(conn: &mut Connection, account_id: i64) -> (Tz, Cells) {
    let (zone, generation): (String, i64) = accounts::table
        .find(account_id)
        .select((accounts::figures_zone, accounts::figures_generation))
        .first(conn)
        .unwrap();
    type Row = (String, String, i64, i64, i64, i64);
    let rows: Vec<Row> = figures::table
        .filter(figures::account_id.eq(account_id))
        .filter(figures::generation.eq(generation))
        .filter(figures::count.ne(0))
        .select((figures::dimension, figures::measure, figures::key, figures::week, figures::bucket, figures::count))
        .load(conn)
        .unwrap();
    let cells = rows
        .into_iter()
        .map(|(dimension, measure, key, week, bucket, count)| ((dimension, measure, key, week, bucket), count));
    (time::zone(&zone), cells.collect())
}

/// Expects that the numbers kept are what a plain look says.
pub async fn expect_right(app: &TestApp, account_id: i64, when: &'static str) -> Tz {
    let look = move |conn: &mut Connection| {
        let (zone, kept) = kept(conn, account_id);
        assert_eq!(kept, plain_look(conn, account_id, zone), "{when}");
        Ok(zone)
    };
    app.app.db.read(look).await.unwrap()
}

/// Changes a random ticket in a random way.
fn act(conn: &mut Connection, rng: &mut Rng, actor: &Actor, users: &[i64], now: NaiveDateTime) {
    let last: i64 = accounts::table.find(actor.account_id).select(accounts::last_ticket_number).first(conn).unwrap();
    if last < 40 || rng.u32(..12) == 0 {
        let kind = *rng.choice(&[None, Some(SourceKind::Chat), Some(SourceKind::Form)]).unwrap();
        let source = kind.map(|kind| Source { kind, id: unique("elsewhere") });
        let new = NewTicket { source, ..new_ticket("t", "").unwrap() };
        assert!(matches!(create(conn, actor, &new, now).unwrap(), Outcome::Ticket(_)));
        return;
    }
    let number = rng.i64(1..=last);
    let tag = |rng: &mut Rng| BTreeSet::from([(*rng.choice(&["a", "b", "c"]).unwrap()).to_owned()]);
    let none = BTreeSet::new();
    // Tickets in the trash refuse.
    match rng.u32(..9) {
        0..=2 => {
            let to = *rng.choice(&Status::ALL).unwrap();
            if_there(change::set_status(conn, actor, number, to, None, now)).unwrap();
        }
        3 => {
            let to = rng.choice(users).copied().filter(|_| rng.bool());
            if_there(change::set_assignee(conn, actor, number, to, now)).unwrap();
        }
        4 => drop(if_there(tags::change(conn, actor, number, &tag(rng), &none, now)).unwrap()),
        5 => drop(if_there(tags::change(conn, actor, number, &none, &tag(rng), now)).unwrap()),
        6 => drop(if_there(trash::delete(conn, actor, number, now)).unwrap()),
        7 => drop(if_there(trash::restore(conn, actor, number, now)).unwrap()),
        _ => {
            let id: i64 = tickets::table
                .filter(tickets::account_id.eq(actor.account_id))
                .filter(tickets::number.eq(number))
                .select(tickets::id)
                .first(conn)
                .unwrap();
            let events = history::latest(conn, id, 5).unwrap();
            if let Some(event) = rng.choice(&events) {
                if_there(undo::undo(conn, actor, number, event, now)).unwrap();
            }
        }
    }
}

async fn act_many(app: &TestApp, owner: &Person, users: &[i64], seed: u64) {
    let actor = Actor::new(owner.id, "Olivia", ActorKind::User(owner.id));
    let (users, start) = (users.to_vec(), app.app.clock.now());
    // In short transactions: on Postgres, events of other tests wait for them.
    for part in 0..8 {
        let (actor, users) = (actor.clone(), users.clone());
        let write = move |conn: &mut Connection| {
            let mut rng = Rng::with_seed(seed * 100 + part);
            let mut now = start + chrono::TimeDelta::days(60 * i64::try_from(part).unwrap());
            for _ in 0..50 {
                now += chrono::TimeDelta::seconds(rng.i64(0..200_000));
                act(conn, &mut rng, &actor, &users, now);
            }
            Ok(())
        };
        app.app.db.write(write).await.unwrap();
    }
}

#[actix_web::test]
async fn numbers_are_what_a_plain_look_says() {
    let app = TestApp::start_behind_proxy().await;
    let owner = app.owner().await;
    let editor = app.member(&owner, Role::Editor).await;
    let users = [owner.id, editor.id];
    for seed in 0..3 {
        act_many(&app, &owner, &users, seed).await;
        assert_eq!(expect_right(&app, owner.id, "after changes").await, Tz::Europe__Berlin);
    }
    let id = begin(&app, &owner, "Hello?").await;
    app.wait(std::time::Duration::from_secs(90));
    owner.post(&format!("/conversations/{id}/messages"), &[("body", "Hi")]).await.expect(303);
    owner.post(&format!("/conversations/{id}/messages"), &[("body", "Again")]).await.expect(303);
    expect_right(&app, owner.id, "after a first reply").await;
    owner.post(&format!("/conversations/{id}/delete"), &[]).await.expect(303);
    expect_right(&app, owner.id, "without the conversation").await;
    owner.post(&format!("/conversations/{id}/restore"), &[]).await.expect(303);

    // Another time zone has other weeks. Until they are counted, the old ones are kept.
    let zone = [("name", "Desk"), ("timeZone", "Pacific/Auckland")];
    owner.post("/settings", &zone).await.expect(303);
    owner.get("/reports").await.expect_text("being counted");
    act_many(&app, &owner, &users, 7).await;
    assert_eq!(expect_right(&app, owner.id, "while another zone is asked for").await, Tz::Europe__Berlin);
    app.run_jobs().await;
    assert_eq!(expect_right(&app, owner.id, "in the new zone").await, Tz::Pacific__Auckland);
    act_many(&app, &owner, &users, 8).await;
    expect_right(&app, owner.id, "after changes in the new zone").await;
    let left = |conn: &mut Connection| Ok(figures::table.select(figures::generation).distinct().load::<i64>(conn)?);
    assert_eq!(app.app.db.read(left).await.unwrap(), [1], "the old numbers are gone");
}

#[actix_web::test]
async fn reports_show_weeks_and_breakdowns() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    for title in ["one", "two", "three"] {
        owner.make_ticket(title).await;
    }
    owner.post("/tickets/1/tags", &[("add", "Bug")]).await.expect(303);
    app.wait(std::time::Duration::from_secs(3_600));
    owner.set_status(1, "closed").await.expect(303);
    let page = owner.get("/reports").await;
    let figures = page.expect(200).texts(".figures dd");
    assert_eq!(figures[..3], ["3", "1", "0"], "{figures:?}");
    // An hour, at most 2 % off.
    assert!(figures[3].starts_with("about 59 min") || figures[3].starts_with("about 1 h"), "{figures:?}");
    assert_eq!(page.count("svg.chart"), 2);
    page.expect_text("By tag").expect_text("By source").expect_text("#2 two");
    let page = owner.get("/reports?tag=bug").await;
    assert_eq!(page.texts(".figures dd")[..2], ["1", "1"]);
    assert_eq!(owner.get("/reports?source=chat").await.texts(".figures dd")[..2], ["0", "0"]);
    let csv = owner.get("/reports.csv?assignee=none&from=2026-01-01").await;
    let lines: Vec<&str> = csv.expect(200).body.lines().collect();
    assert!(lines[0].contains("week_from,opened,closed") && lines[1].starts_with("2025-12-29,0,0"), "{lines:?}");
    assert!(lines.iter().any(|line| line.contains(",3,1,0,")), "{lines:?}");
    for wrong in ["tag=bug&source=chat", "from=yesterday", "from=2026-02-01&to=2026-01-01", "source=mail", "assignee=x"]
    {
        owner.get(&format!("/reports?{wrong}")).await.expect(422);
    }
    owner.get("/reports?tag=nothing").await.expect(404);
}

#[actix_web::test]
async fn themes_are_counted_renamed_merged_and_removed() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    for (name, tag) in [("Ana", "dark mode"), ("Bo", "dark mode"), ("Ana", "Dark theme"), ("Cy", "bug")] {
        let email = format!("{}@example.com", name.to_lowercase());
        let number =
            owner.make_ticket_of(&[("title", "Wish"), ("requesterName", name), ("requesterEmail", &email)]).await;
        owner.post(&format!("/tickets/{number}/tags"), &[("add", tag)]).await.expect(303);
    }
    owner.set_status(1, "closed").await.expect(303);
    let page = owner.get("/tags").await;
    assert_eq!(page.texts("main tbody th"), ["dark mode", "bug", "dark theme"]);
    assert_eq!(page.texts("main tbody tr:first-child td")[..3], ["1", "1", "2"]);
    let page = owner.get("/tags/dark%20mode").await;
    page.expect(200).expect_text("2 people asked for this").expect_text("Bo");
    // A new name that is taken is refused; a merge is what is meant.
    owner.post("/tags/dark%20mode/rename", &[("name", "BUG")]).await.expect(409);
    let merged = owner.post("/tags/dark%20theme/merge", &[("into", "dark mode")]).await;
    let page = owner.get(merged.expect(303).location()).await;
    page.expect_text("2 people asked for this").expect_text("2 open tickets");
    assert_eq!(owner.list("tag=dark%20mode&status=all&sort=created").await, [3, 2, 1]);
    assert_eq!(owner.list("q=theme").await, Vec::<i64>::new(), "search follows");
    owner.post(&page.attribute(".flash form", "action"), &[]).await.expect(303);
    assert_eq!(owner.list("tag=dark%20theme&status=all").await, [3]);
    assert_eq!(owner.list("q=theme").await, [3]);
    owner.post("/tags/bug/rename", &[("name", "defect / bug")]).await.expect_redirect("/tags/defect%20%2F%20bug");
    owner.get("/tags/defect%20%2F%20bug").await.expect(200).expect_text("1 open ticket");
    let removed = owner.post("/tags/dark%20mode/delete", &[]).await;
    let page = owner.get(removed.expect_redirect("/tags").location()).await;
    page.expect_text("Tag “dark mode” removed from 2 tickets.");
    assert_eq!(page.count("main tbody tr"), 2);
    owner.post("/tags/dark%20mode/delete", &[]).await.expect(409);
    owner.get("/tags/nothing").await.expect(404);
    expect_right(&app, owner.id, "after all").await;
}
