//! Tags that look alike.

use crate::support::TestApp;
use form_urlencoded::byte_serialize;

#[actix_web::test]
async fn tags_that_look_alike_are_one() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let groups: [&[&str]; 4] = [
        &["Köln", "Ko\u{308}ln", "Kö\u{200b}ln"],
        &["\u{fb01}n", "fin", "FIN"],
        &["İstanbul", "istanbul"],
        &["#1", "1"],
    ];
    for spellings in groups {
        let mut numbers = Vec::new();
        for &tag in spellings {
            let number = owner.make_ticket("Tagged").await;
            owner.post(&format!("/tickets/{number}/tags"), &[("add", tag)]).await.expect(303);
            numbers.push(number);
        }
        for &tag in spellings {
            let asked: String = byte_serialize(tag.as_bytes()).collect();
            let mut found = owner.list(&format!("tag={asked}")).await;
            found.sort_unstable();
            assert_eq!(found, numbers, "{tag}");
        }
    }
}

#[actix_web::test]
async fn a_tag_is_found_and_removed_by_the_name_that_it_shows() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let number = owner.make_ticket("Tagged").await;
    let (page, path) = (format!("/tickets/{number}"), format!("/tickets/{number}/tags"));
    for typed in ["#1", "# 2", "# #3", "#\u{a0}#\u{200b}#4"] {
        owner.post(&path, &[("add", typed)]).await.expect(303);
        let shown = owner.get(&page).await.value("remove");
        let asked: String = byte_serialize(shown.as_bytes()).collect();
        assert_eq!(owner.list(&format!("tag={asked}")).await, [number], "{typed} became {shown}");
        owner.post(&path, &[("remove", shown.as_str())]).await.expect(303);
        owner.get(&page).await.expect_no_text("name=\"remove\"");
    }
}
