//! What colleagues do appears on open pages, and nothing that the user does is disturbed.

use crate::browser::desk::{desk_at, sign_in};
use crate::support::browser::Browser;
use crate::support::{Person, TestApp, files};
use docket::accounts::role::Role;
use docket::live::event::Topic;
use serde_json::json;
use std::time::{Duration, Instant};

/// A colleague, once the browser of the owner receives events.
async fn colleague(app: &TestApp, owner: &Person) -> Person {
    let editor = app.member(owner, Role::Editor).await;
    while app.app.live.subscribers(Topic::Account(owner.id)) == 0 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    editor
}

#[actix_web::test]
async fn browser_an_open_ticket_shows_what_a_colleague_changes() {
    let (app, owner, browser) = desk_at("/tickets").await;
    let number = owner.make_ticket("Lamp flickers").await;
    owner.write_notes(number, 1, &"Line\n".repeat(200)).await.expect(303);
    browser.goto(&format!("{}/tickets/{number}", app.base)).await;
    let editor = colleague(&app, &owner).await;
    // The user is typing, far down the page.
    browser
        .run("const line = document.querySelector('[name=line]'); line.focus(); line.scrollIntoView()", vec![])
        .await;
    browser.fill("[name=line]", "Half a sent").await;
    let place = browser
        .run("return Math.round(document.querySelector('[name=line]').getBoundingClientRect().top)", vec![])
        .await;

    editor.set_status(number, "in_progress").await.expect(303);
    browser.until("status", "return document.querySelector('.status-choice').dataset.status === 'in_progress'").await;
    let said = "return /changed the status from “New” to “In progress”/.test(document.querySelector('[data-changes]').textContent)";
    browser.until("the line that says who", said).await;
    browser.until("select", "return document.querySelector('[name=status]').value === 'in_progress'").await;
    browser.until("from", "return document.querySelector('[name=from]').value === 'in_progress'").await;
    editor.post(&format!("/tickets/{number}/tags"), &[("add", "urgent")]).await.expect(303);
    browser.until("tag", "return document.querySelector('.tags').textContent.includes('urgent')").await;
    editor.attach(number, &[("lamp.png", &files::png(1))]).await.expect(201);
    browser.until("file", "return !!document.querySelector('[data-name=\"lamp.png\"]')").await;
    editor.post(&format!("/tickets/{number}/title"), &[("title", "The lamp flickers")]).await.expect(303);
    browser.until("title", "return document.querySelector('[name=title]').value === 'The lamp flickers'").await;
    editor.write_notes(number, 2, &"Other\n".repeat(200)).await.expect(303);
    browser.until("notes", "return document.querySelector('.prose').textContent.startsWith('Other')").await;
    browser.until("version", "return document.querySelector('[name=version]').value === '3'").await;

    let now = "const line = document.querySelector('[name=line]');
        return [line.value, document.activeElement === line, Math.round(line.getBoundingClientRect().top)]";
    assert_eq!(browser.run(now, vec![]).await, json!(["Half a sent", true, place]));
    browser.stop().await;
}

#[actix_web::test]
async fn browser_fields_that_the_user_has_changed_stay() {
    let (app, owner, browser) = desk_at("/tickets").await;
    let number = owner.make_ticket("Lamp flickers").await;
    browser.goto(&format!("{}/tickets/{number}", app.base)).await;
    let editor = colleague(&app, &owner).await;
    browser.fill("[name=title]", "My title").await;
    browser.run("document.querySelector('[name=title]').blur()", vec![]).await;
    editor.post(&format!("/tickets/{number}/title"), &[("title", "Their title")]).await.expect(303);
    browser.until("history", "return document.querySelector('.events').textContent.includes('Their title')").await;
    assert_eq!(browser.run("return document.querySelector('[name=title]').value", vec![]).await, "My title");
    browser.stop().await;
}

#[actix_web::test]
async fn browser_the_list_follows_colleagues_without_moving() {
    let (app, owner, browser) = desk_at("/tickets").await;
    for title in ["One", "Two", "Three"] {
        owner.make_ticket(title).await;
    }
    browser.goto(&format!("{}/tickets", app.base)).await;
    let editor = colleague(&app, &owner).await;
    browser.run("document.querySelector('#ticket-2 .row-link').focus()", vec![]).await;
    let rows = "return [...document.querySelectorAll('.row')].map((row) => row.id).join()";
    let before = browser.run(rows, vec![]).await;

    editor.set_status(2, "in_progress").await.expect(303);
    browser.until("row", "return document.querySelector('#ticket-2').textContent.includes('In progress')").await;
    let focused = "return document.activeElement === document.querySelector('#ticket-2 .row-link')";
    assert_eq!(browser.run(focused, vec![]).await, true, "the focus stays in the row");
    editor.set_status(1, "closed").await.expect(303);
    browser.until("dimmed", "return document.querySelector('#ticket-1').classList.contains('left')").await;
    editor.make_ticket("Four").await;
    editor.make_ticket("Five").await;
    let news = "return document.querySelector('[data-news]').textContent === '2 new tickets'";
    browser.until("announcement", news).await;
    assert_eq!(browser.run(rows, vec![]).await, before, "no row has moved");
    browser.until("counts", "return document.querySelector('.tabs .count').textContent === '4'").await;
    browser.click("[data-news]").await;
    browser.see("Five").await;
    browser.stop().await;
}

