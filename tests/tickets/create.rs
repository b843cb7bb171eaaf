//! The form for a new ticket.

use crate::support::{Answer, Person, TestApp};

/// Submits the form for a new ticket unchanged and returns the ticket's page.
async fn create_as_proposed(owner: &Person, page: &Answer) -> Answer {
    let names = ["requestId", "formSubmissionId", "title", "requesterName", "requesterEmail", "notes"];
    let fields: Vec<(&str, String)> = names.into_iter().map(|name| (name, page.value(name))).collect();
    let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let made = owner.post("/tickets", &fields).await;
    owner.get(made.expect(303).location()).await
}

#[actix_web::test]
async fn what_a_page_proposes_can_be_sent_as_it_is() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let (title, name, email) = ("t".repeat(5_000), "n".repeat(500), format!("{}@b.example", "e".repeat(300)));
    let address = format!("/tickets/new?title={title}&requesterName={name}&requesterEmail={email}");
    let ticket = create_as_proposed(&owner, owner.get(&address).await.expect(200)).await;
    ticket.expect(200).expect_text(&format!(">\n{}…</textarea></h1>", "t".repeat(199)));
    for cut in [&title, &name, &email] {
        ticket.expect_text(cut);
    }

    let form = owner.make_form("Contact").await;
    let (first, last, other) = ("f".repeat(500), "l".repeat(500), "x".repeat(500));
    let fields = [("firstName", first.as_str()), ("lastName", &last), ("email", &email), (&other, "value")];
    app.stranger().post(&form, &fields).await.expect(303);
    let address = format!("/tickets/new?formSubmissionId={}", owner.newest_submission().await);
    let ticket = create_as_proposed(&owner, owner.get(&address).await.expect(200)).await;
    for whole in [&first, &last, &email, &other] {
        ticket.expect(200).expect_text(whole);
    }
}

#[actix_web::test]
async fn titles_are_counted_in_whole_characters_and_never_cut() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let number = owner.make_ticket(&"🎉".repeat(200)).await;
    let page = format!("/tickets/{number}");
    let rename = async |title: &str| owner.post(&format!("{page}/title"), &[("title", title)]).await;
    rename(&"👍".repeat(200)).await.expect(303);
    rename(&"👍".repeat(201)).await.expect(422).expect_text(&"👍".repeat(201));
    for path in ["/tickets/new", page.as_str()] {
        owner.get(path).await.expect_text("data-max=\"200\"").expect_no_text("maxlength");
    }
}
