//! Searching tickets, above all closed ones.

use crate::support::TestApp;

#[actix_web::test]
async fn closed_tickets_are_found_by_all_their_words() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let number = owner
        .make_ticket_of(&[
            ("title", "Größenwahn im Café"),
            ("notes", "Ask the carrier about parcel ZX-81."),
            ("requesterName", "Zoë Müller"),
            ("requesterEmail", "zoe.mueller@mail.example"),
            ("conversationId", "clx1abc2d0001"),
        ])
        .await;
    owner.post(&format!("/tickets/{number}/tags"), &[("add", "feature request")]).await;
    owner.attach(number, &[("Quittung März.txt", b"x")]).await.expect(201);
    owner.make_ticket("Something else").await;
    owner.set_status(number, "closed").await.expect(303);
    for query in [
        "größenwahn",
        "GROSSENWAHN cafe",
        "cafe%20carrier",
        "carr",
        "zoe",
        "mueller@mail.example",
        "%22feature request%22",
        "quittung marz",
        "clx1abc2d0001",
        "ZX-81",
        "zx81x OR",
    ] {
        let found = owner.list(&format!("q={query}")).await;
        let expected: &[i64] = if ["GROSSENWAHN cafe", "zx81x OR"].contains(&query) { &[] } else { &[number] };
        assert_eq!(found, expected, "{query}");
    }
    owner.get("/tickets?q=cafe").await.expect_text("Results for “<bdi>cafe</bdi>”").expect_text("Closed");
    assert!(owner.list("q=cafe&status=open").await.is_empty());
    assert!(owner.list("q=%22carrier ask%22").await.is_empty(), "a phrase keeps its order");
    assert_eq!(owner.list("q=%22ask the carrier%22").await, [number]);
}

#[actix_web::test]
async fn anything_typed_is_words_and_never_an_error() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let number = owner.make_ticket("plain words 東京タワー").await;
    for query in ["%22", "*", "words AND", "NEAR(", "a:b", "(words", "'--", "%22words", "%C2%AD", "\\", "words:*"] {
        owner.get(&format!("/tickets?q={query}")).await.expect(200);
    }
    assert_eq!(owner.list("q=%22words").await, [number]);
    assert_eq!(owner.list("q=東京").await, [number]);
    assert_eq!(owner.list("q=タワー").await, [number]);
    assert!(owner.list("q=%2B%2B").await.is_empty(), "nothing but marks finds nothing");
}

#[actix_web::test]
async fn what_changes_is_found_as_it_is_now() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let number = owner.make_ticket("before").await;
    owner.post(&format!("/tickets/{number}/title"), &[("title", "after")]).await.expect(303);
    owner.write_notes(number, 1, "first").await.expect(303);
    owner.write_notes(number, 2, "second").await.expect(303);
    owner.post(&format!("/tickets/{number}/tags"), &[("add", "theme")]).await.expect(303);
    owner.post(&format!("/tickets/{number}/tags"), &[("remove", "theme")]).await.expect(303);
    for (query, found) in [("before", false), ("after", true), ("first", false), ("second", true), ("theme", false)] {
        assert_eq!(!owner.list(&format!("q={query}")).await.is_empty(), found, "{query}");
    }
}

#[actix_web::test]
async fn the_words_of_others_are_not_found() {
    let app = TestApp::start().await;
    let (owner, neighbour) = (app.owner().await, app.owner().await);
    owner.make_ticket("secret plan").await;
    assert!(neighbour.list("q=secret").await.is_empty());
    assert!(neighbour.list(&format!("q={}xsecret", owner.id)).await.is_empty());
    assert!(neighbour.list("q=se&status=all").await.is_empty());
}

/// Both engines cut off at the same term, so they find the same tickets.
#[actix_web::test]
async fn very_long_notes_are_found_up_to_the_cap() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let notes: String = (0..20_000).map(|index| format!("w{index} ")).take(14_000).collect();
    let number = owner.make_ticket_of(&[("title", "Long"), ("notes", &notes)]).await;
    assert_eq!(owner.list("q=w13999").await, [number]);
    assert_eq!(owner.list("q=%22w13998 w13999%22").await, [number]);
    let short: String = "a ".repeat(49_990) + "last";
    let number = owner.make_ticket_of(&[("title", "Capped"), ("notes", &short)]).await;
    assert_eq!(owner.list("q=capped").await, [number]);
    assert!(owner.list("q=last").await.is_empty(), "beyond the cap on either engine");
}
