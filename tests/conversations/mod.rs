//! Conversations: the inbox, an agent's reply, and conversations on tickets.

pub mod answers;
mod chat;
pub mod mails;
mod message;
pub mod quotes;

use crate::support::{Person, TestApp, unique};
use docket::conversations::conversation::{NewConversation, Status};
use docket::conversations::messages::NewMessage;
use docket::conversations::{conversation, messages};
use docket::events::actor::Actor;

/// Starts a conversation as a visitor and returns its id.
pub async fn begin(app: &TestApp, owner: &Person, text: &str) -> String {
    let id = unique("chat");
    let new = NewConversation {
        id: id.clone(),
        visitor_name: "Vera Visitor".into(),
        visitor_email: "vera@example.com".into(),
        page_url: Some("https://shop.example/lamps".into()),
        country: Some("SE".into()),
        status: Status::Open,
        chat: None,
        submission_id: None,
    };
    let (vera, now, text) = (Actor::visitor(owner.id, "Vera Visitor"), app.app.clock.now(), text.to_owned());
    app.app
        .db
        .write(move |conn| {
            conversation::create(conn, &vera, &new, now)?;
            messages::post(conn, &vera, &new.id, &NewMessage::of_visitor(text.clone(), None, now)).map(drop)
        })
        .await
        .unwrap();
    id
}

#[actix_web::test]
async fn a_conversation_becomes_a_ticket_that_links_back() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let id = begin(&app, &owner, "The lamp is broken").await;
    owner.get("/conversations").await.expect_text("Vera Visitor").expect_text("The lamp is broken");
    let page = owner.get(&format!("/conversations/{id}")).await;
    page.expect_text("shop.example/lamps").expect_text("SE").expect_text("Create Ticket");
    let form = owner.get(&page.attribute("a[href^='/tickets/new']", "href")).await;
    form.expect(200).expect_text("value=\"Vera Visitor\"");
    let number = owner.make_ticket_of(&[("title", "Broken lamp"), ("conversationId", &id)]).await;
    let ticket = owner.get(&format!("/tickets/{number}")).await;
    ticket
        .expect_text("The lamp is broken")
        .expect_text(&format!("href=\"/conversations/{id}#latest\""))
        .expect_text("Sweden (SE)");
    owner.get(&format!("/conversations/{id}")).await.expect_text("Broken lamp");
    assert_eq!(owner.list("source=chat").await, [number]);
}

#[actix_web::test]
async fn agents_reply_close_and_reopen() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let id = begin(&app, &owner, "Hello").await;
    let path = format!("/conversations/{id}");
    owner.post(&format!("{path}/messages"), &[("body", "Hi <b>there</b>\nsecond line")]).await.expect(303);
    let page = owner.get(&path).await;
    page.expect_text("Hi &#60;b&#62;there&#60;/b&#62;\nsecond line").expect_text("Olivia Owner");
    let empty = owner.post(&format!("{path}/messages"), &[("body", "  ")]).await;
    empty.expect(422).expect_text("Enter a message");
    let long = "x".repeat(10_001);
    owner.post(&format!("{path}/messages"), &[("body", &long)]).await.expect(422).expect_text(&long);
    owner.post(&format!("{path}/status"), &[("status", "closed")]).await.expect(303);
    owner.get("/conversations").await.expect_no_text("Vera");
    owner.get("/conversations?status=closed").await.expect_text("Vera");
    owner.post(&format!("{path}/status"), &[("status", "open")]).await.expect(303);
    owner.get("/conversations").await.expect_text("Vera");
}

#[actix_web::test]
async fn deleting_a_source_breaks_the_link_never_the_ticket() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let id = begin(&app, &owner, "Hello").await;
    let number = owner.make_ticket_of(&[("title", "Stays"), ("conversationId", &id)]).await;
    let path = format!("/conversations/{id}");
    owner.post(&format!("{path}/delete"), &[]).await.expect(303);
    owner.get("/conversations").await.expect_text("action=\"/undo?event=").expect_no_text("Vera");
    owner.get(&path).await.expect(404);
    owner.get("/trash").await.expect_text("Conversation of Vera").expect_text(&format!("action=\"{path}/restore\""));
    let ticket = owner.get(&format!("/tickets/{number}")).await;
    ticket.expect(200).expect_text("no longer exists").expect_text("Stays");
    owner.post(&format!("{path}/restore"), &[]).await.expect(303);
    owner.get(&format!("/tickets/{number}")).await.expect_text("Hello");

    owner.post(&format!("{path}/delete"), &[]).await.expect(303);
    app.wait(std::time::Duration::from_secs(31 * 24 * 3600));
    docket::upkeep::janitor::clear(&app.app).await.unwrap();
    owner.sign_in(&owner.email, crate::support::PASSWORD).await;
    owner.get(&format!("/tickets/{number}")).await.expect(200).expect_text("no longer exists");
}

#[actix_web::test]
async fn long_conversations_open_at_their_end() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let id = begin(&app, &owner, "message number 1.").await;
    let (vera, conversation, now) = (Actor::visitor(owner.id, "Vera Visitor"), id.clone(), app.app.clock.now());
    let fill = move |conn: &mut _| {
        for index in 2..=120 {
            let message = NewMessage::of_visitor(format!("message number {index}."), None, now);
            messages::post(conn, &vera, &conversation, &message)?;
        }
        Ok(())
    };
    app.app.db.write(fill).await.unwrap();
    let page = owner.get(&format!("/conversations/{id}")).await;
    page.expect_text("number 120.").expect_text("number 71.").expect_no_text("number 70.");
    let earlier = owner.get(&format!("/conversations/{id}?before=71")).await;
    earlier.expect_text("number 70.").expect_text("number 21.").expect_no_text("number 71.");
    let first = owner.get(&format!("/conversations/{id}?before=21")).await;
    first.expect_text("number 1.").expect_no_text("Earlier messages");
}

#[actix_web::test]
async fn an_anonymous_visitor_can_be_named() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let id = begin(&app, &owner, "It flickers").await;
    let path = format!("/conversations/{id}/visitor");
    owner.post(&path, &[("visitorName", "Ana"), ("visitorEmail", "no address")]).await.expect(422);
    owner.post(&path, &[("visitorName", "Ana"), ("visitorEmail", "ana@example.com")]).await.expect(303);
    let page = owner.get(&format!("/conversations/{id}")).await;
    page.expect_text("<h1 data-live=\"visitor-name\"><bdi class=\"line\">Ana</bdi></h1>");
    assert_eq!(owner.get("/conversations?q=ana").await.count(".row-link"), 1);
    let form = owner.get(&format!("/tickets/new?conversationId={id}")).await;
    assert_eq!(form.value("title"), "Ana");
    assert_eq!(form.attribute("[data-title]", "data-title"), "It flickers", "the visitor’s words are offered");
    app.owner().await.post(&path, &[]).await.expect(404);
}