/// Two colleagues in two browsers. Prints how long each change takes to appear.
async fn each_sees_what_the_other_does(here: &TestApp, there: &TestApp) {
    let owner = here.owner().await;
    let editor = here.member(&owner, Role::Editor).await;
    let editor = Person { base: there.base.clone(), ..editor };
    let number = owner.make_ticket("Lamp flickers").await;
    owner.write_notes(number, 1, &"Line\n".repeat(100)).await.expect(303);
    let (reader, writer, list) = (Browser::start(true).await, Browser::start(true).await, Browser::start(true).await);
    for (browser, person) in [(&reader, &owner), (&list, &owner), (&writer, &editor)] {
        sign_in(browser, person).await;
    }
    reader.goto(&format!("{}/tickets/{number}", here.base)).await;
    list.goto(&format!("{}/tickets", here.base)).await;
    while here.app.live.subscribers(Topic::Account(owner.id)) < 2 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    reader.run("const line = document.querySelector('[name=line]'); line.focus(); line.scrollIntoView()", vec![]).await;
    reader.fill("[name=line]", "Half a sent").await;
    let place = "const line = document.querySelector('[name=line]');
        return [line.value, document.activeElement === line, line.getBoundingClientRect().top]";
    let before = reader.run(place, vec![]).await;
    let appears = async |browser: &Browser, what: &str, script: &str| {
        let begun = Instant::now();
        browser.until(what, script).await;
        eprintln!("{what}: {} ms after the click had returned", begun.elapsed().as_millis());
    };

    let page = format!("{}/tickets/{number}", there.base);
    writer.goto(&page).await;
    let set = "const status = document.querySelector('[name=status]'); status.value = 'in_progress';
        status.dispatchEvent(new Event('change', { bubbles: true }))";
    writer.run(set, vec![]).await;
    appears(&reader, "status", "return document.querySelector('.status-choice').dataset.status === 'in_progress'")
        .await;
    appears(&list, "row", "return document.querySelector('.row').textContent.includes('In progress')").await;
    writer.see("is now “In progress”").await;
    writer.fill("[name=add]", "urgent").await;
    writer.click("#tags form.inline button").await;
    appears(&reader, "tag", "return document.querySelector('.tags').textContent.includes('urgent')").await;
    writer.see("Tags saved").await;
    writer.fill("[name=line]", "Called back").await;
    writer.click(".line-form button").await;
    appears(&reader, "note", "return document.querySelector('#notes').textContent.includes('Called back')").await;
    writer.see("Note added").await;
    writer.drop_files(&[("lamp.png", &files::png(1))]).await;
    appears(&reader, "file", "return !!document.querySelector('[data-name=\"lamp.png\"]')").await;
    writer.goto(&format!("{}/tickets/new", there.base)).await;
    writer.fill("main [name=title]", "Second lamp").await;
    writer.click("main button.primary").await;
    appears(&list, "new ticket", "return document.querySelector('[data-news]').textContent === '1 new ticket'").await;
    let after = reader.run(place, vec![]).await;
    assert_eq!((&after[0], &after[1]), (&before[0], &before[1]), "what is typed stays");
    // Browsers scroll by whole pixels where lines have parts of one.
    let moved = after[2].as_f64().unwrap() - before[2].as_f64().unwrap();
    assert!(moved.abs() <= 1.0, "nothing has moved: {moved}");
    for browser in [reader, writer, list] {
        browser.stop().await;
    }
}

#[actix_web::test]
async fn browser_of_two_colleagues_each_sees_what_the_other_does() {
    let app = TestApp::start().await;
    each_sees_what_the_other_does(&app, &app).await;
}

#[actix_web::test]
#[ignore = "needs Postgres: only there several programs serve one database"]
async fn two_instances_show_each_others_changes() {
    let app = TestApp::start().await;
    let database = app.app.config.database();
    let other = TestApp::start_with(|config| {
        config.database_url = Some(database);
        config.storage_url = Some(app.app.config.storage());
    })
    .await;
    each_sees_what_the_other_does(&app, &other).await;
}
