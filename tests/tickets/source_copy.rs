//! A kept copy of the source.

use crate::conversations::answers::{hand_over, mail, with_answers};
use crate::conversations::begin;
use crate::conversations::mails::{Desk, only};
use crate::support::smtp::MailServer;
use crate::support::{Person, TestApp};
use crate::upkeep::check::check;
use docket::tickets::search;
use docket::upkeep::janitor;
use std::time::Duration;

const DAY: Duration = Duration::from_secs(24 * 3600);

async fn is_sound(app: &TestApp) {
    assert_eq!(check(app, false).await.1, Vec::<String>::new());
}

async fn create(owner: &Person, fields: &[(&str, &str)]) -> String {
    let made = owner.post("/tickets", fields).await;
    made.expect(303).location().to_owned()
}

#[actix_web::test]
async fn a_copy_is_shown_and_found_when_the_conversation_is_gone() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let id = begin(&app, &owner, "The zebra lamp flickers").await;
    owner.post(&format!("/conversations/{id}/messages"), &[("body", "We send a heliotrope one")]).await.expect(303);
    let form = owner.get(&format!("/tickets/new?conversationId={id}")).await;
    assert_eq!(form.count("[name=keepCopy]:not([checked])"), 1, "nothing is kept that nobody asked for");
    let with =
        create(&owner, &[("title", "With"), ("conversationId", &id), ("asksCopy", "1"), ("keepCopy", "1")]).await;
    let form = owner.get(&format!("/tickets/new?conversationId={id}")).await;
    assert_eq!(form.count("[name=keepCopy][checked]"), 1, "the choice is remembered");
    let fields = [("title", "Without"), ("conversationId", id.as_str()), ("asksCopy", "1"), ("another", "1")];
    let without = create(&owner, &fields).await;
    assert_eq!(owner.get("/tickets/new?conversationId=chat-elsewhere").await.count("[name=keepCopy]"), 0);
    owner.post(&format!("/conversations/{id}/messages"), &[("body", "A later ostrich")]).await.expect(303);
    assert_eq!(owner.list("q=zebra").await, [2, 1]);
    is_sound(&app).await;

    owner.post(&format!("/conversations/{id}/delete"), &[]).await.expect(303);
    let page = owner.get(&with).await;
    page.expect_text("no longer exists").expect_text("The zebra lamp flickers").expect_text("We send a heliotrope one");
    page.expect_text("A copy was kept").expect_text("shop.example/lamps").expect_text("Sweden (SE)");
    page.expect_no_text("ostrich");
    owner.get(&without).await.expect_text("no longer exists").expect_no_text("zebra");
    for words in ["zebra", "heliotrope", "%22zebra+lamp%22"] {
        assert_eq!(owner.list(&format!("q={words}")).await, [1], "{words}");
    }
    assert_eq!(owner.list("q=ostrich").await, Vec::<i64>::new());
    owner.get("/tickets?q=heliotrope").await.expect_text("<mark>heliotrope</mark>");
    is_sound(&app).await;

    // It outlives the source, a change of the notes and an index that is built again.
    owner.write_notes(1, 1, "New notes").await.expect(303);
    app.wait(DAY * 32);
    janitor::clear(&app.app).await.unwrap();
    app.app.db.write(|conn| search::index_after(conn, 0, 100).map(drop)).await.unwrap();
    owner.sign_in(&owner.email, crate::support::PASSWORD).await;
    assert_eq!(owner.list("q=zebra").await, [1]);
    owner.get(&with).await.expect_text("The zebra lamp flickers");
    app.owner().await.get(&with).await.expect(404);
    is_sound(&app).await;

    // It goes with the ticket.
    owner.post("/tickets/1/delete", &[]).await.expect(303);
    assert_eq!(owner.list("q=zebra").await, Vec::<i64>::new());
    app.wait(DAY * 32);
    janitor::clear(&app.app).await.unwrap();
    is_sound(&app).await;
}

#[actix_web::test]
async fn a_copy_says_who_wrote_and_finds_the_end_of_long_texts() {
    let server = MailServer::start();
    let desk = Desk::on(TestApp::start_with(with_answers(&server)).await).await;
    desk.reply("It left yesterday.").await;
    desk.after(11).await;
    let sent = only(&server);
    let reply_to = sent.lines().find_map(|line| line.strip_prefix("Reply-To: ")).unwrap();
    hand_over(&desk.app, &mail("Max <max@work.example>", reply_to, "", "I am her boss.")).await.expect(204);
    // Behind the rows that the index has for one text.
    let filler = "\u{65e5}\u{672c}";
    let long = format!("{}\u{6975}\u{6771}{}", filler.repeat(3_225), filler.repeat(1_600));
    hand_over(&desk.app, &mail("vera@visitor.example", reply_to, "Content-Type: text/plain; charset=utf-8\r\n", &long))
        .await
        .expect(204);
    hand_over(&desk.app, &mail("vera@visitor.example", reply_to, "", "A last okapi")).await.expect(204);
    let id = desk.talk.rsplit('/').next().unwrap();
    let path = create(&desk.owner, &[("title", "T"), ("conversationId", id), ("keepCopy", "1")]).await;
    desk.owner.post(&format!("{}/delete", desk.talk), &[]).await.expect(303);
    desk.owner.get(&path).await.expect_text("<bdi>max@work.example</bdi>").expect_text("I am her boss.");
    for words in ["okapi", "%E6%A5%B5%E6%9D%B1"] {
        assert_eq!(desk.owner.list(&format!("q={words}")).await, [1], "{words}");
    }
    is_sound(&desk.app).await;
}

#[actix_web::test]
async fn a_restored_source_is_shown_instead_of_its_copy() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let form = owner.make_form("Contact").await;
    let fields = [("name", "Vera"), ("message", "The quagga lamp is broken")];
    app.stranger().visit(&form, &fields).await.expect(303);
    let id = owner.newest_submission().await;
    let path = create(&owner, &[("title", "T"), ("formSubmissionId", &id), ("keepCopy", "1")]).await;
    owner.post(&format!("/submissions/{id}/delete"), &[]).await.expect(303);
    owner.get(&path).await.expect_text("A copy was kept").expect_text("The quagga lamp is broken");
    owner.get("/tickets?q=quagga").await.expect_text("<mark>quagga</mark>");
    owner.post(&format!("/submissions/{id}/restore"), &[]).await.expect(303);
    owner.get(&path).await.expect_text("The quagga lamp is broken").expect_no_text("A copy was kept");
    assert_eq!(owner.list("q=quagga").await, [1], "found once");
    is_sound(&app).await;
}
