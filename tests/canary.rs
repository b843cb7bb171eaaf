//! Internal data never leaves the desk: responses to visitors, the bubble and public
//! addresses do not contain it, nor do mails to visitors.

use crate::support::smtp::{MailServer, decode, link};
use crate::support::{Answer, TestApp, files, unique};
use crate::upkeep::notices::with_mail;
use docket::gate::Gate;
use docket::routes;
use reqwest::Method;
use serde_json::json;
use std::time::Duration;

/// A word in everything that only agents write.
const CANARY: &str = "canary7f3a";

#[actix_web::test]
async fn what_is_internal_never_comes_out() {
    let server = MailServer::start();
    let app = TestApp::start_with(with_mail(&server)).await;
    let (owner, vera) = app.shop().await;
    app.run_jobs().await;
    let mut said = Vec::new();
    let mut hear = |answer: &Answer| said.push(format!("{:?}\n{}", answer.headers, answer.body));

    // A visitor writes and sends a form. Both become tickets full of canaries.
    let message = json!({ "id": unique("message"), "body": "Hello", "name": "Vera", "email": "vera@example.com" });
    hear(vera.send(vera.request(Method::POST, "/messages").json(&message)).await.expect(201));
    let mut bubble = vera.events(0).await;
    let form = owner.make_form("Contact").await;
    hear(owner.visit(&form, &[("name", "Vera"), ("email", "vera@example.com")]).await.expect(303));
    let chat = vera.conversation(&owner).await;
    let submission = owner.newest_submission().await;
    for source in [("conversationId", chat.as_str()), ("formSubmissionId", submission.as_str())] {
        let title = format!("Title {CANARY}");
        let notes = format!("Notes {CANARY}");
        let number = owner.make_ticket_of(&[("title", &title), ("notes", &notes), ("keepCopy", "1"), source]).await;
        let path = format!("/tickets/{number}");
        owner.post(&format!("{path}/notes/append"), &[("line", CANARY)]).await.expect(303);
        owner.post(&format!("{path}/tags"), &[("add", CANARY)]).await.expect(303);
        owner.attach(number, &[(&format!("{CANARY}.png"), &files::png(1))]).await.expect(201);
        owner.post(&format!("{path}/assignee"), &[("assignee", &owner.id.to_string())]).await.expect(303);
        assert!(owner.get(&path).await.body.matches(CANARY).count() > 5, "the desk itself shows them");
        owner.set_status(number, "closed").await.expect(303);
    }
    owner.post("/live/presence", &[("place", &format!("/tickets/{CANARY}")), ("doing", "editing")]).await.expect(200);
    owner.post(&format!("/conversations/{chat}/messages"), &[("body", "Hi")]).await.expect(303);
    owner.post("/settings/email", &[("mailsReplies", "1"), ("replyMinutes", "1")]).await.expect(303);
    owner.post(&format!("/submissions/{submission}/messages"), &[("body", "Hi by mail")]).await.expect(303);
    // Everything that the visitor can request, and everything in the event stream.
    let file = reqwest::multipart::Part::bytes(b"manual".to_vec()).file_name("manual.txt");
    let reply = reqwest::multipart::Form::new().text("body", "See the manual").part("files", file);
    owner
        .send(owner.request(Method::POST, &format!("/conversations/{chat}/messages")).multipart(reply))
        .await
        .expect(303);
    owner.post(&format!("/conversations/{chat}/status"), &[("status", "closed")]).await.expect(303);

    hear(&vera.write("Once more").await);
    let history = vera.send(vera.request(Method::GET, "/messages")).await.json();
    let files = history["messages"].as_array().unwrap().iter().flat_map(|line| line["files"].as_array().unwrap());
    let ids: Vec<String> = files.map(|file| file["id"].as_str().unwrap().to_owned()).collect();
    assert_eq!(ids.len(), 1, "{history}");
    hear(vera.send(vera.request(Method::GET, &format!("/files/{}", ids[0]))).await.expect(200));
    for path in ["/config", "/messages", "/messages?after=0", "/messages?before=9", "/nothing"] {
        hear(&vera.send(vera.request(Method::GET, path)).await);
    }
    while bubble.until("message").await["body"] != "Once more" {}
    owner.post(&format!("/conversations/{chat}/status"), &[("status", "closed")]).await.expect(303);
    while bubble.until("status").await["status"] != "closed" {}
    said.push(bubble.raw.clone());
    let stranger = app.stranger();
    let mut walked = 0;
    for line in routes::table().into_iter().filter(|line| matches!(line.gate, Gate::Public | Gate::Door)) {
        let form_key = form.trim_start_matches("/f/");
        let path = line.path.replace("{form_key}", form_key).replace("{widget_key}", &vera.key).replace("{token}", "x");
        let method = Method::from_bytes(line.method.as_str().as_bytes()).unwrap();
        for accept in ["text/html", "application/json"] {
            let request = stranger.request(method.clone(), &path).header("accept", accept).json(&json!({ "a": "b" }));
            let answer = stranger.send(request).await;
            said.push(format!("{:?}\n{}", answer.headers, answer.body));
        }
        walked += 1;
    }
    assert!(walked > 15, "{walked}");
    for path in ["/tickets/1", "/api/v1/tickets", &format!("/conversations/{chat}"), "/nothing"] {
        let answer = stranger.get(path).await;
        said.push(format!("{:?}\n{}", answer.headers, answer.body));
    }

    // Mails to visitors, and the page that these link to.
    app.wait(Duration::from_secs(361));
    app.run_jobs().await;
    let (to_team, to_visitors): (Vec<String>, Vec<String>) =
        server.take().into_iter().partition(|mail| mail.contains(&format!("X-RcptTo: {}", owner.email)));
    assert!(!to_team.is_empty() && !to_visitors.is_empty());
    for mail in &to_visitors {
        let mail = decode(mail);
        assert!(mail.contains("Hi by mail") && mail.contains("X-RcptTo: vera@example.com"), "{mail}");
        for path in [link(&mail), format!("{}/stop", link(&mail))] {
            let answer = stranger.get(&path).await;
            said.push(format!("{:?}\n{}", answer.headers, answer.expect(200).body));
        }
        said.push(mail);
    }

    for text in said {
        assert!(!text.to_lowercase().contains(CANARY), "{text}");
        assert!(!text.contains(&owner.email), "an agent’s address is nobody else’s business: {text}");
    }
}
