//! Sample data is realistic, the same for the same seed, and contains every state.

use crate::figures::expect_right;
use crate::support::{Person, TestApp};
use crate::upkeep::check::check;
use diesel::prelude::*;
use docket::accounts::role::Role;
use docket::db::schema::events;
use docket::db::{Connection, without_time_limit};
use docket::upkeep::sample;
use docket::upkeep::sample::Plan;
use std::sync::Mutex;

/// Loads samples as the command does. Returns the numbers of tickets that it reports.
pub async fn load(app: &TestApp, owner: &Person, plan: Plan) -> Vec<u32> {
    let steps = Mutex::new(Vec::new());
    let load = sample::load(&app.app, owner.id, &plan, |done| steps.lock().unwrap().push(done));
    without_time_limit(load).await.unwrap();
    steps.into_inner().unwrap()
}

async fn titles(seed: u64) -> Vec<String> {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    load(&app, &owner, Plan { tickets: 40, seed, ..Plan::default() }).await;
    let page = owner.get("/tickets?status=all&sort=created").await;
    page.texts(".row-link")
}

#[actix_web::test]
async fn the_same_seed_makes_the_same_desk() {
    let (first, again, other) = (titles(7).await, titles(7).await, titles(8).await);
    assert!(first.len() >= 30);
    assert_eq!(first, again);
    assert_ne!(first, other);
}

#[actix_web::test]
async fn every_state_is_there() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let steps = load(&app, &owner, Plan { tickets: 150, seed: 1, ..Plan::default() }).await;
    assert_eq!(steps, [100, 150]);
    for query in [
        "status=new",
        "status=in_progress",
        "status=closed",
        "source=chat",
        "source=form",
        "source=none",
        "assignee=me",
        "assignee=none",
        "tag=refund",
        "q=lamp",
    ] {
        assert!(!owner.list(&format!("sort=created&{query}")).await.is_empty(), "{query}");
    }
    owner.get("/trash").await.expect_no_text("The trash is empty");
    owner.get("/conversations").await.expect_text("row-link");
    owner.get("/conversations?status=closed").await.expect_text("row-link");
    owner.get("/submissions").await.expect_text("+ Ticket");
    owner.get("/submissions?spam=1").await.expect_no_text("No spam");
    assert!(app.stored_keys().iter().any(|key| key.ends_with(".png")));
    let mut seen = [false; 3];
    for number in 1..=150 {
        let page = owner.get(&format!("/tickets/{number}")).await;
        let signs = ["no longer exists", "is in another system", "Reopened"];
        for (seen, sign) in seen.iter_mut().zip(signs) {
            *seen |= page.body.contains(sign);
        }
    }
    assert_eq!(seen, [true; 3]);
}

#[actix_web::test]
async fn a_long_past_is_like_any_other() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    load(&app, &owner, Plan { tickets: 130, seed: 4, recent: 40 }).await;
    let (clean, lines) = check(&app, false).await;
    assert_eq!(clean.found, 0, "{lines:?}");
    expect_right(&app, owner.id, "after samples of years").await;

    let latest = app.app.clock.now();
    let later =
        move |conn: &mut Connection| Ok(events::table.filter(events::at.gt(latest)).count().get_result::<i64>(conn)?);
    assert_eq!(app.app.db.read(later).await.unwrap(), 0, "nothing happens in the future");

    // 90 tickets of the past, in blocks of 20: what a ticket has is in its copies, too.
    let pages = [owner.get("/tickets/1").await, owner.get("/tickets/41").await];
    let notes = &pages[0].texts("textarea[name=notes]")[0];
    let order = notes.trim_start_matches("Order ").split('.').next().unwrap();
    let mut copies = owner.list(&format!("status=all&q={order}")).await;
    copies.sort_unstable();
    assert_eq!(copies, [1, 21, 41, 61, 81]);
    let history = pages.map(|page| page.count("[data-events] li"));
    assert!(history[0] > 3 && history[0] == history[1], "{history:?}");
}

#[actix_web::test]
async fn all_sample_data_can_be_removed_and_nothing_else() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let page = owner.get("/tickets").await;
    owner.post(&page.attribute(".empty form", "action"), &[]).await.expect_redirect("/tickets");
    load(&app, &owner, Plan { tickets: 20, seed: 3, ..Plan::default() }).await;
    let steps = owner.get("/tickets").await.texts(".steps .quiet");
    assert!(steps.is_empty(), "samples tick no step: {steps:?}");
    assert!(!app.stored_keys().is_empty());

    let settings = owner.get("/settings").await;
    settings.expect_no_text("Add sample data");
    owner.post("/settings/sample/remove", &[]).await.expect_redirect("/settings");
    app.run_jobs().await;
    for (page, empty) in [
        ("/tickets?status=all", "No tickets yet"),
        ("/trash", "The trash is empty"),
        ("/conversations?status=all", "No conversations here"),
        ("/submissions", "No form yet"),
        ("/submissions?spam=1", "No spam"),
        ("/settings/chat", "No chat bubble yet"),
        ("/settings", "Add sample data"),
    ] {
        owner.get(page).await.expect(200).expect_text(empty);
    }
    assert!(app.stored_keys().is_empty(), "{:?}", app.stored_keys());
    assert_eq!(owner.make_ticket("The first").await, 1, "numbers start at 1 again");

    // Beside other tickets, numbers go on, and what was sent to the sample form stays.
    owner.post("/settings/sample", &[]).await.expect(303);
    let form = owner.get("/settings/forms").await.attribute(".row-link", "href");
    let form = owner.get(&form).await.texts("main a").into_iter().find(|text| text.contains("/f/")).unwrap();
    let form = &form[form.find("/f/").unwrap()..];
    app.stranger().visit(form, &[("name", "Ana"), ("message", "Hello")]).await.expect(303);
    owner.post("/settings/sample/remove", &[]).await.expect(303);
    app.run_jobs().await;
    assert_eq!(owner.list("status=all").await, [1]);
    assert_eq!(owner.get("/submissions").await.count(".row-link"), 1);
    assert!(owner.make_ticket("The second").await > 60, "numbers of samples are not used again");

    // Facts tick the steps.
    let page = owner.get("/tickets").await;
    assert_eq!(page.texts(".steps .quiet").len(), 2, "a form was sent, and a ticket created");
    app.member(&owner, Role::Editor).await.get("/tickets").await.expect_no_text("First steps");
    owner.post("/settings/steps/hide", &[]).await.expect(303);
    owner.get("/tickets").await.expect_no_text("First steps");
}
