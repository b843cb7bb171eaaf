//! People outside the team: one page for everything of an address.

use crate::support::TestApp;

#[actix_web::test]
async fn a_person_is_found_with_everything_of_one_address() {
    let app = TestApp::start_behind_proxy().await;
    let owner = app.owner().await;
    let form = owner.make_form("Contact").await;
    let sent = [("name", "Ána Łuczak"), ("email", "Ana@Example.com"), ("message", "It broke")];
    owner.visit(&form, &sent).await.expect(303);
    let submission = owner.newest_submission().await;
    let number = owner.make_ticket_of(&[("title", "Broken"), ("formSubmissionId", &submission)]).await;
    owner.make_ticket_of(&[("title", "Later"), ("requesterEmail", "ana@example.com")]).await;
    owner.make_ticket_of(&[("title", "Other"), ("requesterName", "Bo"), ("requesterEmail", "bo@other.example")]).await;
    let page = owner.get(&format!("/tickets/{number}")).await;
    let path = format!("/contacts/{}", page.id_below("/contacts/"));
    let page = owner.get(&path).await;
    page.expect(200).expect_text("Broken").expect_text("Later").expect_text("It broke").expect_no_text("Other");
    assert_eq!(page.texts("main h1"), ["Ána Łuczak"]);

    // The beginning of any word, folded; also above the results of a search.
    for q in ["luc", "ana", "example.com ana", "ana luc"] {
        assert_eq!(owner.get(&format!("/contacts?q={q}")).await.texts(".rows a"), ["Ána Łuczak"], "{q}");
    }
    assert_eq!(owner.get("/contacts?q=uczak").await.count(".rows a"), 0);
    assert_eq!(owner.get("/tickets?q=luczak").await.texts("[data-contact]"), ["Ána Łuczak"]);

    // Name and note.
    let note = page.value_of("[name=before]");
    let saved = owner.post(&path, &[("name", "Ana L."), ("note", "Prefers mail"), ("before", &note)]).await;
    saved.expect_redirect(&path);
    owner.get(&path).await.expect_text("Prefers mail").expect_text("Ana L.");
    let late = owner.post(&path, &[("name", "Ana L."), ("note", "Prefers chat"), ("before", "")]).await;
    late.expect(409).expect_text("Prefers chat");
    owner.get("/settings/audit").await.expect_text("changed what is known of Ana@Example.com");
    assert_eq!(owner.get("/contacts?q=luc").await.count(".rows a"), 0, "the old name is gone");
}

#[actix_web::test]
async fn two_people_become_one_and_two_again() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let first = owner.make_ticket_of(&[("title", "From work"), ("requesterEmail", "bo@work.example")]).await;
    let second = owner.make_ticket_of(&[("title", "From home"), ("requesterEmail", "bo@home.example")]).await;
    let of = |number: i64| {
        let owner = owner.clone();
        async move { format!("/contacts/{}", owner.get(&format!("/tickets/{number}")).await.id_below("/contacts/")) }
    };
    let (work, home) = (of(first).await, of(second).await);
    owner.post(&format!("{home}/merge"), &[("into", "nobody@example.com")]).await.expect(422);
    owner.post(&format!("{home}/merge"), &[("into", "bo@home.example")]).await.expect(422);
    let merged = owner.post(&format!("{home}/merge"), &[("into", "BO@work.example")]).await;
    merged.expect_redirect(&work);
    let page = owner.get(&work).await;
    page.expect_text("From work").expect_text("From home");
    owner.get(&home).await.expect_redirect(&work);
    assert_eq!(owner.get("/contacts?q=home").await.attributes(".rows a", "href"), std::slice::from_ref(&work));
    owner.post(&page.attribute(".flash form", "action"), &[]).await.expect_redirect(&home);
    owner.get(&work).await.expect_no_text("From home");
    owner.get(&home).await.expect(200).expect_text("From home");
}
