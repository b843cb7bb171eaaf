//! While the operator has stopped all changes: everything can be read, nothing is written, and what
//! people typed comes back.

use crate::support::chat::Visitor;
use crate::support::program::Program;
use crate::support::{PASSWORD, TestApp, config_on};
use docket::error::Kind;
use reqwest::Method;
use serde_json::json;

const REASON: &str = "We move to a new server until 18:00.";

#[actix_web::test]
async fn everything_can_be_read_and_nothing_changes() {
    let app = TestApp::start().await;
    let mut owner = app.owner().await;
    let number = owner.make_ticket("Lamp").await;
    let form = owner.make_form("Contact").await;
    let mut vera = Visitor::new(&app.base, &owner.make_widget("Shop").await);
    vera.write("The lamp is broken").await;
    let talk = vera.conversation(&owner).await;
    let mut program = Program::of(&app, &owner).await;
    let before = program.get(&format!("/tickets/{number}")).await.json();

    let config = config_on(app.dir.path(), app.app.config.database());
    let stopped = TestApp::start_with(move |settings| {
        *settings = config;
        settings.maintenance = Some(REASON.into());
    })
    .await;
    owner.base.clone_from(&stopped.base);
    vera.base.clone_from(&stopped.base);
    program.person.base.clone_from(&stopped.base);

    let ticket = format!("/tickets/{number}");
    let talk = format!("/conversations/{talk}");
    for path in
        ["/tickets", &ticket, "/conversations", &talk, "/submissions", "/settings", "/profile", "/reports", &form]
    {
        owner.get(path).await.expect(200).expect_text(REASON);
    }
    program.get("/tickets").await.expect(200);
    stopped.stranger().get("/readyz").await.expect(200);

    // A form comes back with the text, to be sent again later.
    let notes = format!("{ticket}/notes");
    let refused = owner.post(&notes, &[("notes", "A long\nthought"), ("version", "1")]).await;
    refused.expect(503).expect_text(REASON).expect_text("not saved yet");
    assert_eq!(refused.value("notes").replace('\r', ""), "A long\nthought");
    assert_eq!(refused.header("retry-after"), "60");
    // A click has nothing to give back.
    owner.set_status(number, "closed").await.expect(503).expect_text(REASON);
    let quick = owner.request(Method::POST, &notes).header("accept", "application/json").form(&[("notes", "x")]);
    assert_eq!(owner.send(quick).await.expect(503).json()["error"]["message"], REASON);
    owner.attach(number, &[("a.txt", b"text")]).await.expect(503);
    stopped.stranger().sign_in(&owner.email, PASSWORD).await.expect(503).expect_text(REASON);
    let created = program.post("/tickets", &json!({ "title": "One more" })).await;
    assert_eq!(created.expect(503).json()["error"]["message"], REASON);
    owner.visit(&form, &[("message", "Hello")]).await.expect(503).expect_text(REASON);
    vera.send(vera.request(Method::POST, "/messages").json(&json!({ "id": "m", "body": "Hello?" }))).await.expect(503);
    // Nor do jobs write.
    let error = stopped.app.db.write(|_| Ok(())).await.unwrap_err();
    assert_eq!((error.kind, error.message()), (Kind::Unavailable, REASON));

    owner.base.clone_from(&app.base);
    assert_eq!(program.get(&ticket).await.json(), before);
    owner.write_notes(number, 1, "A long\nthought").await.expect(303);
}
