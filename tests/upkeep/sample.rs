//! Sample data is realistic, the same for the same seed, and contains every state.

use crate::support::TestApp;
use docket::upkeep::sample;
use docket::upkeep::sample::Plan;

async fn titles(seed: u64) -> Vec<String> {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    sample::load(&app.app, owner.id, &Plan { tickets: 40, seed }, |_| {}).await.unwrap();
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
    let steps = std::sync::Mutex::new(Vec::new());
    let plan = Plan { tickets: 150, seed: 1 };
    sample::load(&app.app, owner.id, &plan, |done| steps.lock().unwrap().push(done)).await.unwrap();
    assert_eq!(*steps.lock().unwrap(), [150]);
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
