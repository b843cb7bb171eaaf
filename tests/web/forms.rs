//! Forms that are very large, and forms that are sent after the session has ended.

use crate::support::{PASSWORD, TestApp};
use reqwest::Method;

#[actix_web::test]
async fn a_form_of_a_million_fields_gets_a_short_answer() {
    let app = TestApp::start().await;
    app.owner().await;
    let fields = "a&".repeat(1_048_556);
    for path in ["/tickets", "/login", "/setup", "/invitations/none"] {
        let request = app.stranger().request(Method::POST, path).body(fields.clone());
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        let answer = app.stranger().send(request).await;
        answer.expect(413).expect_text("Too large").expect_text("the limit is 1.3 MB");
        assert!(answer.bytes.len() < 16 * 1024, "{path}: {} bytes", answer.bytes.len());
    }
}

#[actix_web::test]
async fn a_form_has_so_many_fields_and_no_more() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let number = owner.make_ticket("Fields").await;
    let stranger = app.stranger();
    for (person, path, most, status) in
        [(&stranger, "/login".to_owned(), 100, 401), (&owner, format!("/tickets/{number}/notes"), 2_000, 422)]
    {
        let fields = vec![("a", "1"); most];
        person.post(&path, &fields).await.expect(status);
        let answer = person.post(&path, &[fields.as_slice(), &[("a", "1")]].concat()).await;
        answer.expect(413).expect_text(&format!("at most {most}"));
    }
}

/// The longest form comes back complete after signing in again.
#[actix_web::test]
async fn the_longest_notes_survive_the_end_of_a_session() {
    let app = TestApp::start().await;
    app.owner().await;
    let notes = "🎉".repeat(100_000);
    let answer = app.stranger().post("/tickets/1/notes", &[("notes", notes.as_str()), ("version", "1")]).await;
    answer.expect(401).expect_text(&notes);
    let twice = "🎉".repeat(120_000);
    app.stranger().post("/tickets/1/notes", &[("notes", twice.as_str())]).await.expect(413);
}

#[actix_web::test]
async fn passwords_are_on_no_page() {
    let app = TestApp::start().await;
    app.owner().await;
    let typed = [("current", "my old secret"), ("password", "my new secret"), ("name", "Ana")];
    for path in ["/profile/password", "/settings/keys", "/settings/team/invitations"] {
        let answer = app.stranger().post(path, &typed).await;
        answer.expect(401).expect_no_text("secret").expect_text("Ana");
    }
}

/// The address of a form, what is sent, and the name of the field that is wrong.
type Refused<'a> = (&'a str, &'a [(&'a str, &'a str)], &'a str);

#[actix_web::test]
async fn a_refused_field_points_to_the_reason() {
    let app = TestApp::start().await;
    let (owner, visitor) = app.shop().await;
    owner.make_form("Contact").await;
    owner.make_ticket("Fields").await;
    visitor.write("Hello").await.expect(201);
    let talk = format!("/conversations/{}", visitor.conversation(&owner).await);
    let form = format!("/settings/forms/{}", owner.get("/settings/forms").await.id_below("/settings/forms/"));
    let chat = format!("/settings/chat/{}", owner.get("/settings/chat").await.id_below("/settings/chat/"));
    let long = "x".repeat(300);
    let (name, bubble) = (("name", "A"), [("name", "A"), ("colour", "#000000"), ("language", "en")]);
    let password = ("current", PASSWORD);
    let cases: [Refused; 21] = [
        ("/tickets", &[("title", " ")], "title"),
        ("/tickets", &[("title", "A"), ("requesterName", &long)], "requesterName"),
        ("/tickets", &[("title", "A"), ("requesterEmail", "nobody")], "requesterEmail"),
        ("/tickets/1/title", &[("title", "")], "title"),
        ("/tickets/1/requester", &[("requesterEmail", "nobody")], "requesterEmail"),
        ("/tickets/1/tags", &[("add", &long)], "add"),
        ("/tickets/1/notes/append", &[("line", "")], "line"),
        (&format!("{talk}/messages"), &[("body", "")], "body"),
        (&format!("{talk}/visitor"), &[("visitorName", &long)], "visitorName"),
        (&format!("{talk}/visitor"), &[("visitorEmail", "nobody")], "visitorEmail"),
        ("/settings", &[("name", ""), ("timeZone", "UTC")], "name"),
        ("/settings", &[name, ("timeZone", "UTC"), ("submissionUrl", "none")], "submissionUrl"),
        ("/settings/forms", &[("name", "")], "name"),
        (&form, &[name, ("allowedOrigins", "none")], "allowedOrigins"),
        (&form, &[name, ("next", "none")], "next"),
        (&chat, &[bubble[0], bubble[1], ("language", "?")], "language"),
        (&chat, &[bubble[0], ("colour", "red"), bubble[2]], "colour"),
        ("/settings/keys", &[name, ("current", "wrong")], "current"),
        ("/settings/team/invitations", &[("email", "nobody"), ("role", "editor")], "email"),
        ("/profile", &[("name", ""), ("timeZone", "UTC")], "name"),
        ("/profile/password", &[password, ("password", "1234567890")], "password"),
    ];
    for (path, fields, wrong) in cases {
        let page = owner.post(path, fields).await;
        page.expect(422);
        assert_eq!(page.attributes("[aria-invalid=true]", "name"), [wrong], "{path} {fields:?}");
        assert_eq!(page.attribute("[aria-invalid=true]", "aria-describedby"), "problem");
        assert_eq!(page.count("#problem"), 1);
    }
}
