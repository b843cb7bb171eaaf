//! Selecting tickets in a list, and suggestions in the search field.

use crate::browser::desk::desk_at;
use crate::support::browser::keys;

const PICKED: &str = "return document.querySelector('.bulk-count').textContent";
const BAR: &str = "return getComputedStyle(document.querySelector('.bulk')).display";

#[actix_web::test]
async fn browser_tickets_are_selected_by_key_and_by_range_and_changed_at_once() {
    let (app, owner, browser) = desk_at("/tickets").await;
    for number in 1..=6 {
        owner.make_ticket(&format!("Ticket {number}")).await;
    }
    browser.goto(&format!("{}/tickets", app.base)).await;
    assert_eq!(browser.run(BAR, vec![]).await, "none", "nothing is selected");
    browser.press('j').await;
    browser.press('x').await;
    assert_eq!(browser.run(PICKED, vec![]).await, "1 selected");
    browser.press('j').await;
    browser.press('x').await;
    assert_eq!(browser.run(PICKED, vec![]).await, "2 selected");
    assert_ne!(browser.run(BAR, vec![]).await, "none");
    // From the last one that was ticked to the fifth row.
    let script = "const box = document.querySelectorAll('[name=numbers]')[4];
        box.dispatchEvent(new MouseEvent('click', { bubbles: true, cancelable: true, shiftKey: true }))";
    browser.run(script, vec![]).await;
    assert_eq!(browser.run(PICKED, vec![]).await, "5 selected");
    browser.click(".bulk [value=status]").await;
    browser.see("5 tickets closed.").await;
    assert_eq!(owner.list("status=open").await, [1]);
    browser.click(".flash button").await;
    browser.see("Undone for 5 tickets.").await;
    assert_eq!(owner.list("status=open").await.len(), 6);
}

#[actix_web::test]
async fn browser_the_search_field_suggests_operators_and_values() {
    let (app, owner, browser) = desk_at("/tickets").await;
    let number = owner.make_ticket("Lamp").await;
    owner.post(&format!("/tickets/{number}/tags"), &[("add", "big order")]).await.expect(303);
    owner.make_ticket("Chair").await;
    browser.goto(&format!("{}/tickets", app.base)).await;
    let suggested = |text: &str| {
        format!(
            "return [...document.querySelectorAll('.suggestions li bdi')].some((one) => one.textContent === '{text}')"
        )
    };
    let value = "return document.querySelector('.search input').value";
    browser.fill(".search input", "lamp -ta").await;
    browser.until("the operator", &suggested("-tag:")).await;
    browser.press(keys::DOWN).await;
    browser.press(keys::ENTER).await;
    assert_eq!(browser.run(value, vec![]).await, "lamp -tag:");
    browser.until("the tag", &suggested("-tag:\"big order\"")).await;
    browser.press(keys::DOWN).await;
    browser.press(keys::ENTER).await;
    assert_eq!(browser.run(value, vec![]).await, "lamp -tag:\"big order\" ");
    browser.fill(".search input", "tag:big").await;
    browser.until("the tag alone", &suggested("tag:\"big order\"")).await;
    browser.press(keys::DOWN).await;
    browser.press(keys::ENTER).await;
    browser.until("no suggestion", "return document.querySelector('.suggestions').hidden").await;
    browser.press(keys::ENTER).await;
    browser.see("Results for").await;
    assert_eq!(browser.run("return document.querySelectorAll('[data-rows] li').length", vec![]).await, 1);
}
