//! Links below a base path.

use crate::accounts::OPEN;
use crate::support::{PASSWORD, TestApp};

#[actix_web::test]
async fn everything_also_lives_below_a_base_path() {
    let app =
        TestApp::start_with(|config| config.public_url = Some("http://desk.example/support/".parse().unwrap())).await;
    let ana = app.stranger();
    let path = app.setup_path.clone().unwrap();
    assert!(path.starts_with("/support/setup?token="), "{path}");
    ana.post(&path, &OPEN).await.expect_redirect("/support/tickets");
    ana.get("/tickets").await.expect(404);
    ana.get("/support").await.expect_redirect("/support/");
    let page = ana.get("/support/tickets").await;
    page.expect(200)
        .expect_text("href=\"/support/tickets?status=open\" aria-current=\"page\"")
        .expect_no_text("href=\"/tickets");
    let made = ana.post("/support/tickets", &[("title", "Based"), ("requestId", "r")]).await;
    made.expect_redirect("/support/tickets/1");
    ana.get("/support/tickets/1").await.expect(200).expect_text("action=\"/support/tickets/1/notes\"");
    ana.get(&page.attribute("link[rel=stylesheet]", "href")).await.expect(200);

    ana.post("/support/logout", &[]).await.expect_redirect("/support/login");
    ana.get("/support/tickets/1").await.expect_redirect("/support/login?next=%2Ftickets%2F1");
    let refused = ana.post("/support/tickets/1/notes", &[("notes", "typed"), ("version", "1")]).await;
    refused.expect(401).expect_text("name=\"keptPath\" value=\"/tickets/1/notes\"").expect_text("value=\"/tickets/1\"");
    let kept = [
        ("email", "ana@example.com"),
        ("password", PASSWORD),
        ("keptPath", "/tickets/1/notes"),
        ("kept.notes", "typed"),
    ];
    ana.post("/support/login", &kept).await.expect(200).expect_text("action=\"/support/tickets/1/notes\"");
}
