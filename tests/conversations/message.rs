//! Message ids and links in messages.

use crate::support::TestApp;
use crate::support::program::Program;
use serde_json::json;

#[actix_web::test]
async fn nobody_takes_the_place_of_anothers_message_by_its_id() {
    let app = TestApp::start_behind_proxy().await;
    let (owner, vera) = app.shop().await;
    vera.write_as("message-1", "By the visitor").await.expect(201);
    let (program, id) = (Program::of(&app, &owner).await, vera.conversation(&owner).await);
    let path = format!("/conversations/{id}/messages");
    for (message, body) in [("message-1", "First reply"), ("message-2", "Second reply")] {
        let reply = json!({ "id": message, "from": "agent", "body": body });
        assert_eq!(program.post(&path, &reply).await.expect(201).json()["body"], body);
        program.post(&path, &reply).await.expect(200);
    }
    vera.write_as("message-2", "By the visitor, too").await.expect(201);
    vera.write_as("message-2", "By the visitor, too").await.expect(200);
    assert_eq!(vera.history("").await, ["By the visitor", "First reply", "Second reply", "By the visitor, too"]);
}

#[actix_web::test]
async fn links_in_messages_end_where_they_do_for_the_visitor() {
    let app = TestApp::start_behind_proxy().await;
    let (owner, vera) = app.shop().await;
    let cases = [
        ("(see https://en.example/b_(c)).", "https://en.example/b_(c)"),
        ("链接https://a.example/y。", "https://a.example/y"),
        ("https://a.example/n、次", "https://a.example/n"),
        ("「https://a.example/q」", "https://a.example/q"),
        ("https://a.example/z！", "https://a.example/z"),
        ("[x](https://a.example/k)", "https://a.example/k"),
        ("HTTPS://A.EXAMPLE", "HTTPS://A.EXAMPLE"),
    ];
    for (text, _) in cases {
        vera.write(text).await.expect(201);
    }
    let page = owner.get(&format!("/conversations/{}", vera.conversation(&owner).await)).await;
    for (_, link) in cases {
        let rel = "rel=\"noopener noreferrer nofollow\" target=\"_blank\"";
        page.expect_text(&format!("<a href=\"{link}\" {rel}>{link}</a>"));
    }
}
