//! Tests every route with every role, with another account's rows, and from other sites.

use crate::support::{PASSWORD, Person, TestApp, files};
use docket::accounts::role::{Action, Role};
use docket::endpoint::Endpoint;
use docket::gate::Gate;
use docket::routes;
use reqwest::Method;

/// One row of each kind that an address can name.
struct Rows {
    ticket: i64,
    file: String,
    conversation: String,
    submission: String,
    form: String,
    member: i64,
    invitation: String,
    widget: String,
    key: String,
    bulk: String,
    view: String,
    contact: String,
}

impl Rows {
    async fn make(app: &TestApp, owner: &Person) -> Self {
        let ticket = owner.make_ticket("A ticket of this account").await;
        let attached = owner.attach(ticket, &[("a.png", &files::png(1))]).await;
        let file = attached.expect(201).json()["data"][0]["id"].as_str().unwrap().to_owned();
        let form_path = owner.make_form("Contact").await;
        owner.visit(&form_path, &[("name", "Vera Visitor"), ("email", "vera@example.com")]).await.expect(303);
        let form = owner.get("/settings/forms").await.id_below("/settings/forms/");
        let conversation = crate::conversations::begin(app, owner, "Hello there").await;
        let member = app.member(owner, Role::Viewer).await.id;
        let invited =
            owner.post("/settings/team/invitations", &[("email", "new@example.com"), ("role", "viewer")]).await;
        let invitation = invited.expect(201).id_below("/settings/team/invitations/");
        let submission = owner.newest_submission().await;
        let widget = owner.post("/settings/chat", &[("name", "Shop")]).await;
        let widget = widget.expect(303).location().rsplit('/').next().unwrap().to_owned();
        let key = owner.post("/settings/keys", &[("name", "Other program"), ("current", PASSWORD)]).await;
        let key = key.expect(201).id_below("/settings/keys/");
        let fields = [("numbers", ticket.to_string()), ("action", "tag".into()), ("value", "bulk".into())];
        let fields = fields.each_ref().map(|(name, value)| (*name, value.as_str()));
        let bulk = number_in(&flash_of(owner, "/tickets/bulk", &fields).await);
        let view = number_in(&flash_of(owner, "/views", &[("name", "View"), ("query", "tag=bulk")]).await);
        let contact = owner.get(&format!("/submissions/{submission}")).await.id_below("/contacts/");
        Self { bulk, view, contact, ticket, file, conversation, submission, form, member, invitation, widget, key }
    }

    /// The path of a route, with these rows in its variable parts.
    fn fill(&self, path: &str) -> String {
        let id = match path {
            path if path.contains("/attachments/") => self.file.clone(),
            path if path.starts_with("/tickets/bulk") => self.bulk.clone(),
            path if path.starts_with("/contacts") => self.contact.clone(),
            path if path.starts_with("/views") => self.view.clone(),
            path if path.starts_with("/conversations") => self.conversation.clone(),
            path if path.starts_with("/submissions") => self.submission.clone(),
            path if path.starts_with("/settings/forms") => self.form.clone(),
            path if path.starts_with("/settings/chat") => self.widget.clone(),
            path if path.starts_with("/settings/keys") => self.key.clone(),
            path if path.contains("/invitations/") => self.invitation.clone(),
            _ => self.member.to_string(),
        };
        path.replace("{number}", &self.ticket.to_string())
            .replace("{id}", &id)
            .replace("{version}", "1")
            .replace("{name}", "bulk")
    }
}

/// The address of the undo button after a form.
async fn flash_of(person: &Person, path: &str, fields: &[(&str, &str)]) -> String {
    let sent = person.post(path, fields).await;
    person.get(sent.expect(303).location()).await.attribute(".flash form", "action")
}

/// The number in an address.
fn number_in(path: &str) -> String {
    path.split('/').find(|part| part.parse::<i64>().is_ok()).unwrap().to_owned()
}

/// Fields that each form accepts, so that no request is refused because of them.
fn fields(path: &str) -> Vec<(&'static str, &'static str)> {
    match path.rsplit('/').next().unwrap() {
        "tickets" => vec![("title", "A new one"), ("requestId", "r1")],
        "title" => vec![("title", "Another title")],
        "status" if path.starts_with("/conversations") => vec![("status", "closed")],
        "status" => vec![("status", "in_progress")],
        "assignee" => vec![("assignee", "")],
        "tags" => vec![("add", "theme")],
        "notes" => vec![("notes", "text"), ("version", "1")],
        "append" => vec![("line", "a line")],
        "messages" => vec![("body", "a reply")],
        "role" => vec![("role", "viewer")],
        "profile" => vec![("name", "Name"), ("timeZone", "UTC")],
        "password" => vec![("current", "wrong"), ("password", "wrong")],
        "invitations" => vec![("email", "x@example.com"), ("role", "viewer")],
        "presence" => vec![("place", "/tickets/1"), ("doing", "looking")],
        "settings" => vec![("name", "Desk"), ("timeZone", "UTC")],
        _ => vec![("name", "Name"), ("colour", "#000000"), ("language", "en")],
    }
}

async fn ask(person: &Person, line: &Endpoint, path: &str) -> u16 {
    let request = match line.method {
        actix_web::http::Method::GET => person.request(Method::GET, path),
        _ if line.path.ends_with("/attachments") => {
            let number = path.split('/').nth(2).unwrap().parse().unwrap();
            person.upload(number, &[("n.txt", b"text")])
        }
        _ => person.request(Method::POST, path).form(&fields(&line.path)),
    };
    // Only the status, because an event stream has no end.
    request.send().await.unwrap().status().as_u16()
}

