//! How long an account keeps its data.

use crate::conversations::begin;
use crate::support::{PASSWORD, TestApp};
use crate::upkeep::check::check;
use docket::accounts::role::Role;
use docket::upkeep::janitor;
use std::time::Duration;

const DAY: Duration = Duration::from_secs(24 * 3600);

#[actix_web::test]
async fn old_data_goes_to_the_trash_and_then_for_good() {
    let app = TestApp::start().await;
    let (owner, other) = (app.owner().await, app.owner().await);
    let form = owner.make_form("Contact").await;
    for person in [&owner, &other] {
        begin(&app, person, "An old conversation").await;
        person.make_ticket("Closed").await;
        person.make_ticket("Open").await;
        person.set_status(1, "closed").await.expect(303);
    }
    app.stranger().visit(&form, &[("message", "An old submission")]).await.expect(303);
    let submission = owner.newest_submission().await;

    for wrong in ["29", "0", "-1", "36501", "soon", "1.5"] {
        let refused = owner.post("/settings/retention", &[("ticketDays", wrong)]).await;
        refused.expect(422).expect_text("Enter a number of days from 30 to 36,500, or nothing.");
        assert_eq!(refused.value("ticketDays"), wrong);
    }
    let limits = [("ticketDays", "60"), ("conversationDays", "40"), ("submissionDays", "")];
    app.member(&owner, Role::Editor).await.post("/settings/retention", &limits).await.expect(403);
    owner.post("/settings/retention", &limits).await.expect(303);
    let page = owner.get("/settings").await;
    assert_eq!(
        (page.value("ticketDays"), page.value("conversationDays"), page.value("submissionDays")),
        ("60".into(), "40".into(), String::new())
    );

    let days_later = |days: u32| {
        app.wait(DAY * days);
        janitor::clear(&app.app)
    };
    let sign_in = || owner.sign_in(&owner.email, PASSWORD);
    days_later(39).await.unwrap();
    sign_in().await.expect(303);
    owner.get("/conversations").await.expect_text("An old conversation");
    days_later(2).await.unwrap();
    sign_in().await.expect(303);
    owner.get("/conversations").await.expect_no_text("An old conversation");
    owner.get("/trash").await.expect_text("Conversation of Vera Visitor");
    assert_eq!(owner.list("status=closed").await, [1]);
    days_later(20).await.unwrap();
    sign_in().await.expect(303);
    assert_eq!((owner.list("status=closed").await, owner.list("").await), (vec![], vec![2]), "open tickets stay");
    owner.post("/tickets/1/restore", &[]).await.expect(303);
    owner.get("/tickets/1").await.expect(200);
    days_later(15).await.unwrap();
    sign_in().await.expect(303);
    owner.get("/trash").await.expect_no_text("Conversation of Vera Visitor");
    owner.get(&format!("/submissions/{submission}")).await.expect(200).expect_text("An old submission");
    other.sign_in(&other.email, PASSWORD).await.expect(303);
    assert_eq!(other.list("status=closed").await, [1], "nobody else’s");
    other.get("/conversations").await.expect_text("An old conversation");
    assert_eq!(check(&app, false).await.1, Vec::<String>::new());
}