fn desk_lines() -> impl Iterator<Item = (Endpoint, Action)> {
    routes::table().into_iter().filter_map(|line| match line.gate {
        Gate::Desk(action) => Some((line, action)),
        _ => None,
    })
}

/// The other tests work only if they can fill in all variable parts.
#[test]
fn the_table_has_no_part_that_these_tests_cannot_fill() {
    for (line, _) in desk_lines() {
        let parts: Vec<&str> = line.path.split('/').filter(|part| part.starts_with('{')).collect();
        assert!(parts.iter().all(|part| ["{number}", "{id}", "{version}", "{name}"].contains(part)), "{}", line.path);
    }
}

#[actix_web::test]
async fn each_role_may_do_what_the_table_says_and_no_more() {
    let app = TestApp::start_behind_proxy().await;
    for role in Role::ALL {
        let owner = app.owner().await;
        let person = if role == Role::Owner { owner.clone() } else { app.member(&owner, role).await };
        let mut refused = 0;
        let mut rows = Rows::make(&app, &owner).await;
        for (line, action) in desk_lines() {
            let path = rows.fill(&line.path);
            let status = ask(&person, &line, &path).await;
            let what = format!("{role:?} {} {path}: {status}", line.method);
            if role.may(action) {
                assert!(!matches!(status, 401 | 403 | 405 | 500..), "{what}");
            } else {
                assert_eq!(status, 403, "{what}");
                refused += 1;
            }
            if role.may(action) && line.method == "POST" {
                // It may have deleted the old ones.
                rows = Rows::make(&app, &owner).await;
            }
        }
        assert_eq!(refused > 0, role != Role::Owner);
    }
}

#[actix_web::test]
async fn rows_of_another_account_are_not_there() {
    let app = TestApp::start().await;
    let (owner, neighbour) = (app.owner().await, app.owner().await);
    // The neighbour has no tickets, so every number belongs to the owner.
    let rows = Rows::make(&app, &owner).await;
    let mut walked = 0;
    for (line, _) in desk_lines().filter(|(line, _)| line.path.contains('{')) {
        let path = rows.fill(&line.path);
        let status = ask(&neighbour, &line, &path).await;
        assert_eq!(status, 404, "{} {path}", line.method);
        walked += 1;
    }
    assert!(walked > 20, "{walked}");
    // None of these requests has changed the owner's rows.
    owner.get(&format!("/tickets/{}", rows.ticket)).await.expect(200).expect_text("A ticket of this account");
    for list in [
        "/tickets?status=all",
        "/conversations",
        "/submissions",
        "/trash",
        "/settings/forms",
        "/settings/chat",
        "/settings/keys",
    ] {
        let page = neighbour.get(list).await;
        page.expect(200)
            .expect_no_text("A ticket of this account")
            .expect_no_text("Vera")
            .expect_no_text("Hello there");
    }
}

#[actix_web::test]
async fn nobody_comes_in_without_signing_in() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let rows = Rows::make(&app, &owner).await;
    let stranger = app.stranger();
    for (line, _) in desk_lines() {
        let path = rows.fill(&line.path);
        let status = ask(&stranger, &line, &path).await;
        let expected = if line.method == "GET" { 303 } else { 401 };
        assert_eq!(status, expected, "{} {path}", line.method);
        let method = Method::from_bytes(line.method.as_str().as_bytes()).unwrap();
        let request = stranger.request(method, &path).header("accept", "application/json");
        let answer = stranger.send(request).await;
        assert_eq!(answer.expect(401).json()["error"]["code"], "unauthorized");
    }
    let answer = stranger.get("/tickets?q=a%20b&status=all").await;
    answer.expect_redirect("/login?next=%2Ftickets%3Fq%3Da%2520b%26status%3Dall");
}

#[actix_web::test]
async fn other_sites_cannot_change_anything() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let rows = Rows::make(&app, &owner).await;
    let foreign: [&[(&str, &str)]; 5] = [
        &[("sec-fetch-site", "cross-site")],
        &[("sec-fetch-site", "same-site")],
        &[("origin", "https://evil.example")],
        &[("origin", "null")],
        &[("origin", "http://127.0.0.1")],
    ];
    let lines = routes::table()
        .into_iter()
        .filter(|line| line.method == "POST" && ![Gate::Public, Gate::Api].contains(&line.gate));
    let mut walked = 0;
    for line in lines {
        let path = rows.fill(&line.path).replace("{token}", "x");
        for headers in foreign {
            let mut request = owner.client.post(format!("{}{path}", owner.base)).form(&fields(&line.path));
            for (name, value) in headers {
                request = request.header(*name, *value);
            }
            assert_eq!(owner.send(request).await.status, 403, "{path} {headers:?}");
        }
        walked += 1;
    }
    assert!(walked > 25, "{walked}");
    // Over plain http on a LAN, browsers send no Sec-Fetch-Site, so only the origin counts.
    let request = owner.client.post(format!("{}/tickets", owner.base)).form(&fields("/tickets"));
    owner.send(request.header("origin", &owner.base)).await.expect(303);
}

#[actix_web::test]
async fn a_wrong_method_is_told_from_a_wrong_address() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    owner.send(owner.request(Method::DELETE, "/tickets")).await.expect(405);
    owner.send(owner.request(Method::TRACE, "/tickets")).await.expect(405);
    owner.get("/nothing/here").await.expect(404).expect_text("Not found");
    owner.get("/tickets/nonsense").await.expect(404);
    let head = owner.send(owner.request(Method::HEAD, "/tickets")).await;
    assert!(head.expect(200).body.is_empty());
}
